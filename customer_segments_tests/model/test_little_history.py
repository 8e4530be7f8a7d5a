"""Few customers and few months: what is said, and what takes less."""

from datetime import date, timedelta
from decimal import Decimal

import ibis
import pytest

from customer_segments.errors import UserError
from customer_segments.evaluation.findings import findings
from customer_segments.model.fit import fit_version
from customer_segments.model.gates import chosen_number, conclusion, recommend
from customer_segments.model.selection import compare_n_clusters
from customer_segments.model.training import Query, training_pool
from customer_segments.policy.model import Selection
from customer_segments.tables import CUSTOMER_RFM, SEGMENT_BACKTEST
from customer_segments_tests.segments.plain import rfm_row

MONTH = date(2011, 4, 1)


def snapshot(customers: int, months: int = 4) -> Query:
    """Return what asks a snapshot of so many customers, no two alike, over so many months."""
    first = date(2011, 5 - months, 3)
    rows = [
        rfm_row(MONTH, f"{number:05}", recency_days=number % 29 + 1, monetary=Decimal(number + 1))
        | {"first_purchase_date": first + timedelta(days=number % 20)}
        for number in range(customers)
    ]
    con = ibis.duckdb.connect()
    con.create_table(CUSTOMER_RFM.table, ibis.memtable(CUSTOMER_RFM.arrow(rows)))
    return con.execute


@pytest.mark.parametrize(
    ("customers", "months", "written"),
    [
        (300, 4, "[model]\nmin_customers = 300\nmin_months = 4"),
        (600, 4, "[model]\nmin_months = 4"),
    ],
)
def test_too_little_history_names_the_settings_that_take_less(customers, months, written):
    query = snapshot(customers, months)
    with pytest.raises(UserError, match=f"{customers} customers over {months} months") as error:
        training_pool(query, MONTH, min_customers=500, min_months=12)
    assert error.value.remedy.endswith(f"customer_segments.toml:\n\n{written}")
    taken = training_pool(query, MONTH, min_customers=customers, min_months=months)
    assert len(taken.values) == customers


def test_a_single_customer_is_told_apart_from_nobody():
    with pytest.raises(UserError, match=r"2011-04 has 1 customer over 1 month,") as error:
        training_pool(snapshot(1, 1), MONTH, min_customers=2)
    assert error.value.remedy == "Segments tell customers apart: add files with more of them."


def test_fewer_kinds_of_customers_than_segments_are_said():
    pool = training_pool(snapshot(3), MONTH)
    with pytest.raises(UserError, match="3 customers of 2011-04 are of 3 kinds") as error:
        fit_version(pool, n_clusters=4, seed=1)
    assert error.value.remedy.endswith("[model]\nn_clusters = 3")
    assert len(fit_version(pool, n_clusters=3, seed=1)) == 3


def test_numbers_of_clusters_are_not_compared_on_few_customers():
    rows = compare_n_clusters(training_pool(snapshot(99), MONTH), resamples=1, seed=1)
    assert rows == []
    assert "too few customers" in conclusion(recommend(rows, Selection()))
    assert chosen_number(rows) == 4


def test_nothing_is_found_where_nothing_could_be_looked_back_to():
    assert findings(SEGMENT_BACKTEST.arrow([]).to_pandas()) == []
