"""A dry run: files read, settled, cleaned and doubted in memory, by some policy.

Belongs here: what ``check`` and ``init`` both need, and its figures. Does not: printing, writing.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_segments.errors import UserError
from customer_segments.ingestion.doubt import Doubt
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.source_files import SOURCE_SUFFIXES, contents, natural_order, parts_of

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table

LARGEST = 3


@dataclass(frozen=True)
class DryRun:
    """What would become of files.

    Parameters
    ----------
    policy
        By which rules.
    con
        Where the rows are.
    rows
        As ``RAW_TRANSACTIONS`` has them, with ``reason``, ``is_credit`` and ``revenue``.
    sheets
        As ``SOURCE_SHEETS`` has them.
    passed_over
        Files and sheets that are not read, and why.
    """

    policy: Policy
    con: "Backend"
    rows: "Table"
    sheets: "Table"
    doubts: list[Doubt]
    passed_over: list[str]

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
        from customer_segments.ingestion.evidence import unused

        by_sheet = unused(self._fetched(self.sheets), self.policy)
        return sorted({name for names in by_sheet.values() for name in names})

    @cached_property
    def read_as(self) -> list[tuple[str, str]]:
        """How the columns of each sheet were read: the sheet, and each column with its heading."""
        from customer_segments.ingestion.layout import where

        sheets = self._fetched(self.sheets.order_by("source_order"))
        return [(where(row["workbook"], row["sheet"]), row["read_as"]) for row in sheets]

    @cached_property
    def currencies(self) -> list[str]:
        """Currencies of the money, as far as the files say."""
        named = self._fetched(self.sheets.select("currencies"))
        found = [name for row in named for name in (row["currencies"] or "").split(", ") if name]
        return sorted(set(found))

    @property
    def would_publish(self) -> bool:
        """Whether nothing stops, and a row is kept."""
        return self.figures["kept"] > 0 and all(each.level != "stops" for each in self.doubts)

    def largest_customers(self) -> list[dict[str, Any]]:
        """Return the customers with the most money, with ``lines`` and ``revenue``."""
        kept = self.rows.filter(self.rows.reason.isnull(), self.rows.customer_id.notnull())
        each = kept.group_by("customer_id").agg(lines=kept.count(), revenue=kept.revenue.sum())
        return self._fetched(each.order_by(each.revenue.desc(), "customer_id").limit(LARGEST))

    def services(self) -> dict[str, str]:
        """Return the codes of lines that are kept and called like a service, and their names."""
        from customer_segments.cleaning.services import services

        found = self._fetched(services(self.rows.filter(self.rows.reason.isnull())))
        return {row["stock_code"]: row["description"].strip() for row in found}

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

    Without any, of what a run would read: files of the source folder, or the database.

    A UserError says which file could not be ingested.
    """
    import ibis
    import pyarrow as pa

    from customer_segments.cleaning.rules import classified
    from customer_segments.covering import months_of_data
    from customer_segments.ingestion.database import sources_of
    from customer_segments.ingestion.doubts import doubts
    from customer_segments.ingestion.intake import taken_in
    from customer_segments.ingestion.settling import settle
    from customer_segments.ingestion.sources import fingerprinted
    from customer_segments.ingestion.survey import in_order, likely_dates, source_order, survey
    from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_SHEETS

    settings, policy = installed.settings, installed.policy
    today = policy.source.today()
    files, passed_over = _files_of(paths) if paths else ([], [])
    if not paths and not policy.source.database:
        passed_over = settings.passed_over()
    given = nullcontext(fingerprinted(files)) if paths else sources_of(settings, policy)
    con = ibis.duckdb.connect()
    with given as sources, taken_in(sources, policy) as intake:
        names = [source.name for source in sources]
        typed = intake.load(con)
        surveyed = in_order(survey(con, intake, typed, today), names)
        dates = likely_dates(surveyed, names, today)
        covered = months_of_data(installed.months, settings, *dates)
        settled = settle(con, typed, source_order(surveyed), covered.first, covered.newest)
        raw = con.create_table(RAW_TRANSACTIONS.table, settled)
    # By the contract's types: pandas has none for money that is nowhere.
    schema = SOURCE_SHEETS.schema.to_pyarrow()
    sheets = ibis.memtable(pa.Table.from_pandas(surveyed, schema=schema, preserve_index=False))
    rows = classified(raw, policy.cleaning, covered.first, covered.newest)
    found = doubts(con, raw, sheets, policy, intake.doubts, bounds=settings.bounds)
    passed_over += intake.passed_over
    return DryRun(policy, con, con.create_table("rows", rows), sheets, found, passed_over)


def _files_of(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, in their order, and what of folders is passed over."""
    files: list[Path] = []
    passed_over: list[str] = []
    for path in paths:
        if path.is_dir() and not parts_of(path):
            inside, others = contents(path)
            files += inside
            passed_over += others
        elif path.is_dir() or path.name.lower().endswith(SOURCE_SUFFIXES):
            files.append(path)
        else:
            raise UserError(
                f"{path} is not a {', '.join(SOURCE_SUFFIXES)} file.",
                "Save other kinds as .xlsx first.",
            )
    if not files:
        raise UserError(
            f"{', '.join(map(str, paths))} holds no {', '.join(SOURCE_SUFFIXES)} file.",
            "Name files with transactions, or their folder.",
        )
    return natural_order(files), passed_over
