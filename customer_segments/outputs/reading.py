"""Reading a month's view from one state of the warehouse.

Belongs here: which tables are read, and what is left out where one is not there. Does not: what is
asked of them (``queries``), the view itself (``view``).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments import months, tables
from customer_segments.campaigns.groups import FOLLOWED_MONTHS, campaign_group
from customer_segments.errors import UserError
from customer_segments.ingestion.layout import CONTACT
from customer_segments.ingestion.orders import kept
from customer_segments.model.sampling import MOST_CUSTOMERS, parts_of, some_customers, takes_part
from customer_segments.outputs import queries
from customer_segments.outputs.view import MonthView
from customer_segments.segments.migration import KEY, customer_moves
from customer_segments.segments.scoring import most_clusters
from customer_segments.shown import newest_shown, state_of
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import latest
from customer_segments.storage.requirements import require_sources
from customer_segments.storage.state import State
from customer_segments.storage.warehouse import in_parts, load
from customer_segments.tables.money import as_floats

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MADE_OF = (tables.CUSTOMER_SEGMENTS, tables.CUSTOMER_RFM, tables.KMEANS_MODEL)
BY_MONEY = ibis.desc("monetary"), ibis.asc("customer_id")
WHAT = "The view of a month"
# Customers of a large month that are in memory at a time.
BATCH = 100_000


class NobodyLabelledError(UserError):
    """Nobody is labelled in the month: there is nothing to show."""


# The last view, by the state of its file: workbook, report and terminal show the same one.
_read: dict[tuple, MonthView] = {}


def read_month(
    warehouse: Warehouse,
    month: date,
    today: date,
    control_share: float,
    currency: str = "",
    most: int = MOST_CUSTOMERS,
) -> MonthView:
    """Read all that is known of a month, once for as long as the warehouse stays as it is.

    Of a month with more than ``most`` customers no more than a part is read of each.

    A NobodyLabelledError says that nobody is in that month, another UserError that a table is
    missing that scoring makes.
    """
    by = (month, today, control_share, currency, most)
    # Before it is opened: a serving copy may be swapped meanwhile, and is read once more then.
    file = warehouse.path.stat() if warehouse.path.exists() else None
    key = (warehouse.path, file and (file.st_mtime_ns, file.st_size), *by)
    with warehouse.reading() as con:
        if (view := _read.get(key)) is None:
            view = _view(con, *by)
            # Another session may put its own in place of it at any time.
            _read.clear()
            _read[key] = view
        return view


def _view(
    con: Connection, month: date, today: date, control_share: float, currency: str, most: int
) -> MonthView:
    label = latest(con, tables.CUSTOMER_SEGMENTS.table).get(month)
    nobody = NobodyLabelledError(
        f"Nobody is labelled in {month:%Y-%m}.",
        f"Label the month first: `customer-segments run --months {month:%Y-%m}`.",
    )
    if not label or not label.rows:
        raise nobody
    labels, rfm, model = (contract.relation for contract in MADE_OF)
    before, value = months.shift(month, -1), tables.CUSTOMER_VALUE.relation
    of_month, snapshots, moves = _moved(con, month)
    people, sample = _people(con, month, control_share, moves), None
    read, fields = partial(_frame, con), _contact_fields(con)
    if label.rows > most:
        require_sources(Catalog.of(con), WHAT, people)
        people = kept(con, people, "people")
        sample = _rows(con, some_customers(people, "snapshot_month", most=most))
        people = kept(con, queries.listed(people), "listed")
        # Of who came back there are shares alone.
        rfm = rfm.filter(takes_part(rfm.customer_id, parts_of(label.rows, most)))
    if not (customers := _rows(con, people.order_by(*BY_MONEY))):
        raise nobody
    versions = customers["model_version"].unique().to_pylist()
    decisions = tables.CHAMPION_MODEL.relation
    decided = decisions.filter(decisions.version.isin(versions), decisions.verdict != "kept")
    in_force = read(decided.order_by("decision"))
    # The serving copy has them counted already.
    there = Catalog.of(con)
    is_counted = queries.ROWS_BY_REASON in there
    counted = con.table(queries.ROWS_BY_REASON) if is_counted else queries.rows_by_reason()
    rows = read(counted)
    snapshot_date = customers["snapshot_date"][0].as_py()
    # Who is not back by the 9th of a month that goes on is not known to stay away.
    known_until = month if months.is_end(month, snapshot_date, today) else before
    cohort_month = months.shift(known_until, -FOLLOWED_MONTHS)
    cohort = queries.of(labels, cohort_month)
    since = rfm.filter(rfm.snapshot_month >= ibis.date(cohort_month))
    year, window = {}, customers["window_months"][0].as_py()
    # In a trailing window it is no part of what is shown beside it; in a first year all of it.
    a_year_before = latest(con, tables.CUSTOMER_RFM.table).get(months.shift(month, -queries.YEAR))
    if not window and a_year_before and a_year_before.rows and value.get_name() in there:
        year = dict(read(queries.year_by_segment(of_month, value)).itertuples(index=False))
    lines = con.table(queries.ORDERS) if is_counted else tables.CLEANED_TRANSACTIONS.relation
    left_out = con.execute(queries.credits_only(lines, month, window))
    expected, offers, state = {}, {}, State.read(con)
    judged = tables.SEGMENT_VALUE_BACKTEST
    if judged.table in there:
        months_ahead = queries.expected_by_segment(of_month, value, judged.relation)
        expected = dict(read(months_ahead).itertuples(index=False))
    if tables.PRODUCT_RECOMMENDATIONS.table in there and month == newest_shown(state, today):
        offered = queries.offers()
        offered = offered if sample is None else offered.semi_join(people, "customer_id")
        rows_of = _rows(con, offered).to_pylist()
        offers = {row.pop("customer_id"): row for row in rows_of}
    gone = queries.with_contacts(queries.gone_of(snapshots, moves), fields)
    return MonthView(
        month=month,
        today=today,
        customers=customers,
        gone=_rows(con, gone.limit(None if sample is None else queries.LISTED)).to_pylist(),
        profiles=read(queries.up_to(month, tables.SEGMENT_PROFILES)),
        migration=read(queries.up_to(month, tables.SEGMENT_MIGRATION)),
        clusters=read(model.filter(model.version.isin(versions)).order_by("cluster")),
        decision=None if in_force.empty else in_force.iloc[-1],
        selection=load(con, tables.MODEL_SELECTION),
        comparison=load(con, tables.ALGORITHM_COMPARISON),
        backtest=load(con, tables.SEGMENT_BACKTEST),
        retention=read(queries.retention(labels, rfm, known_until)),
        newest_cohort=read(queries.retention(cohort, since, known_until)),
        control_share=control_share,
        rows=rows,
        findings=read(queries.findings_of(month)) if tables.CHECK_HISTORY.table in there else None,
        sheets=read(tables.SOURCE_SHEETS.relation.order_by("source_order")),
        newest_date=rows[rows["reason"] == queries.KEPT]["newest"].max().date(),
        snapshot_date=snapshot_date,
        labelled=label.published_at,
        raw_version=label.raw_version,
        year=year,
        credits_only=left_out.to_dict("records")[0],
        state=state_of(state, month, today, control_share, currency),
        expected=expected,
        offers=offers,
        currency=currency,
        sample=sample,
        of_all=label.rows if sample is not None else None,
    )


@contextmanager
def all_customers(warehouse: Warehouse, view: MonthView) -> Iterator[Iterable["pa.Table"]]:
    """Give all customers of a month as the lists have them, in parts that memory can hold."""
    if view.sample is None:
        yield [view.customers]
        return
    with warehouse.reading() as con:
        people = _people(con, view.month, view.control_share, _moved(con, view.month)[-1])
        yield in_parts(con, people.order_by(*BY_MONEY), BATCH)


def _moved(con: Connection, month: date) -> tuple[Table, Table, Table]:
    """Return a month's labels, its snapshot with the one before, and who moved, computed once."""
    labels, rfm, model = (contract.relation for contract in MADE_OF)
    of_month, snapshots = queries.of(labels, month), queries.of(rfm, months.shift(month, -1), month)
    moves = customer_moves(of_month, snapshots, model, most_clusters(con.execute))
    require_sources(Catalog.of(con), WHAT, moves)
    return of_month, snapshots, kept(con, moves, "moves")


