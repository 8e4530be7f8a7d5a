"""Snapshots of the real workbook equal what pandas makes of the same lines, in every column."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from customer_segments.months import shift
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM
from customer_segments_tests.rfm.lines import TODAY

WINDOW = 6
# December 2011 ends on the 9th.
DATES = {
    date(2010, 11, 1): date(2010, 12, 1),
    date(2011, 5, 1): date(2011, 6, 1),
    date(2011, 12, 1): date(2011, 12, 10),
}


@pytest.fixture(scope="module")
def lines(real_warehouse: Settings) -> pd.DataFrame:
    """Cleaned lines, money in whole ten-thousandths so that pandas adds it up exactly."""
    with duckdb.connect(str(real_warehouse.warehouse_path), read_only=True) as con:
        return con.sql(
            "SELECT month, customer_id, invoice, stock_code, invoice_date, quantity, country, "
            "is_credit, CAST(revenue * 10000 AS BIGINT) AS revenue FROM cleaned_transactions"
        ).df()


def in_pandas(lines: pd.DataFrame, month: date, window_months: int | None) -> pd.DataFrame:
    """Return a snapshot, a row per customer in order of their ids."""
    of_day, after = pd.Timestamp(DATES[month]), pd.Timestamp(shift(month, 1))
    seen = lines[lines["invoice_date"] < after]
    if window_months:
        seen = seen[seen["invoice_date"] >= pd.Timestamp(shift(month, 1 - window_months))]
    sales = seen[~seen["is_credit"]]
    by_customer = sales.groupby("customer_id")
    last = by_customer["invoice_date"].max()
    sold = by_customer["revenue"].sum()
    everything = seen.groupby("customer_id")
    net = everything["revenue"].sum().reindex(sold.index)
    at_last = sales[sales["invoice_date"] == sales["customer_id"].map(last)]
    orders = by_customer["invoice"].nunique()
    return pd.DataFrame(
        {
            "recency_days": (of_day - last.dt.normalize()).dt.days,
            "frequency": orders,
            "monetary": net,
            "first_purchase_date": by_customer["invoice_date"].min().dt.normalize(),
            "last_purchase_date": last.dt.normalize(),
            "average_order_value": sold / orders,
            "units": everything["quantity"].sum().reindex(sold.index),
            "products": by_customer["stock_code"].nunique(),
            "credit_share": (sold - net) / sold,
            "country": at_last.groupby("customer_id")["country"].min(),
            "months_active": by_customer["month"].nunique(),
        }
    ).sort_index()


@pytest.mark.parametrize("month", DATES)
@pytest.mark.parametrize("window_months", [None, WINDOW])
def test_a_snapshot_equals_pandas_in_every_column(
    real_warehouse: Settings, lines: pd.DataFrame, month: date, window_months: int | None
):
    warehouse = Warehouse(real_warehouse.warehouse_path)
    if window_months:
        snapshot = customer_rfm(CLEANED_TRANSACTIONS.relation, month, month, TODAY, window_months)
    else:
        published = CUSTOMER_RFM.relation
        snapshot = published.filter(published.snapshot_month == month)
    found = warehouse.query(snapshot.order_by("customer_id")).set_index("customer_id")
    expected = in_pandas(lines, month, window_months)

    assert len(expected) > 1_000
    assert list(found.index) == list(expected.index)
    assert set(found["snapshot_month"].dt.date) == {month}
    assert set(found["snapshot_date"].dt.date) == {DATES[month]}
    assert set(found["window_months"].dropna()) == ({window_months} if window_months else set())
    found["monetary"] = (found["monetary"] * 10_000).astype("int64")
    found["average_order_value"] = (found["average_order_value"] * 10_000).astype("int64")
    rounded = {"average_order_value": 0.5001, "credit_share": 1e-12}
    for column in expected:
        if column in rounded:
            assert np.allclose(found[column], expected[column], rtol=0, atol=rounded[column]), (
                column
            )
        else:
            assert (found[column] == expected[column]).all(), column
