"""Reading files without publishing them: what the columns were taken for, and what is doubted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from customer_segments.doubts.doubts import Doubt
from customer_segments.doubts.dry_run import dry_run
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.policy.layout import Layout
from customer_segments.policy.rules import Source
from customer_segments.settings import Settings


@dataclass
class Taken:
    """What files came to.

    Parameters
    ----------
    rows
        Typed rows, a dict each, in the order of sheets and row numbers.
    headings
        Heading by column, of the first sheet.
    """

    rows: list[dict[str, Any]]
    doubts: list[Doubt]
    passed_over: list[str]
    headings: dict[str, str]
    read_as: list[dict[str, dict[str, str]]]

    @property
    def stopped(self) -> list[str]:
        """Names of the doubts that stop."""
        return [doubt.name for doubt in self.doubts if doubt.level == "stops"]

    def column(self, name: str) -> list:
        """One column of the rows."""
        return [row[name] for row in self.rows]


def take(files: Path | Iterable[Path], zone: str = "Europe/London", **layout: Any) -> Taken:
    """Read files, under a layout and in a time zone of the retailer."""
    paths = [files] if isinstance(files, Path) else list(files)
    policy = Policy(source=Source(time_zone=zone), layout=[Layout(**layout)] if layout else [])
    with taken_in(fingerprinted(paths), policy) as intake:
        con = ibis.duckdb.connect()
        try:
            table = intake.load(con)
            rows = con.to_pyarrow(table.order_by("workbook", "sheet", "row_number")).to_pylist()
        finally:
            con.disconnect()
        return Taken(
            rows,
            intake.doubts,
            intake.passed_over,
            intake.sheets[0].grid.header.headings if intake.sheets else {},
            [sheet.read_as for sheet in intake.sheets],
        )


def dry_rows(settings: Settings, *columns: str) -> list[tuple]:
    """Rows that a run would ingest, in the order of files, sheets and rows, by a dry run."""
    found = dry_run([], Installation.of(settings)).found
    ordered = found.rows.order_by("workbook", "sheet", "row_number").select(*columns)
    rows = found.con.to_pyarrow(ordered).to_pylist()
    found.con.disconnect()
    return [tuple(row.values()) for row in rows]