def _people(con: Connection, month: date, control_share: float, moves: Table) -> Table:
    """Return all that is known of the customers of a month."""
    labels, rfm, _ = (contract.relation for contract in MADE_OF)
    labelled = queries.of(labels, month).left_join(moves.select(*KEY, "from_segment"), KEY)
    labelled = labelled.select(*labels.columns, "from_segment")
    people = queries.customers_of(labelled, queries.of(rfm, month))
    if tables.CUSTOMER_VALUE.table in Catalog.of(con):
        people = queries.with_value(people, queries.of(tables.CUSTOMER_VALUE.relation, month))
    groups = campaign_group(people.customer_id, month, control_share)
    return queries.with_contacts(people.mutate(campaign_group=groups), _contact_fields(con))


def _contact_fields(con: Connection) -> list[str]:
    """Return what the files say of some customer that lists pass on."""
    if tables.CUSTOMER_CONTACTS.table not in Catalog.of(con):
        return []
    known = con.to_pyarrow(tables.CUSTOMER_CONTACTS.relation.select("field").distinct())
    return [field for field in CONTACT if field in known["field"].to_pylist()]


def _rows(con: Connection, expression: Table) -> "pa.Table":
    require_sources(Catalog.of(con), WHAT, expression)
    return con.to_pyarrow(expression)


def _frame(con: Connection, expression: Table) -> "pd.DataFrame":
    require_sources(Catalog.of(con), WHAT, expression)
    return con.execute(as_floats(expression))
