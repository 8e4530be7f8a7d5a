"""What the report of a month says of its data and of how it was made.

Belongs here: rows kept and rejected, what checks found, which files were read, what segments
brought in a year. Does not: the figures that pictures draw as well (``evidence``).
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.months import is_complete, shift
from customer_segments.storage.ledger import code_version, is_there, latest
from customer_segments.tables import (
    CHECK_HISTORY,
    CLEANED_TRANSACTIONS,
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    EVALUATION,
    LABELS,
    MODEL_SELECTION,
    REJECTED_TRANSACTIONS,
    SOURCE_SHEETS,
)

if TYPE_CHECKING:
    import pandas as pd
    from ibis.backends.duckdb import Backend

KEPT = "kept"
YEAR = 12


@dataclass(frozen=True)
class Background:
    """What lies behind a month's segments.

    Parameters
    ----------
    rows
        Rows of the workbooks per ``month`` up to this one and ``reason``, ``KEPT`` for those that
        count: ``rows``, ``revenue`` as float64.
    findings
        What checks judged to stand out in this month, or of a whole table, the newest verdict of
        each: ``table_name``, ``check_name``, ``level``, ``said``. ``None`` if none was ever run.
    sheets
        ``source_sheets``.
    newest_date
        Day of the newest row of the workbooks.
    labelled
        When the month's labels were published, UTC.
    raw_version
        Of what was read, as the ledger has it.
    year
        Net revenue of each segment's customers in the twelve months that end with this one; empty
        where no snapshot lies a year back.
    window_months
        Months that a snapshot looks back on; ``None`` for all history.
    state
        As ``state_of`` returns it.
    """

    rows: "pd.DataFrame"
    findings: "pd.DataFrame | None"
    sheets: "pd.DataFrame"
    newest_date: date
    labelled: datetime
    raw_version: str
    year: dict[str, float]
    window_months: int | None
    state: str

    def is_complete(self, month: date) -> bool:
        """Tell whether the data of a month is all there."""
        return is_complete(month, self.newest_date, date.today())


def read_background(con: "Backend", month: date) -> Background:
    """Read the background of a month.

    Raises
    ------
    UserError
        If nobody is labelled in that month.
    """
    label = latest(con, CUSTOMER_SEGMENTS.table).get(month)
    if label is None or not label.rows:
        raise UserError(
            f"Nobody is labelled in {month:%Y-%m}.",
            f"Label the month first: `customer-segments run --months {month:%Y-%m}`.",
        )
    sheets = con.execute(SOURCE_SHEETS.relation.order_by("source_order"))
    rfm = CUSTOMER_RFM.relation
    windows = con.execute(rfm.filter(rfm.snapshot_month == ibis.date(month)).window_months.max())
    window = None if windows is None or windows != windows else int(windows)
    year = con.execute(year_by_segment(CUSTOMER_SEGMENTS.relation, rfm, month))
    return Background(
        rows=con.execute(rows_by_reason(month)),
        findings=_findings(con, month),
        sheets=sheets,
        newest_date=sheets["last_date"].max().date(),
        labelled=label.published_at,
        raw_version=label.raw_version,
        # In a trailing window money of a year ago has fallen out again.
        year={} if window else dict(zip(year["segment"], year["revenue"], strict=True)),
        window_months=window,
        state=state_of(con, month),
    )


def labelled_months(con: "Backend") -> list[date]:
    """Return the months in which somebody is labelled, in order."""
    lines = latest(con, CUSTOMER_SEGMENTS.table).values()
    return [line.month for line in lines if line.month and line.rows]


def state_of(con: "Backend", month: date) -> str:
    """Return what a report of the month is made from, as a hash: another one, another report.

    All that its ledger lines say of content, and the version of this package.
    """
    digests: list = [code_version()]
    for contract in (*LABELS, CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS):
        line = latest(con, contract.table).get(month)
        digests.append(line and (line.digest, line.model_version))
    for contract in (MODEL_SELECTION, *EVALUATION):
        digests.append([line.digest for line in latest(con, contract.table).values()])
    return hashlib.sha256(repr(digests).encode()).hexdigest()[:16]


def rows_by_reason(month: date) -> Table:
    """Count rows kept and rejected, with their money, of each month up to ``month``."""
    cleaned, rejected = CLEANED_TRANSACTIONS.relation, REJECTED_TRANSACTIONS.relation
    parts = (
        cleaned.select("month", "revenue", reason=ibis.literal(KEPT)),
        rejected.select("month", "revenue", reason=rejected.reason.cast("string")),
    )
    totals = [
        part.filter(part.month <= ibis.date(month))
        .group_by("month", "reason")
        .agg(rows=ibis._.count(), revenue=ibis._.revenue.sum().cast("float64").fill_null(0))
        for part in parts
    ]
    return ibis.union(*totals).order_by("month", "reason")


def year_by_segment(segments: Table, rfm: Table, month: date) -> Table:
    """Add up what each segment's customers brought in the twelve months up to ``month``.

    No rows where there is no snapshot a year before.
    """
    now = segments.filter(segments.snapshot_month == ibis.date(month))
    then = rfm.filter(rfm.snapshot_month == ibis.date(shift(month, -YEAR)))
    then = then.select("customer_id", before="monetary", is_there=True)
    both = now.left_join(then, "customer_id")
    brought = both.monetary.cast("float64") - both.before.cast("float64").fill_null(0)
    totals = both.group_by("segment").agg(revenue=brought.sum(), known=both.is_there.any())
    known = totals.known.max().over(ibis.window())
    return totals.mutate(is_known=known.fill_null(False)).filter("is_known")[["segment", "revenue"]]


def _findings(con: "Backend", month: date) -> "pd.DataFrame | None":
    if not is_there(con, CHECK_HISTORY.table):
        return None
    history = CHECK_HISTORY.relation
    of_month = history.filter(history.month.isnull() | (history.month == ibis.date(month)))
    newest = of_month.mutate(
        age=ibis.row_number().over(
            group_by=["table_name", "check_name", "month"], order_by=of_month.verdict.desc()
        )
    )
    found = newest.filter((newest.age == 0) & (newest.level != "ok"))
    return con.execute(
        found.order_by("level", "table_name", "check_name").select(
            "table_name", "check_name", "month", "level", "said"
        )
    )
