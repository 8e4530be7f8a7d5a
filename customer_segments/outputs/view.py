"""All that is known of one month, read once: what report, workbook and terminal show.

Belongs here: the view, and reading it from one state of the warehouse. Does not: what is asked
(``queries``), how it is said or drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import Table

from customer_segments import months, tables
from customer_segments.campaigns.groups import campaign_group
from customer_segments.campaigns.power import FOLLOWED_MONTHS
from customer_segments.errors import UserError
from customer_segments.outputs import queries
from customer_segments.shown import newest_shown, state_of
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import is_there, latest
from customer_segments.storage.requirements import require_sources
from customer_segments.storage.state import State
from customer_segments.storage.warehouse import load

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


# What files may say nothing of, and is not shown then.
OPTIONAL = ("products", "country")


class NobodyLabelledError(UserError):
    """Nobody is labelled in the month: there is nothing to show."""


@dataclass(frozen=True)
class MonthView:
    """A month as people see it.

    Money is float64, in the currency of the data, but for ``customers``, which has decimals;
    months and dates are datetime64.
    """

    # Snapshot month, first day; and the day of looking at it: what is not over is not complete.
    month: date
    today: date
    # As ``queries`` have them: those who spent most first, and who is in the month no more.
    customers: "pa.Table"
    gone: list[dict[str, Any]]
    # Of all months up to this one.
    profiles: "pd.DataFrame"
    migration: "pd.DataFrame"
    # The model that labelled the month, and the decision that last put it in force, if one did.
    clusters: "pd.DataFrame"
    decision: Mapping[str, Any] | None
    # Empty if never made.
    selection: "pd.DataFrame"
    comparison: "pd.DataFrame"
    backtest: "pd.DataFrame"
    # Up to the last month that is complete: of all cohorts, and of the newest that is followed
    # for as long as a campaign is.
    retention: "pd.DataFrame"
    newest_cohort: "pd.DataFrame"
    # Of the customers, left alone by campaigns.
    control_share: float
    # Of all months, by what became of them.
    rows: "pd.DataFrame"
    # None if no check was ever run.
    findings: "pd.DataFrame | None"
    sheets: "pd.DataFrame"
    # Of the newest row that counts; and the day that recency counts to.
    newest_date: date
    snapshot_date: date
    # When the month's labels were published, UTC, and from what, as the ledger has it.
    labelled: datetime
    raw_version: str
    # Net revenue of each segment's customers in twelve months; empty without a snapshot then.
    year: Mapping[str, float]
    # What all of this is made from, as ``state_of`` returns it.
    state: str
    # What to expect of segments in six months, where that can be said; and by customer what to
    # offer next, if that is made and this is the month that people are shown.
    expected: Mapping[str, float] = field(default_factory=dict)
    offers: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the snapshot is of the month's end; else of the data's last day."""
        return months.is_end(self.month, self.snapshot_date, self.today)

    @property
    def last_day(self) -> date:
        """Day at whose end customers are as they are shown."""
        return self.snapshot_date - timedelta(days=1)

    @property
    def window_months(self) -> int | None:
        """Months that a snapshot looks back on; ``None`` for all history."""
        return self.customers["window_months"][0].as_py()

    @cached_property
    def caution(self) -> str:
        """What cannot be said of segments that were fitted on little; empty where on enough."""
        if self.findings is None:
            return ""
        found = self.findings.query("check_name == 'little_history'")["said"]
        return found.iloc[0] if len(found) else ""

    @cached_property
    def lacks(self) -> list[str]:
        """Columns of customers that the files say nothing of."""
        customers = self.customers
        return [
            name
            for name in OPTIONAL
            if name in customers.column_names and customers[name].null_count == len(customers)
        ]

    @cached_property
    def people(self) -> "pd.DataFrame":
        """The customers in order of their ids, money as float64, for figures and pictures."""
        import pyarrow as pa

        floats = pa.schema(
            field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field
            for field in self.customers.schema
        )
        frame = self.customers.cast(floats).to_pandas(date_as_object=False)
        return frame.sort_values("customer_id", ignore_index=True)

    def of_month(self, table: "pd.DataFrame", column: str = "snapshot_month") -> "pd.DataFrame":
        """Return the rows of a table that are of this month."""
        import pandas as pd

        return table[table[column] == pd.Timestamp(self.month)]


# The last view, by the state of its file: workbook, report and terminal show the same one.
_read: dict[tuple, MonthView] = {}


