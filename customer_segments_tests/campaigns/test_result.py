"""The groups of a past month's lists, compared."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from customer_segments.campaigns.result import adjusted, capped, compared, followed, list_month
from customer_segments.errors import UserError
from customer_segments.outputs.campaigns import measurable
from customer_segments.outputs.reading import read_month
from customer_segments.storage import Warehouse
from customer_segments.tables import CAMPAIGN_RESULT
from customer_segments_tests.installations import materialize

TODAY = date(2026, 1, 1)


def invented(effect: float = 0.0, customers: int = 4_000) -> pd.DataFrame:
    """Return rows of ``followed``: what was before tells much, and the test group got an effect."""
    random = np.random.default_rng(3)
    before = random.lognormal(5, 1, customers)
    is_test = random.random(customers) < 0.8
    return pd.DataFrame(
        {
            "segment": np.where(before > np.median(before), "Champions", "Lost"),
            "campaign_group": np.where(is_test, "test", "control"),
            "year_before": before,
            "revenue": before / 4 + random.exponential(10, customers) + effect * is_test,
            "is_back": random.random(customers) < 0.3 + effect / 100 * is_test,
        }
    )


def result_of(customers: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(compared(customers)).set_index(["segment", "outcome"])


def test_an_effect_is_found_and_none_where_there_is_none():
    found = result_of(invented(effect=10))
    assert found["is_beyond"].all()
    revenue = found.loc["All customers", "revenue"]
    assert revenue["low"] < 10 < revenue["high"]
    back = found.loc["All customers", "return_rate"]
    assert back["low"] < 0.1 < back["high"]
    assert back["difference"] == pytest.approx(back["test_mean"] - back["control_mean"], abs=1e-9)
    assert not result_of(invented())["is_beyond"].any()


def test_adjusting_by_the_year_before_is_cuped_and_narrows_the_interval():
    customers = invented(effect=10)
    y, x = customers["revenue"].to_numpy(), customers["year_before"].to_numpy()
    slope, _ = np.polyfit(x, y, 1)
    assert adjusted(y, x) == pytest.approx(y - slope * (x - x.mean()))
    assert adjusted(y, x).mean() == pytest.approx(y.mean())
    assert adjusted(y, np.ones(len(y))).tolist() == y.tolist()

    def width(table):
        of_all = result_of(table).loc["All customers", "revenue"]
        return of_all["high"] - of_all["low"]

    assert width(customers) < width(customers.assign(year_before=1.0)) / 2


def test_one_order_beyond_all_others_decides_nothing():
    values = np.append(np.arange(1_000.0), 1e9)
    assert capped(values).max() == pytest.approx(990)


def test_few_customers_have_means_and_no_interval():
    few = invented(customers=60)
    few["campaign_group"] = ["control"] * 29 + ["test"] * 31
    row = result_of(few).loc["All customers", "revenue"]
    assert row["difference"] is not None
    assert row["low"] is None
    assert row["is_beyond"] is None
    alone = few.assign(campaign_group="test")
    assert result_of(alone).loc["All customers", "revenue"]["difference"] is None


def test_the_sample_is_followed_for_three_months_and_tells_what_a_campaign_can_show(
    sample_warehouse, copy_of
):
    installed = copy_of(sample_warehouse)
    materialize(installed, ["campaign_result"])
    warehouse = Warehouse(installed.warehouse_path)
    result = warehouse.load(CAMPAIGN_RESULT)
    assert set(result["list_month"].dt.date) == {date(2024, 9, 1)}

    customers = warehouse.query(followed(date(2024, 9, 1), 0.2))
    with warehouse.reading() as con:
        labelled, back, revenue = con.raw_sql(
            """
            WITH listed AS (FROM customer_segments WHERE snapshot_month = '2024-09-01'),
            since AS (SELECT customer_id, sum(revenue) AS revenue, bool_or(NOT is_credit) AS is_back
                      FROM cleaned_transactions WHERE invoice_date >= '2024-10-01' GROUP BY 1)
            SELECT count(*), count(*) FILTER (is_back), sum(greatest(revenue, 0))
            FROM listed LEFT JOIN since USING (customer_id)
            """
        ).fetchone()
    assert len(customers) == labelled
    assert customers["is_back"].sum() == back
    assert customers["revenue"].sum() == pytest.approx(float(revenue))
    groups = result[result["outcome"] == "return_rate"].set_index("segment")
    sizes = groups["test_customers"] + groups["control_customers"]
    assert sizes["All customers"] == labelled

    # What a campaign in December can show follows from the same customers.
    came = groups["test_mean"] * groups["test_customers"]
    came += groups["control_mean"] * groups["control_customers"]
    rates = {
        row["segment"]: row["return_rate"]
        for row in measurable(read_month(warehouse, date(2024, 12, 1), TODAY, 0.2))
    }
    assert rates == pytest.approx((came / sizes).to_dict())


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [("2024-10", "2024-10 is not followed by 3 complete"), ("2019-01", "Nobody is labelled")],
)
def test_lists_that_cannot_be_judged_are_errors(sample_warehouse, wanted, problem):
    query = Warehouse(sample_warehouse.warehouse_path).query
    with pytest.raises(UserError, match=problem):
        list_month(query, wanted, TODAY)
