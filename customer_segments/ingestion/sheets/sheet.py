"""A sheet that was read: its grid, and how the cells of its columns are taken.

Belongs here: what a sheet is. Does not: settling its forms (``intake``).
"""

from dataclasses import dataclass
from functools import cache

import ibis

from customer_segments.ingestion.cells.casting import filled_down, typed_rows
from customer_segments.ingestion.cells.forms import Form
from customer_segments.ingestion.columns.layout import LINE_TOTAL, OTHER, PARTS
from customer_segments.ingestion.files.grid import Grid, cells_of
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

    @property
    def typed(self) -> str:
        """The query of its typed rows, columns ``TYPED`` and ``CONTACT``."""
        header = self.grid.header
        forms = tuple((name, form._replace(said="")) for name, form in self.forms.items())
        query = _typing(
            self.grid.schema,
            forms,
            self.layout.model_dump_json(),
            self.rules.model_dump_json(),
            header.is_filled_down,
            "(utc)" in header.headings["invoice_date"].casefold(),
            self.name in self.layout.credit,
        )
        return self.grid.read_by(query)

    @property
    def read_as(self) -> dict[str, dict[str, str]]:
        """The ``heading`` of each column, and the ``form`` of its cells in words."""
        said = {name: form.said for name, form in self.forms.items()}
        if self.layout.minor_units:
            said |= dict.fromkeys(("price", "amount"), "hundredths")
        return {
            column: {"heading": heading, "form": said.get(column, "")}
            for column, heading in self.grid.header.headings.items()
            if not column.startswith((LINE_TOTAL, OTHER, PARTS))
        }


@cache
def _typing(
    schema: ibis.Schema,
    forms: tuple[tuple[str, Form], ...],
    layout: str,
    rules: str,
    is_filled_down: bool,
    is_utc: bool,
    is_credit: bool,
) -> str:
    """Return the query of the typed rows of all sheets of a form."""
    cells, said = cells_of(schema), Layout.model_validate_json(layout)
    typed = typed_rows(
        filled_down(cells, said.fill_down) if is_filled_down else cells,
        dict(forms),
        said,
        Rules.model_validate_json(rules),
        is_utc,
        is_credit,
    )
    return str(ibis.to_sql(typed, "duckdb"))
