"""Account tiers: wholesalers are marked by Tukey's fence, and nobody is deleted."""

from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from customer_segments_tests.segments.plain import rows_of


@pytest.mark.parametrize("fixture", ["sample_warehouse", "uci_warehouse"])
def test_tiers_are_what_plain_python_makes_of_each_month(fixture, request):
    installed = request.getfixturevalue(fixture)
    months = defaultdict(list)
    for row in rows_of(installed, "customer_segments"):
        months[row["snapshot_month"]].append(row)
    for rows in months.values():
        monetary = np.array([float(row["monetary"]) for row in rows])
        low, high = np.quantile(monetary, [0.25, 0.75])
        is_above = monetary > high + 1.5 * (high - low)
        assert [row["account_tier"] == "wholesale" for row in rows] == is_above.tolist()


def test_a_tenth_of_the_real_customers_brings_two_thirds_of_the_money(uci_warehouse):
    rows = [
        row
        for row in rows_of(uci_warehouse, "customer_segments")
        if row["snapshot_month"] == date(2011, 12, 1)
    ]
    wholesale = [row for row in rows if row["account_tier"] == "wholesale"]
    assert (len(rows), len(wholesale)) == (5_852, 619)
    share = sum(row["monetary"] for row in wholesale) / sum(row["monetary"] for row in rows)
    assert float(share) == pytest.approx(0.642, abs=0.0005)
    assert len({row["segment"] for row in wholesale}) > 1
