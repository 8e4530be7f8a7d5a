"""A sheet that was read: its grid, and how the cells of its columns are taken.

Belongs here: what a sheet is. Does not: settling its forms (``intake``).
"""

from dataclasses import dataclass

from ibis.expr.types import Table

from customer_segments.ingestion.casting import filled_down, typed_rows
from customer_segments.ingestion.forms import Form
from customer_segments.ingestion.grid import Grid
from customer_segments.policy.layout import Layout
from customer_segments.policy.rules import Source as Rules


@dataclass
class Sheet:
    """A sheet that was read, and how."""

    grid: Grid
    layout: Layout
    forms: dict[str, Form]
    rules: Rules
    rows: int
    currencies: tuple[str, ...] = ()

    @property
    def workbook(self) -> str:
        """Name of its file."""
        return self.grid.source.name

    @property
    def name(self) -> str:
        """Name of the sheet."""
        return self.grid.sheet

    def typed(self) -> Table:
        """Return its typed rows."""
        header, cells = self.grid.header, self.grid.cells
        if header.is_filled_down:
            cells = filled_down(cells)
        is_utc = "(utc)" in header.headings["invoice_date"].casefold()
        return typed_rows(cells, self.forms, self.layout, self.rules, is_utc)

    @property
    def ignored(self) -> list[str]:
        """Headings of columns that are not used."""
        header, wanted = self.grid.header, self.layout.discount
        discount = header.headings.get("discount")
        return [*header.ignored, *([discount] if discount and not wanted else [])]

    @property
    def read_as(self) -> str:
        """How each column was read, in words."""
        said = {name: form.said for name, form in self.forms.items()}
        return "; ".join(
            f"{column}: {heading!r}{f' ({said[column]})' if said.get(column) else ''}"
            for column, heading in self.grid.header.headings.items()
        )
