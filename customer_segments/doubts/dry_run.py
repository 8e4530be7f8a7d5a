"""A dry run: files read, settled, cleaned and doubted in memory, by some policy.

Belongs here: what ``check`` and ``init`` both need, and its figures. Does not: printing, writing.
"""

import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_segments import months
from customer_segments.doubt import Doubt, each_once
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import input_of
from customer_segments.source_files import (
    SHOWN,
    SOURCE_SUFFIXES,
    natural_order,
    nothing_in,
    parts_of,
    way_out,
)

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from customer_segments.doubts.evidence import Evidence

LARGEST = 3
NOTHING = {"rows": 0, "revenue": 0}


@dataclass(frozen=True)
class DryRun:
    """What would become of files: their rows by some policy, what is doubted, what is not read."""

    found: "Evidence"
    doubts: list[Doubt]
    passed_over: list[str]

    @cached_property
    def figures(self) -> dict[str, Any]:
        """Rows, money, customers and orders; revenue is net."""
        from customer_segments.ingestion.orders.keys import KEY, with_keys
        from customer_segments.tables.money import SUM

        fate = {
            reason: {name: of[name] for name in NOTHING}
            for reason, of in self.found.outcome.items()
        }
        kept, rows = fate.pop(None, NOTHING), self._kept
        sold = with_keys(rows.filter(~rows.is_credit, rows.revenue >= 0)).select(KEY).distinct()
        (said,) = self.found.fetched(
            rows.agg(
                customers=rows.customer_id.nunique(),
                orders=sold.count().as_scalar(),
                revenue=rows.revenue.cast(SUM).sum().fill_null(0),
                first=rows.invoice_date.min().date(),
                last=rows.invoice_date.max().date(),
            )
        )
        return {
            "rows": kept["rows"] + sum(of["rows"] for of in fate.values()),
            "kept": kept["rows"],
            "rejected": dict(sorted(fate.items())),
            **said,
        }

    @property
    def fates(self) -> dict[str, dict[str, Any]]:
        """Rows and revenue of what is kept, and of each reason to reject, most rows first."""
        kept = {"rows": self.figures["kept"], "revenue": self.figures["revenue"]}
        rejected = sorted(self.figures["rejected"].items(), key=lambda item: -item[1]["rows"])
        return {"kept": kept, **dict(rejected)}

    @property
    def read_as(self) -> list[tuple[str, str]]:
        """How the columns of each sheet were read, in words, by the sheet's name."""
        from customer_segments.ingestion.columns.layout import where

        sheets = sorted(self.found.sheets, key=itemgetter("source_order"))
        return [(where(sheet["workbook"], sheet["sheet"]), _in_words(sheet)) for sheet in sheets]

    @property
    def would_publish(self) -> bool:
        """Whether nothing stops, and a row is kept."""
        return self.figures["kept"] > 0 and all(each.level != "stops" for each in self.doubts)

    def newest_snapshot(self, today: date) -> tuple[int, int]:
        """Return how many customers the newest complete month has, and how many months to it."""
        if not (last := self.figures["last"]):
            return 0, 0
        month = months.month_of(last)
        if not months.is_complete(month, last, today):
            month = months.shift(month, -1)
        sold = self._kept.filter(~self._kept.is_credit, self._kept.month <= month)
        (said,) = self.found.fetched(
            sold.agg(customers=sold.customer_id.nunique(), first=sold.month.min())
        )
        return said["customers"], months.months_from(said["first"], month) if said["first"] else 0

    def largest_customers(self) -> list[dict[str, Any]]:
        """Return the customers with the most money, with ``lines`` and ``revenue``."""
        kept = self._kept.filter(self._kept.customer_id.notnull())
        each = kept.group_by("customer_id").agg(lines=kept.count(), revenue=kept.revenue.sum())
        return self.found.fetched(each.order_by(each.revenue.desc(), "customer_id").limit(LARGEST))

    def examples(self, count: int) -> list[dict[str, Any]]:
        """Return the first rows of each reason, and of those kept."""
        import ibis

        place = ["workbook", "sheet", "row_number"]
        nth = ibis.row_number().over(group_by="reason", order_by=place)
        numbered = self.found.rows.mutate(nth=nth)
        return self.found.fetched(numbered.filter(numbered.nth < count).order_by("reason", *place))

    @property
    def _kept(self) -> "Table":
        return self.found.rows.filter(self.found.rows.reason.isnull())


def _in_words(sheet: dict[str, Any]) -> str:
    return "; ".join(
        f"{column}: {read['heading']!r}" + (f" ({read['form']})" if read["form"] else "")
        for column, read in json.loads(sheet["read_as"]).items()
    )


def dry_run(paths: list[Path], installed: Installation) -> DryRun:
    """Return what would become of files, or of those of a folder, by the policy.

    Without any, of what a run would read: files of the source folder, or the database.

    A UserError says which file could not be ingested.
    """
    import ibis

    from customer_segments.covering import months_of_data
    from customer_segments.doubts.doubts import doubts
    from customer_segments.doubts.evidence import Evidence
    from customer_segments.ingestion.files.database import sources_of
    from customer_segments.ingestion.files.sources import fingerprinted
    from customer_segments.ingestion.intake import taken_in
    from customer_segments.ingestion.orders.settling import settle
    from customer_segments.ingestion.survey import likely_dates, survey
    from customer_segments.storage.relations import kept
    from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_SHEETS

    settings, policy = installed.settings, installed.policy
    today = policy.source.today()
    files, passed_over = _files_of(paths) if paths else ([], [])
    if not paths and not policy.source.database:
        passed_over = settings.passed_over()
    given = nullcontext(fingerprinted(files)) if paths else sources_of(settings, policy)
    con = ibis.duckdb.connect()
    limits: dict[str, Any] = {"memory": settings.memory, "spill_dir": settings.spill_dir}
    with given as sources, taken_in(sources, policy, **limits) as intake:
        names = [source.name for source in sources]
        typed = intake.load(con)
        surveyed = survey(con, intake, typed, names, today)
        dates = likely_dates(surveyed, names, today)
        covered = months_of_data(installed.months, settings, *dates)
        settled = settle(con, typed, surveyed, covered.first, covered.newest)
        raw = kept(con, settled, RAW_TRANSACTIONS.table)
    found = Evidence.of(con, raw, SOURCE_SHEETS.arrow(surveyed), policy, settings.bounds)
    found = replace(found, rows=kept(con, found.rows, "rows"))
    passed_over += intake.passed_over
    doubted = each_once(doubts(found, intake.doubts, passed_over))
    return DryRun(found, doubted, passed_over)


def _files_of(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, in their order, and what of folders is passed over."""
    files: list[Path] = []
    passed_over: list[str] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} is not there.", "Mend its name, or the folder it is in.")
        if path.is_dir() and not parts_of(path):
            inside, others = input_of(path)
            files += inside
            passed_over += others
        elif path.is_dir() or path.name.lower().endswith(SOURCE_SUFFIXES):
            files.append(path)
        else:
            raise UserError(
                f"{path} is of a kind that is not read: {path.suffix or 'it has no suffix'}.",
                f"{way_out([path.name])}; read are {', '.join(SOURCE_SUFFIXES)}.",
            )
    if not files:
        raise UserError(*nothing_in(", ".join(map(str, paths)), passed_over))
    names = [file.name for file in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{', '.join(twice[:SHOWN])} is given more than once, from one folder or two.",
            "A source folder has one file of a name: name each once, or rename one of the two.",
        )
    return natural_order(files), passed_over