def read_month(warehouse: Warehouse, month: date, today: date, control_share: float) -> MonthView:
    """Read all that is known of a month, once for as long as the warehouse stays as it is.

    A NobodyLabelledError says that nobody is in that month, another UserError that a table is
    missing that scoring makes.
    """
    with warehouse.reading() as con:
        file = warehouse.path.stat()
        key = (warehouse.path, file.st_mtime_ns, file.st_size, month, today, control_share)
        if key not in _read:
            _read.clear()
            _read[key] = _view(con, month, today, control_share)
        return _read[key]


def _view(con: Connection, month: date, today: date, control_share: float) -> MonthView:
    made_of = (tables.CUSTOMER_SEGMENTS, tables.CUSTOMER_RFM, tables.KMEANS_MODEL)
    labels, rfm, model = (contract.relation for contract in made_of)
    before = months.shift(month, -1)
    scored = (queries.of(labels, month), queries.of(rfm, before, month), model)
    people, value = queries.customers_of(*scored), tables.CUSTOMER_VALUE.relation
    if is_there(con, tables.CUSTOMER_VALUE.table):
        people = queries.with_value(people, queries.of(value, month))
    groups = campaign_group(people.customer_id, month, control_share)
    people = people.mutate(campaign_group=groups).order_by(ibis.desc("monetary"), "customer_id")
    read = partial(_frame, con)
    label = latest(con, tables.CUSTOMER_SEGMENTS.table).get(month)
    customers = _rows(con, people) if label and label.rows else None
    if not label or not customers:
        raise NobodyLabelledError(
            f"Nobody is labelled in {month:%Y-%m}.",
            f"Label the month first: `customer-segments run --months {month:%Y-%m}`.",
        )
    versions = customers["model_version"].unique().to_pylist()
    decisions = tables.CHAMPION_MODEL.relation
    decided = decisions.filter(decisions.version.isin(versions), decisions.verdict != "kept")
    in_force = read(decided.order_by("decision"))
    rows = read(queries.rows_by_reason())
    snapshot_date = customers["snapshot_date"][0].as_py()
    # Who is not back by the 9th of a month that goes on is not known to stay away.
    known_until = month if months.is_end(month, snapshot_date, today) else before
    cohort = queries.of(labels, months.shift(known_until, -FOLLOWED_MONTHS))
    year = {}
    # In a trailing window money of a year ago has fallen out again.
    if customers["window_months"].null_count > 0:
        of_year = read(queries.year_by_segment(labels, rfm, month))
        year = dict(of_year.itertuples(index=False))
    was_checked = is_there(con, tables.CHECK_HISTORY.table)
    expected, offers, state = {}, {}, State.read(con)
    judged = tables.SEGMENT_VALUE_BACKTEST
    if is_there(con, judged.table):
        months_ahead = queries.expected_by_segment(scored[0], value, judged.relation)
        expected = dict(read(months_ahead).itertuples(index=False))
    if is_there(con, tables.PRODUCT_RECOMMENDATIONS.table) and month == newest_shown(state, today):
        rows_of = _rows(con, queries.offers()).to_pylist()
        offers = {row.pop("customer_id"): row for row in rows_of}
    return MonthView(
        month=month,
        today=today,
        customers=customers,
        gone=_rows(con, queries.gone_of(*scored)).to_pylist(),
        profiles=read(queries.up_to(month, tables.SEGMENT_PROFILES)),
        migration=read(queries.up_to(month, tables.SEGMENT_MIGRATION)),
        clusters=read(model.filter(model.version.isin(versions)).order_by("cluster")),
        decision=None if in_force.empty else in_force.iloc[-1],
        selection=load(con, tables.MODEL_SELECTION),
        comparison=load(con, tables.ALGORITHM_COMPARISON),
        backtest=load(con, tables.SEGMENT_BACKTEST),
        retention=read(queries.retention(labels, rfm, known_until)),
        newest_cohort=read(queries.retention(cohort, rfm, known_until)),
        control_share=control_share,
        rows=rows,
        findings=read(queries.findings_of(month)) if was_checked else None,
        sheets=read(tables.SOURCE_SHEETS.relation.order_by("source_order")),
        newest_date=rows[rows["reason"] == queries.KEPT]["newest"].max().date(),
        snapshot_date=snapshot_date,
        labelled=label.published_at,
        raw_version=label.raw_version,
        year=year,
        state=state_of(state, month, today, control_share),
        expected=expected,
        offers=offers,
    )


def _rows(con: Connection, expression: Table) -> "pa.Table":
    require_sources(con, "The view of a month", expression)
    return con.to_pyarrow(expression)


def _frame(con: Connection, expression: Table) -> "pd.DataFrame":
    require_sources(con, "The view of a month", expression)
    money = [name for name, dtype in expression.schema().items() if dtype.is_decimal()]
    return con.execute(expression.cast(dict.fromkeys(money, "float64")))
