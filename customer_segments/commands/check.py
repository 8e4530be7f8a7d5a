"""The command ``check``, a dry run: what would be kept and rejected of files, and why.

Belongs here: reading and judging in memory, and printing it. Does not: writing anything.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import get_console

from customer_segments.covering import months_of_data
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import SOURCE_SUFFIXES, natural_order

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table

# Of each reason; enough to find the cause in the workbook.
EXAMPLES = 5


def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks: .xlsx, .csv or .parquet.")],
) -> None:
    """Say what would be kept and rejected of FILES, and why. Writes nothing."""
    import ibis

    from customer_segments.outputs.summary import print_rows

    con = ibis.duckdb.connect()
    rows, total = judged(con, files, Installation.here())
    counts = con.execute(rows.reason.value_counts(name="rows").drop_null("reason"))
    rejected = dict(zip(counts["reason"], map(int, counts["rows"]), strict=True))
    print_rows(total - sum(rejected.values()), rejected, get_console())
    source = ["workbook", "sheet", "row_number"]
    place = ibis.row_number().over(group_by="reason", order_by=source)
    numbered = rows.filter(rows.reason.notnull()).mutate(place=place)
    examples = numbered.filter(numbered.place < EXAMPLES).order_by("reason", "place")
    for row in con.to_pyarrow(examples).to_pylist():
        said = (
            f"{row['unreadable_column']} says {row['unreadable_text']!r}"
            if row["unreadable_column"]
            else f"invoice {row['invoice']}, {row['stock_code']}, {row['quantity']} x "
            f"{row['price']}, customer {row['customer_id']}"
        )
        where = ", ".join(str(row[name]) for name in source[:2])
        typer.echo(f"{row['reason']}: {where}, row {row['row_number']}: {said}")


def judged(con: "Backend", files: list[Path], installed: Installation) -> "tuple[Table, int]":
    """Return the rows of files, with why each would be rejected, and how many there are.

    By the cleaning rules of the policy; a UserError says which file could not be ingested.
    """
    from customer_segments.cleaning.rules import classified
    from customer_segments.ingestion.intake import taken_in
    from customer_segments.ingestion.settling import settle
    from customer_segments.ingestion.sources import fingerprinted
    from customer_segments.ingestion.survey import in_order, likely_dates, source_order, survey

    for file in files:
        if not file.exists() or not file.name.lower().endswith(SOURCE_SUFFIXES):
            raise UserError(
                f"{file} is not a {', '.join(SOURCE_SUFFIXES)} file.",
                "Save other kinds as .xlsx first.",
            )
    today = installed.policy.source.today()
    sources = fingerprinted(natural_order(files))
    names = [source.name for source in sources]
    with taken_in(sources, installed.policy) as intake:
        typed = intake.load(con)
        surveyed = in_order(survey(con, intake, typed, today), names)
        covered = months_of_data(
            installed.months, installed.settings, *likely_dates(surveyed, names, today)
        )
        settled = settle(con, typed, source_order(surveyed), covered.first, covered.newest)
        raw = con.create_table("raw", settled)
    rows = classified(raw, installed.policy.cleaning, covered.first, covered.newest)
    return rows, int(surveyed["row_count"].sum())
