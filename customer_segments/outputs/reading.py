"""Reading a month's view from one state of the warehouse.

Belongs here: which tables are read, and what is left out where one is not there. Does not: what is
asked of them (``queries``), the view itself (``view``).
"""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments import months, tables
from customer_segments.campaigns.groups import FOLLOWED_MONTHS
from customer_segments.errors import UserError
from customer_segments.ingestion.orders import kept
from customer_segments.model.sampling import MOST_CUSTOMERS, parts_of, takes_part
from customer_segments.outputs import queries
from customer_segments.outputs.people import (
    BY_MONEY,
    MADE_OF,
    WHAT,
    contact_fields,
    moved,
    people_of,
    rows_of,
)
from customer_segments.outputs.view import MonthView
from customer_segments.segments.migration import KEY
from customer_segments.shown import newest_shown, state_of
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import latest
from customer_segments.storage.requirements import require_sources
from customer_segments.storage.state import State
from customer_segments.storage.warehouse import load
from customer_segments.tables.money import as_floats

if TYPE_CHECKING:
    import pandas as pd


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
    of_month, snapshots, moves = moved(con, month)
    people, sample = partial(people_of, con, month, control_share, moves), None
    read, fields = partial(_frame, con), contact_fields(con)
    listed = people()
    if label.rows > most:
        # Those alone who are shown are joined with all that is known of them.
        known = of_month.left_join(moves.select(*KEY, "from_segment"), KEY)
        shown = kept(con, queries.listed(known).select("customer_id"), "listed")
        listed = people(lambda rows: rows.semi_join(shown, "customer_id"))
        parts = parts_of(label.rows, most)
        sample = rows_of(con, people(lambda rows: rows.filter(takes_part(rows.customer_id, parts))))
        # Of who came back there are shares alone.
        rfm = rfm.filter(takes_part(rfm.customer_id, parts))
    if not (customers := rows_of(con, listed.order_by(*BY_MONEY))):
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
        offered = offered if sample is None else offered.semi_join(listed, "customer_id")
        offered = rows_of(con, offered).to_pylist()
        offers = {row.pop("customer_id"): row for row in offered}
    gone = queries.with_contacts(queries.gone_of(snapshots, moves), fields)
    return MonthView(
        month=month,
        today=today,
        customers=customers,
        gone=rows_of(con, gone.limit(None if sample is None else queries.LISTED)).to_pylist(),
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


def _frame(con: Connection, expression: Table) -> "pd.DataFrame":
    require_sources(Catalog.of(con), WHAT, expression)
    return con.execute(as_floats(expression))
