"""Actions: who is told what, how, and why; the first line that matches counts."""

from collections import Counter
from datetime import date

import duckdb
import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.policy.actions import DEFAULTS, Action
from customer_segments.segments.actions import unusual_segments, with_action
from customer_segments.tables import CUSTOMER_SEGMENTS
from customer_segments_tests.segments.plain import rows_of

OWN = "What suits the segment."
KNOWN = ("segment", "account_tier", "recency_days")


def told(customers: list[tuple], actions: list[Action]) -> list[tuple]:
    """Return action, channel and reason of customers, each given by what ``KNOWN`` names."""
    labelled = CUSTOMER_SEGMENTS.relation.select("customer_id", *KNOWN, "suggested_action")
    rows = [
        dict(zip(KNOWN, customer, strict=True)) | {"customer_id": f"{n:09}"}
        for n, customer in enumerate(customers)
    ]
    with duckdb.connect() as con:
        given = CUSTOMER_SEGMENTS.arrow([row | {"suggested_action": OWN} for row in rows])  # noqa: F841
        con.execute("CREATE TABLE customer_segments AS SELECT * FROM given")
        made = with_action(labelled, actions).order_by("customer_id")
        made = made.select("suggested_action", "channel", "why")
        return con.sql(str(ibis.to_sql(made, dialect="duckdb"))).fetchall()


def expected(customer: tuple, actions: list[Action]) -> tuple:
    """Return the same of one customer, a line after the other."""
    segment, tier, days = customer
    for line in actions:
        is_right = line.segment in ("any", segment) and line.account_tier in ("any", tier)
        last = days if line.max_recency_days is None else line.max_recency_days
        if is_right and line.min_recency_days <= days <= last:
            return line.action or OWN, line.channel, line.why
    return OWN, "", ""


# By segment, tier and days: the channel, and how the action begins.
TABLE = [
    ("Champions", "retail", 182, "mail", OWN),
    ("Champions", "retail", 183, "phone", "Call them"),
    ("Champions", "wholesale", 90, "phone", "Their account manager keeps in touch"),
    ("Loyal Customers", "wholesale", 91, "phone", "Their account manager calls: ask what they"),
    ("Champions", "wholesale", 183, "phone", "Their account manager calls: ask what went"),
    ("Loyal Customers", "retail", 182, "mail", OWN),
    ("Loyal Customers", "retail", 183, "letter", "Write personally"),
    ("Need Attention", "retail", 365, "mail", OWN),
    ("Need Attention", "retail", 366, "letter", "Write personally, once"),
    ("Need Attention", "wholesale", 366, "phone", "Their account manager calls: ask what went"),
    ("At Risk", "retail", 366, "letter", "Write personally, once"),
    ("Cannot Lose Them", "retail", 1, "phone", OWN),
    ("Lost", "retail", 366, "none", "Leave them out"),
    ("Hibernating", "retail", 700, "mail", OWN),
    ("A segment to come", "retail", 5, "mail", OWN),
]


def test_the_table_of_the_default():
    found = told([row[:3] for row in TABLE], DEFAULTS)
    for (*customer, channel, begins), (action, by, why) in zip(TABLE, found, strict=True):
        assert by == channel, customer
        assert action.startswith(begins), customer
        assert why.endswith("."), customer


SEGMENTS, TIERS = ("Champions", "Lost", "It's \\ 100 %"), ("retail", "wholesale")
DAYS = st.integers(1, 6)


@st.composite
def lines(draw) -> Action:
    first = draw(st.integers(0, 6))
    return Action(
        segment=draw(st.sampled_from(("any", *SEGMENTS))),
        account_tier=draw(st.sampled_from(("any", *TIERS))),
        min_recency_days=first,
        max_recency_days=draw(st.none() | st.integers(max(first, 1), 7)),
        action=draw(st.sampled_from(("", "Call.", 'Don\'t; "write"'))),
        channel=draw(st.sampled_from(("", "mail", "phone"))),
        why=draw(st.text(max_size=3)),
    )


EVERYBODY = [(name, tier, days) for name in SEGMENTS for tier in TIERS for days in range(1, 8)]


@given(st.lists(lines(), max_size=5))
def test_each_customer_is_told_what_the_first_line_that_matches_says(actions):
    assert told(EVERYBODY, actions) == [expected(customer, actions) for customer in EVERYBODY]


@pytest.mark.parametrize("fixture", ["sample_warehouse", "uci_warehouse"])
def test_the_table_has_what_the_default_says_and_segments_keep_their_own(fixture, request):
    installed = request.getfixturevalue(fixture)
    model = rows_of(installed, "kmeans_model")
    own = {(row["version"], row["segment"]): row["suggested_action"] for row in model}
    names = ("model_version", *KNOWN, "suggested_action", "channel", "why")
    rows = rows_of(installed, "customer_segments")
    for version, *customer, action, channel, why in {tuple(map(row.get, names)) for row in rows}:
        wanted = expected(customer, DEFAULTS)
        assert (channel, why) == wanted[1:]
        assert action == (own[version, customer[0]] if wanted[0] == OWN else wanted[0])
    for row in rows_of(installed, "segment_profiles"):
        assert row["suggested_action"] == own[row["model_version"], row["segment"]]


def test_nobody_is_missed_of_the_real_customers(uci_warehouse):
    """Of the best who stay away few are in Champions any more; wherever they are, they are met."""
    rows = [
        row
        for row in rows_of(uci_warehouse, "customer_segments")
        if row["snapshot_month"] == date(2011, 11, 1)
    ]
    assert Counter(row["channel"] for row in rows) == {
        "mail": 4_013,
        "none": 956,
        "phone": 611,
        "letter": 244,
    }
    assert {row["channel"] for row in rows if row["account_tier"] == "wholesale"} == {"phone"}
    away = Counter(
        (row["segment"], row["channel"])
        for row in rows
        if row["recency_days"] > {"Need Attention": 365, "At Risk": 365}.get(row["segment"], 182)
    )
    assert away["Champions", "phone"] == 2
    assert (away["Loyal Customers", "phone"], away["Loyal Customers", "letter"]) == (19, 20)
    assert away["Need Attention", "letter"] == 2
    assert (away["At Risk", "phone"], away["At Risk", "letter"]) == (9, 222)


def test_segments_that_no_fitted_model_has_are_known():
    actions = [Action(segment=name) for name in ("Champion", "Lost", "any")]
    assert unusual_segments(actions) == {"Champion"}
