"""The well-known treatment of this data in notebooks, and what it throws away.

One sheet, outliers in money and frequency cut by Tukey's fences, raw values scaled. Its figures
are published; they are reproduced here with the product's own switches, as a yardstick.
"""

from datetime import date

import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from customer_segments.cleaning.rules import cleaned
from customer_segments.policy.rules import UCI_PRODUCT_PATTERN, Cleaning
from customer_segments.segments.tiers import is_outlier, thrown_away
from customer_segments.storage import Warehouse
from customer_segments.tables import CUSTOMER_RFM, RAW_TRANSACTIONS

TREATMENT = Cleaning(
    drop_overlapping_invoices=False,
    drop_credit_notes=True,
    product_pattern=UCI_PRODUCT_PATTERN,
)


@pytest.fixture(scope="module")
def customers(real_warehouse) -> pd.DataFrame:
    raw = RAW_TRANSACTIONS.relation
    first_sheet = raw.filter(raw.sheet == "Year 2009-2010")
    lines = cleaned(first_sheet, TREATMENT, date(2009, 12, 1), date(2010, 12, 1))
    rfm = lines.group_by("customer_id").agg(
        monetary=lines.revenue.sum().cast("float64"),
        frequency=lines.invoice.nunique(),
        last=lines.invoice_date.max(),
    )
    found = Warehouse(real_warehouse.warehouse_path).query(rfm.order_by("customer_id"))
    return found.assign(recency=(found["last"].max() - found["last"]).dt.days)


def test_the_treatment_deletes_three_fifths_of_the_revenue(customers):
    lost = thrown_away(customers)
    assert len(customers) == 4_285
    assert lost.customers == 476
    assert lost.share == pytest.approx(0.111, abs=0.0005)
    assert lost.revenue_share == pytest.approx(0.611, abs=0.0005)


def test_its_published_figures_come_out(customers):
    kept = customers[~is_outlier(customers["monetary"]) & ~is_outlier(customers["frequency"])]
    assert len(kept) == 3_809
    features = StandardScaler().fit_transform(kept[["monetary", "frequency", "recency"]])
    fitted = KMeans(n_clusters=4, n_init=10, max_iter=1_000, random_state=42).fit(features)
    assert fitted.inertia_ == pytest.approx(2751.5, abs=0.06)
    # .4150 to .4158, depending on the seed: that many optima are as good within .1.
    assert silhouette_score(features, fitted.labels_) == pytest.approx(0.416, abs=0.001)


def test_on_the_products_own_snapshot_it_would_delete_as_much(uci_warehouse):
    warehouse, rfm = Warehouse(uci_warehouse.warehouse_path), CUSTOMER_RFM.relation
    snapshot = warehouse.query(rfm.filter(rfm.snapshot_month == date(2011, 11, 1)))
    lost = thrown_away(snapshot)
    assert lost.customers == 669
    assert lost.revenue_share == pytest.approx(0.653, abs=0.0005)


@pytest.mark.parametrize(
    ("value", "expected"), [(12, False), (12.1, True), (-4, False), (-4.1, True)]
)
def test_fences_are_one_and_a_half_interquartile_ranges_off_the_quartiles(value, expected):
    # Quartiles 2 and 6, whichever side the value is on: fences at -4 and 12.
    others = range(8) if value > 0 else range(1, 9)
    assert is_outlier(pd.Series([value, *others])).tolist() == [expected] + 8 * [False]
