"""Another retailer's files in the same folder stop; new customers of one's own do not."""

import random
from datetime import date, datetime, timedelta

import ibis
import pytest

from customer_segments.doubts.evidence import Evidence
from customer_segments.doubts.retailers import other_retailer
from customer_segments.policy import Policy

Days = list[tuple[str, str, datetime]]


def shop(name: str, *, months: int, again: float, seed: int = 1, start: int = 0) -> Days:
    """Days of purchases, a file a month: 300 customers each, of whom some are of months before."""
    draw = random.Random(seed)
    known: list[str] = []
    found: Days = []
    for month in range(start, start + months):
        here = draw.sample(known, min(len(known), int(300 * again)))
        here += [f"{name}{month}-{n}" for n in range(300 - len(here))]
        for customer in here:
            days = 2 if draw.random() < again else 1
            found += [
                (
                    f"{name}-{month:02}.csv",
                    customer,
                    datetime(2011, 1, 1) + timedelta(days=30 * month + draw.randrange(30)),
                )
                for _ in range(days)
            ]
        known += here
    return found


def doubted(days: Days) -> list[str]:
    names = ("workbook", "customer_id", "invoice_date")
    rows = ibis.memtable({name: [row[n] for row in days] for n, name in enumerate(names)})
    found = Evidence(ibis.duckdb.connect(), rows, rows, [], Policy())
    return [doubt.said for doubt in other_retailer(found)]


def test_another_retailers_files_stop():
    (said,) = doubted(shop("a", months=5, again=0.3) + shop("b", months=4, again=0.3, seed=2))
    assert said.startswith("b-00.csv, b-01.csv, b-02.csv and 1 more: none of ")
    (said,) = doubted(shop("a", months=1, again=0.4) + shop("b", months=1, again=0.4, start=1))
    assert said.startswith("b-01.csv: none of 300 customers is in any other file; about ")


@pytest.mark.parametrize(
    "days",
    [
        shop("a", months=1, again=0.5),
        shop("a", months=6, again=0.3),
        shop("a", months=6, again=0.01),
        shop("a", months=6, again=0),
        # Years lie between.
        shop("a", months=3, again=0.4) + shop("b", months=3, again=0.4, start=30),
        # A stall at a fair.
        shop("a", months=3, again=0.4) + shop("b", months=1, again=0.4)[:90],
    ],
    ids=["one", "usual", "new", "once", "apart", "few"],
)
def test_one_retailers_files_do_not(days):
    assert doubted(days) == []


def test_one_customer_of_both_tells_that_they_are_of_one():
    days = shop("a", months=3, again=0.3) + shop("b", months=3, again=0.3)
    shared = [
        (file, "a0-1", datetime.combine(date(2011, 2, 3), datetime.min.time()))
        for file in ("a-01.csv", "b-01.csv")
    ]
    assert len(doubted(days)) == 1
    assert doubted(days + shared) == []
