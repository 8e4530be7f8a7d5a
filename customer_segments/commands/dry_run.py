"""A dry run: files read, settled, cleaned and doubted in memory, by some policy.

Belongs here: what ``check`` and ``init`` both need, and its figures. Does not: printing, writing.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_segments.errors import UserError
from customer_segments.ingestion.doubt import Doubt
from customer_segments.installation import Installation

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table

LARGEST = 3


@dataclass(frozen=True)
class DryRun:
    """What would become of files.

    Parameters
    ----------
    con
        Where the rows are.
    rows
        As ``RAW_TRANSACTIONS`` has them, with ``reason``, ``is_credit`` and ``revenue``.
    sheets
        As ``SOURCE_SHEETS`` has them.
    passed_over
        Files and sheets that are not read, and why.
    """

    con: "Backend"
    rows: "Table"
    sheets: "Table"
    doubts: list[Doubt]
    passed_over: list[str] = field(default_factory=list)

    @cached_property
    def figures(self) -> dict[str, Any]:
        """Rows, money, customers and orders; revenue is net."""
        from customer_segments.ingestion.evidence import orders

        rows = self.rows
        revenue = rows.revenue.cast("decimal(38, 4)").sum().fill_null(0)
        by_reason = rows.group_by("reason").agg(rows=rows.count(), revenue=revenue)
        fate = {row["reason"]: row for row in self._fetched(by_reason.order_by("reason"))}
        nothing = {"rows": 0, "revenue": 0}
        kept = rows.filter(rows.reason.isnull())
        (bounds,) = self._fetched(
            kept.agg(
                customers=kept.customer_id.nunique(),
                first=kept.invoice_date.min().date(),
                last=kept.invoice_date.max().date(),
            )
        )
        (sold,) = self._fetched(orders(kept.filter(~kept.is_credit)).count().as_table())
        return {
            "rows": sum(row["rows"] for row in fate.values()),
            "kept": fate.get(None, nothing)["rows"],
            "rejected": {
                reason: {name: row[name] for name in nothing}
                for reason, row in fate.items()
                if reason
            },
            "customers": bounds["customers"],
            "orders": next(iter(sold.values())),
            "revenue": fate.get(None, nothing)["revenue"],
            "first": bounds["first"],
            "last": bounds["last"],
        }

    @cached_property
    def unused_columns(self) -> list[str]:
        """Headings of columns that are not used."""
        named = self._fetched(self.sheets.select("ignored_columns"))
        columns = [name for row in named for name in row["ignored_columns"].split(", ") if name]
        return sorted(set(columns))

    @property
    def would_publish(self) -> bool:
        """Whether nothing stops, and a row is kept."""
        return self.figures["kept"] > 0 and all(each.level != "stops" for each in self.doubts)

    def largest_customers(self) -> list[dict[str, Any]]:
        """Return the customers with the most money, with ``lines`` and ``revenue``."""
        kept = self.rows.filter(self.rows.reason.isnull(), self.rows.customer_id.notnull())
        each = kept.group_by("customer_id").agg(lines=kept.count(), revenue=kept.revenue.sum())
        return self._fetched(each.order_by(each.revenue.desc(), "customer_id").limit(LARGEST))

    def examples(self, count: int) -> list[dict[str, Any]]:
        """Return the first rows of each reason, and of those kept."""
        import ibis

        place = ["workbook", "sheet", "row_number"]
        nth = ibis.row_number().over(group_by="reason", order_by=place)
        numbered = self.rows.mutate(nth=nth)
        return self._fetched(numbered.filter(numbered.nth < count).order_by("reason", *place))

    def _fetched(self, figures: "Table") -> list[dict[str, Any]]:
        return self.con.to_pyarrow(figures).to_pylist()


def dry_run(paths: list[Path], installed: Installation) -> DryRun:
    """Return what would become of files, or of those of a folder, by the policy.

    A UserError says which file could not be ingested.
    """
    import ibis

    from customer_segments.cleaning.rules import classified
    from customer_segments.covering import months_of_data
    from customer_segments.ingestion.casting import typed_rows
    from customer_segments.ingestion.doubts import doubts
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
    from customer_segments.tables import RAW_TRANSACTIONS

    settings, policy = installed.settings, installed.policy
    files, passed_over = _files_of(paths)
    today = policy.source.today()
    sources = fingerprinted(files)
    names = [source.name for source in sources]
    read = read_sheets(sources)
    typed = computed(typed_rows(cells_of(read)))
    surveyed = in_order(survey(read, typed, today), names)
    covered = months_of_data(installed.months, settings, *likely_dates(surveyed, names, today))
    con = ibis.duckdb.connect()
    settled = settle(typed, source_order(surveyed), covered.first, covered.newest)
    raw = con.create_table(RAW_TRANSACTIONS.table, settled)
    sheets = ibis.memtable(surveyed)
    rows = classified(raw, policy.cleaning, covered.first, covered.newest)
    found = doubts(con, raw, sheets, policy, bounds=settings.bounds)
    return DryRun(con, con.create_table("rows", rows), sheets, found, passed_over)


def _files_of(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, in their order, and what of a folder is passed over."""
    from customer_segments.settings import SOURCE_SUFFIXES, natural_order

    files: list[Path] = []
    passed_over: list[str] = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        for each in inside:
            if each.is_file() and each.suffix.lower() in SOURCE_SUFFIXES:
                files.append(each)
            elif path.is_dir():
                passed_over.append(each.name)
            else:
                raise UserError(
                    f"{each} is not a {', '.join(SOURCE_SUFFIXES)} file.",
                    "Save it as .xlsx or .csv first.",
                )
    return natural_order(files), passed_over
