"""The command ``check``, a dry run: what would be kept and rejected of files, and why.

Belongs here: reading and judging in memory, and printing it. Does not: writing anything.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customer_segments.commands.console import console
from customer_segments.covering import months_of_data
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import SOURCE_SUFFIXES, natural_order

if TYPE_CHECKING:
    from ibis.expr.types import Table

# Of each reason; enough to find the cause in the workbook.
EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """What cleaning would make of some files.

    Parameters
    ----------
    kept
        Rows that would be kept.
    rejected
        Rows that would not, by reason.
    examples
        Up to five rows of each reason: workbook, sheet, row_number and what the row says.
    """

    kept: int
    rejected: dict[str, int]
    examples: list[dict]


def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks: .xlsx, .csv or .parquet.")],
) -> None:
    """Say what would be kept and rejected of FILES, and why. Writes nothing."""
    from customer_segments.outputs.summary import print_rows

    verdict = judge(files, Installation.here())
    print_rows(verdict.kept, verdict.rejected, console())
    for row in verdict.examples:
        said = (
            f"{row['unreadable_column']} says {row['unreadable_text']!r}"
            if row["unreadable_column"]
            else f"invoice {row['invoice']}, {row['stock_code']}, {row['quantity']} x "
            f"{row['price']}, customer {row['customer_id']}"
        )
        typer.echo(
            f"{row['reason']}: {row['workbook']}, {row['sheet']}, row {row['row_number']}: {said}"
        )


def judge(files: list[Path], installed: Installation) -> Verdict:
    """Read files and apply the cleaning rules of the policy; writes nothing.

    Raises
    ------
    UserError
        If a file could not be ingested.
    """
    import ibis

    from customer_segments.cleaning.rules import classified
    from customer_segments.ingestion.casting import typed_rows
    from customer_segments.ingestion.reading import read_sheets
    from customer_segments.ingestion.settling import settle
    from customer_segments.ingestion.sources import fingerprinted
    from customer_segments.ingestion.survey import (
        cells_of,
        computed,
        in_order,
        likely_dates,
        source_order,
        survey,
    )

    for file in files:
        if not file.is_file() or file.suffix.lower() not in SOURCE_SUFFIXES:
            raise UserError(
                f"{file} is not a {', '.join(SOURCE_SUFFIXES)} file.",
                "Name files, not folders; save other kinds as .xlsx first.",
            )
    today = installed.policy.source.today()
    sources = fingerprinted(natural_order(files))
    names = [source.name for source in sources]
    sheets = read_sheets(sources)
    typed = computed(typed_rows(cells_of(sheets)))
    surveyed = in_order(survey(sheets, typed, today), names)
    covered = months_of_data(
        installed.months, installed.settings, *likely_dates(surveyed, names, today)
    )
    con = ibis.duckdb.connect()
    settled = settle(typed, source_order(surveyed), covered.first, covered.newest)
    raw = con.create_table("raw", settled)
    rows = classified(raw, installed.policy.cleaning, covered.first, covered.newest)
    counts = con.execute(rows.group_by("reason").agg(rows=rows.count()))
    by_reason = {
        row.reason: int(row.rows) for row in counts.itertuples() if isinstance(row.reason, str)
    }
    return Verdict(
        kept=int(surveyed["row_count"].sum()) - sum(by_reason.values()),
        rejected=by_reason,
        examples=con.to_pyarrow(_examples(rows)).to_pylist(),
    )


def _examples(rows: "Table") -> "Table":
    """Return the first rows of each reason, in order of the sheets."""
    import ibis

    place = ibis.row_number().over(group_by="reason", order_by=["workbook", "sheet", "row_number"])
    rejected = rows.filter(rows.reason.notnull()).mutate(place=place)
    return (
        rejected.filter(rejected.place < EXAMPLES)
        .order_by("reason", "place")
        .select(
            "reason",
            "workbook",
            "sheet",
            "row_number",
            "invoice",
            "stock_code",
            "quantity",
            "price",
            "customer_id",
            "unreadable_column",
            "unreadable_text",
        )
    )
