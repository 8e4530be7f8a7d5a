"""Files -> typed rows: the way in, the same for the asset, the check before it, and ``init``.

Belongs here: reading files one after the other, settling their forms, one relation of typed rows
of all. Does not: the single steps (``reading``, ``forms``, ``casting``), what is published.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.cells.casting import PARSER, TYPED
from customer_segments.ingestion.cells.dates import ORDERS
from customer_segments.ingestion.cells.forms import CALCULATED, counting, settled
from customer_segments.ingestion.cells.zones import other_zone
from customer_segments.ingestion.columns.layout import CONTACT, layout_of, where
from customer_segments.ingestion.files.grid import Grid
from customer_segments.ingestion.files.reading import EMPTY_FORMULA, grids, has_in_sheets
from customer_segments.ingestion.files.scans import require_readable
from customer_segments.ingestion.files.sources import Source
from customer_segments.ingestion.sheets.line_totals import other_totals
from customer_segments.ingestion.sheets.minor_units import is_said, minor_units
from customer_segments.ingestion.sheets.names import several_names
from customer_segments.ingestion.sheets.order_numbers import order_numbers
from customer_segments.ingestion.sheets.sheet import Sheet
from customer_segments.policy import Policy
from customer_segments.policy.layout import Layout
from customer_segments.private import make_folder
from customer_segments.source_files import standing
from customer_segments.storage.connection import translated
from customer_segments.storage.contracts import literal
from customer_segments.tables import RAW_TRANSACTIONS
from customer_segments.texts import plural

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

ROWS, DATE = "typed_rows", "invoice_date"
NAMELESS = "none named"
# Of a column's cells; fewer are errors in writing.
FEW = 0.01


@dataclass
class Intake:
    """What files hold."""

    # Those with transactions, in the order given; what holds none, with why, and such files.
    sheets: list[Sheet] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    without_sheets: list[Source] = field(default_factory=list)
    # What the columns alone give rise to.
    doubts: list[Doubt] = field(default_factory=list)
    # Version of the reading and of its rules.
    parser: str = ""

    def load(self, con: "Backend") -> Table:
        """Return the typed rows of all sheets, columns ``COLUMNS`` and ``CONTACT``.

        They are computed once, where they come from text.
        The scratch folder has to be there still.
        """
        typed = {name: RAW_TRANSACTIONS.schema[name].copy(nullable=True) for name in COLUMNS}
        schema = ibis.schema(typed | dict.fromkeys(CONTACT, "string"))
        queries = [
            f"SELECT {literal(sheet.workbook)}, {literal(sheet.name)}, * FROM ({sheet.typed})"
            for sheet in self.sheets
        ]
        if queries and not any(sheet.forms for sheet in self.sheets):
            # Read again faster than kept.
            columns = ", ".join(schema.names)
            con.raw_sql(f"CREATE TEMP VIEW {ROWS}({columns}) AS {' UNION ALL '.join(queries)}")
        else:
            con.create_table(ROWS, schema=schema, temp=True)
            for query in queries:
                con.raw_sql(f"INSERT INTO {ROWS} {query}")
        return ibis.table(schema, name=ROWS)


COLUMNS = ("workbook", "sheet", *TYPED)


def parser_of(policy: Policy) -> str:
    """Return the version of the reading and of the rules that it goes by."""
    return f"{PARSER}-{policy.fingerprint(RAW_TRANSACTIONS.sections)}"


@contextmanager
def taken_in(
    sources: list[Source],
    policy: Policy,
    progress: Callable[[str], None] = lambda message: None,
    memory: str = "1GB",
    spill_dir: Path | None = None,
    known: Iterable[str] = (),
) -> Iterator[Intake]:
    """Look at files, one after the other, and give what they hold, until the block is left.

    ``progress`` is told of each sheet; ``memory`` is the engine's limit, ``spill_dir`` for what is
    beyond it and for copies of files, the system's by default; ``known`` is how sheets were read
    that are not read again, as ``SOURCE_SHEETS`` has it. A UserError says that a file cannot
    be read, or holds no transactions; it names file, sheet and column.
    """
    import duckdb

    if spill_dir:
        make_folder(spill_dir)
    with (
        TemporaryDirectory(prefix="customer-segments-", dir=spill_dir) as folder,
        translated(Path(folder), memory),
    ):
        con = ibis.duckdb.connect(temp_directory=folder, memory_limit=memory)
        try:
            intake, begun = Intake(parser=parser_of(policy)), list[Grid]()
            doubts_of = list[list[Doubt]]()
            for source in sources:
                layout = layout_of(policy.layout, source.name)
                found, passed_over = grids(con, source, layout, Path(folder))
                intake.passed_over += passed_over
                intake.without_sheets += [] if found else [source]
                for grid in sorted(found, key=lambda grid: standing(grid.sheet)):
                    begun.append(grid)
                    sheet, doubts = _looked_at(con, grid, layout, policy)
                    rows = f"{sheet.rows:,} {plural(sheet.rows, 'row')}"
                    progress(f"{sheet.workbook}, {sheet.name}: {rows}")
                    intake.sheets.append(sheet)
                    doubts_of.append([each._replace(workbook=source.name) for each in doubts])
            _told_by_others(intake.sheets, doubts_of, known)
            intake.doubts = [*chain(*doubts_of), *several_names(con, intake.sheets)]
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


def _told_by_others(
    sheets: list[Sheet], doubts_of: list[list[Doubt]], known: Iterable[str]
) -> None:
    """Settle the order of dates that fit several by what the same column has in other files."""
    open_ones = [DATE in sheet.forms and sheet.forms[DATE].is_open for sheet in sheets]
    told = [sheet.read_as for sheet, is_open in zip(sheets, open_ones, strict=True) if not is_open]
    words = dict[str, set[str]]()
    for read_as in (*map(json.loads, known), *told):
        if date := read_as.get(DATE):
            words.setdefault(date["heading"], set()).update(date["form"].split(" and "))
    for sheet, doubts, is_open in zip(sheets, doubts_of, open_ones, strict=True):
        said = words.get(sheet.grid.header.headings[DATE], set())
        orders = [order for order in ("dmy", "mdy", "ymd") if ORDERS[order] in said]
        if is_open and len(orders) == 1:
            form = sheet.forms[DATE]
            as_told = form.said.replace(ORDERS[form.order], ORDERS[orders[0]])
            sheet.forms[DATE] = form._replace(order=orders[0], is_open=False, said=as_told)
            doubts[:] = [each for each in doubts if each.name != "ambiguous_dates"]


def _looked_at(
    con: "Backend", grid: Grid, layout: Layout, policy: Policy
) -> tuple[Sheet, list[Doubt]]:
    """Settle the forms of a sheet's columns from all of its cells."""
    place, headings = where(grid.source.name, grid.sheet), grid.header.headings
    counts = grid.counted(con, counting(grid.schema))
    rows = counts["rows"]
    forms, doubts = settled(counts, layout, place, headings, policy.source.today())
    doubts = [*grid.doubts, *doubts]
    if counts.get("invoice_date:zoned"):
        doubts += other_zone(con, grid, policy.source.time_zone)
    for name, share in CALCULATED.items():
        without = counts.get(f"no_{name}") or 0
        if without > share * rows and has_in_sheets(grid.source.file, EMPTY_FORMULA):
            column = f"{place}, column {headings[name]!r}"
            doubts.append(doubt("formulas", column=column, without=without, rows=rows))
    named = {counts.get(name) or "" for name in ("a_currency", "other_currency")} - {""}
    if named and min(counts["named"] or 0, counts["nameless"] or 0) > FEW * rows:
        # Money from abroad has its sign, that of the shop's country has none.
        named.add(NAMELESS)
    doubts += other_totals(con, grid, forms)
    money = "price" if "price" in grid.schema else "amount"
    if is_said(headings[money]):
        layout = layout.model_copy(update={"minor_units": True})
    elif not layout.minor_units and counts.get(f"{money}:whole") == counts.get(f"{money}:all"):
        doubts += minor_units(con, grid, named)
    sheet = Sheet(grid, layout, forms, policy.source, rows, tuple(sorted(named)))
    return sheet, [*doubts, *order_numbers(con, sheet)]
