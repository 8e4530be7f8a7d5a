"""Reading a month's view from one state of the warehouse.

Belongs here: which tables are read, and what is left out where one is not there. Does not: what is
asked of them (``queries``), the view itself (``view``).
"""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import Table

from customer_segments import months, tables
from customer_segments.campaigns.groups import FOLLOWED_MONTHS
from customer_segments.errors import UserError
from customer_segments.model.sampling import MOST_CUSTOMERS, parts_of, takes_part
from customer_segments.outputs import queries
from customer_segments.outputs.people import (
    BY_MONEY,
    WHAT,
    contact_fields,
    moved,
    people_of,
    rows_of,
)
from customer_segments.outputs.view import MonthTotals, MonthView
from customer_segments.segments.migration import KEY
from customer_segments.shown import newest_shown, state_of
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import LedgerLine, latest
from customer_segments.storage.relations import kept
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


def read_totals(warehouse: Warehouse, month: date, today: date, currency: str = "") -> MonthTotals:
    """Read what a terminal shows of a month; errors as in ``read_month``."""
    with warehouse.reading() as con:
        return MonthTotals(**_totals(con, month, today, currency))


def _totals(con: Connection, month: date, today: date, currency: str) -> dict[str, Any]:
    """Return the fields of a month's totals."""
    _labels_of(con, month)
    read = partial(_frame, con)
    snapshot, profiles = (
        queries.of(contract.relation, month)
        for contract in (tables.CUSTOMER_RFM, tables.SEGMENT_PROFILES)
    )
    labelled_by = profiles.select(version="model_version")
    clusters = tables.KMEANS_MODEL.relation.semi_join(labelled_by, "version")
    counted, findings, there = queries.rows_by_reason(), None, Catalog.of(con)
    if queries.ROWS_BY_REASON in there:
        # The serving copy has them counted already.
        counted = con.table(queries.ROWS_BY_REASON)
    if tables.CHECK_HISTORY.table in there:
        findings = read(queries.findings_of(month))
    return {
        "month": month,
        "today": today,
        "snapshot_date": con.execute(snapshot.snapshot_date.max()).date(),
        "profiles": read(queries.up_to(month, tables.SEGMENT_PROFILES)),
        "migration": read(queries.up_to(month, tables.SEGMENT_MIGRATION)),
        "clusters": read(clusters.order_by("cluster")),
        "rows": read(counted),
        "findings": findings,
        "currency": currency,
    }


def _labels_of(con: Connection, month: date) -> LedgerLine:
    """Return the ledger's line of a month's labels."""
    label = latest(con, tables.CUSTOMER_SEGMENTS.table).get(month)
    if not label or not label.rows:
        raise NobodyLabelledError(
            f"Nobody is labelled in {month:%Y-%m}.",
            f"Label the month first: `customer-segments run --months {month:%Y-%m}`.",
        )
    return label


def _view(
    con: Connection, month: date, today: date, control_share: float, currency: str, most: int
) -> MonthView:
    label, totals = _labels_of(con, month), _totals(con, month, today, currency)
    labels, rfm, value = (
        contract.relation
        for contract in (tables.CUSTOMER_SEGMENTS, tables.CUSTOMER_RFM, tables.CUSTOMER_VALUE)
    )
    before = months.shift(month, -1)
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
    customers = rows_of(con, listed.order_by(*BY_MONEY))
    decisions = tables.CHAMPION_MODEL.relation
    versions = totals["clusters"]["version"].unique()
    decided = decisions.filter(decisions.version.isin(versions), decisions.verdict != "kept")
    in_force = read(decided.order_by("decision"))
    # Who is not back by the 9th of a month that goes on is not known to stay away.
    known_until = month if months.is_end(month, totals["snapshot_date"], today) else before
    cohort_month = months.shift(known_until, -FOLLOWED_MONTHS)
    # By the model of the month alone: another may call others by the same name.
    labels = labels.filter(labels.model_version.isin(versions))
    cohort = queries.of(labels, cohort_month)
    since = rfm.filter(rfm.snapshot_month >= ibis.date(cohort_month))
    year, window = {}, customers["window_months"][0].as_py()
    there = Catalog.of(con)
    # In a trailing window it is no part of what is shown beside it; in a first year all of it.
    a_year_before = latest(con, tables.CUSTOMER_RFM.table).get(months.shift(month, -queries.YEAR))
    if not window and a_year_before and a_year_before.rows and value.get_name() in there:
        year = dict(read(queries.year_by_segment(of_month, value)).itertuples(index=False))
    is_counted = queries.ORDERS in there
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
    rows = totals["rows"]
    return MonthView(
        **totals,
        customers=customers,
        gone=rows_of(con, gone.limit(None if sample is None else queries.LISTED)).to_pylist(),
        decision=None if in_force.empty else in_force.iloc[-1],
        selection=load(con, tables.MODEL_SELECTION),
        comparison=load(con, tables.ALGORITHM_COMPARISON),
        backtest=load(con, tables.SEGMENT_BACKTEST),
        retention=read(queries.retention(labels, rfm, known_until)),
        newest_cohort=read(queries.retention(cohort, since, known_until)),
        control_share=control_share,
        sheets=read(tables.SOURCE_SHEETS.relation.order_by("source_order")),
        newest_date=rows[rows["reason"] == queries.KEPT]["newest"].max().date(),
        labelled=label.published_at,
        raw_version=label.raw_version,
        year=year,
        credits_only=left_out.to_dict("records")[0],
        state=state_of(state, month, today, control_share, currency),
        expected=expected,
        offers=offers,
        sample=sample,
        of_all=label.rows if sample is not None else None,
    )


def _frame(con: Connection, expression: Table) -> "pd.DataFrame":
    require_sources(Catalog.of(con), WHAT, expression)
    return con.execute(as_floats(expression))
