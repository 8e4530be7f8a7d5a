"""Files -> typed rows: the way in, the same for the asset, the check before it, and ``init``.

Belongs here: reading files one after the other, settling their forms, one relation of typed rows
of all. Does not: the single steps (``reading``, ``forms``, ``casting``), what is published.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.ingestion import numbers
from customer_segments.ingestion.casting import PARSER, TYPED
from customer_segments.ingestion.doubt import Doubt
from customer_segments.ingestion.forms import looked_at, settled
from customer_segments.ingestion.grid import Grid
from customer_segments.ingestion.layout import layout_of, where
from customer_segments.ingestion.reading import grids, has_formulas_without_values
from customer_segments.ingestion.scans import longest_texts, require_readable, require_short
from customer_segments.ingestion.sheet import Sheet
from customer_segments.ingestion.sources import Source
from customer_segments.policy import Policy
from customer_segments.policy.layout import Layout
from customer_segments.storage.contracts import literal
from customer_segments.tables import RAW_TRANSACTIONS

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

ROWS = "typed_rows"


@dataclass
class Intake:
    """What files hold.

    Parameters
    ----------
    sheets
        Those with transactions, in the order given.
    passed_over
        What holds none, with why.
    doubts
        What the columns alone give rise to.
    without_sheets
        Files that hold no transactions.
    parser
        Version of the reading and of its rules.
    """

    sheets: list[Sheet] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    without_sheets: list[Source] = field(default_factory=list)
    parser: str = ""

    def load(self, con: "Backend") -> Table:
        """Return the typed rows of all sheets, computed once if they are not Parquet's.

        The scratch folder has to be there still.
        """
        schema = ibis.schema(
            {name: RAW_TRANSACTIONS.schema[name].copy(nullable=True) for name in COLUMNS}
        )
        is_columnar = self.sheets and all(sheet.grid.is_columnar for sheet in self.sheets)
        if not is_columnar:
            con.create_table(ROWS, schema=schema, temp=True)
        # Files of one form have one query: for Ibis to make it takes longer than a small file.
        made: dict[str, tuple[str, str]] = {}
        queries = []
        for sheet in self.sheets:
            view = sheet.grid.view
            if sheet.grid.sql:
                con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {view} AS {sheet.grid.sql}")
            form = repr((sheet.grid.cells.schema(), sheet.grid.header, sheet.forms))
            if not is_columnar:
                names = {
                    name: ibis.literal(said)
                    for name, said in (("workbook", sheet.workbook), ("sheet", sheet.name))
                }
                con.insert(ROWS, sheet.typed().mutate(**names).select(*COLUMNS))
                continue
            if form not in made:
                made[form] = str(con.compile(sheet.typed())), view
            query, its_view = made[form]
            place = ", ".join(map(literal, (sheet.workbook, sheet.name)))
            queries.append(f"SELECT {place}, * FROM ({query.replace(its_view, view)})")
        if queries:
            # Read again faster than kept.
            columns = ", ".join(COLUMNS)
            con.raw_sql(f"CREATE TEMP VIEW {ROWS}({columns}) AS {' UNION ALL '.join(queries)}")
        return ibis.table(schema, name=ROWS)


COLUMNS = ("workbook", "sheet", *TYPED)


def parser_of(policy: Policy) -> str:
    """Return the version of the reading and of the rules that it goes by."""
    return f"{PARSER}-{policy.fingerprint(RAW_TRANSACTIONS.sections)}"


@contextmanager
def taken_in(
    sources: list[Source], policy: Policy, progress: Callable[[str], None] = lambda message: None
) -> Iterator[Intake]:
    """Look at files, one after the other, and give what they hold, until the block is left.

    Raises
    ------
    UserError
        If a file cannot be read, or holds no transactions; names file, sheet and column.
    """
    import duckdb

    with TemporaryDirectory(prefix="customer-segments-") as folder:
        con = ibis.duckdb.connect(temp_directory=folder)
        try:
            intake, begun = Intake(parser=parser_of(policy)), list[Grid]()
            for source in sources:
                layout = layout_of(policy.layout, source.name)
                found, passed_over = grids(con, source, layout, Path(folder))
                intake.passed_over += passed_over
                intake.without_sheets += [] if found else [source]
                for grid in found:
                    begun.append(grid)
                    sheet, doubts = _looked_at(con, grid, layout, policy)
                    progress(f"{sheet.workbook}, {sheet.name}: {sheet.rows:,} rows")
                    intake.sheets.append(sheet)
                    intake.doubts += doubts
            yield intake
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            # The engine reads files whenever it needs them, and does not say which was broken.
            for grid in begun:
                require_readable(con, grid)
            raise
        finally:
            con.disconnect()


def _looked_at(
    con: "Backend", grid: Grid, layout: Layout, policy: Policy
) -> tuple[Sheet, list[Doubt]]:
    """Settle the forms of a sheet's columns from all of its cells."""
    cells, header = grid.cells, grid.header
    place = where(grid.source.name, grid.sheet)
    figures = looked_at(cells) | longest_texts(grid) | {"rows": cells.count()}
    money = "price" if "price" in header.positions else "amount"
    if cells[money].type().is_string():
        signs = numbers.currencies(cells[money])
        figures |= {"a_currency": signs.min(), "other_currency": signs.max()}
    figures |= {f"no_{money}": cells[money].isnull().sum().fill_null(0)}
    if "currency" in header.positions:
        named = cells.currency.cast("string").strip().upper()
        figures |= {"a_currency": named.min(), "other_currency": named.max()}
    counts = con.execute(cells.agg(**figures)).iloc[0].to_dict()
    require_short(grid, counts)
    forms, doubts = settled(
        {name: count for name, count in counts.items() if ":" in name},
        layout,
        place,
        header.headings,
    )
    column = f"{place}, column {header.headings[money]!r}"
    without = counts[f"no_{money}"]
    # A few may be errors that Excel itself shows.
    if without > 0.05 * counts["rows"] and has_formulas_without_values(grid.source.file):
        doubts.append(
            Doubt(
                "formulas",
                "stops",
                f"{column}: {without:,.0f} of {counts['rows']:,.0f} cells have a formula and no "
                "value, for the program that wrote the workbook never calculated it.",
                "Open it in Excel or LibreOffice and save it: then the values are there.",
                '[source] accept = ["formulas"]',
            )
        )
    named = {counts.get(name) for name in ("a_currency", "other_currency")}
    currencies = tuple(sorted(name for name in named if name and isinstance(name, str)))
    return Sheet(grid, layout, forms, policy.source, int(counts["rows"]), currencies), doubts
