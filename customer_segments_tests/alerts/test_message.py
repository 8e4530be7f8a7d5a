"""Messages are bounded, their links are whole, and no customer's row is in them."""

from hypothesis import example, given
from hypothesis import strategies as st

from customer_segments.alerts.causes import body
from customer_segments.alerts.outbox import Alert
from customer_segments.alerts.telling import MAX_TEXT, message

UI = "https://dagster.shop.example"
PATH = "/assets/customer_rfm?view=checks&checkDetail=contract"
TEXT = st.text(max_size=2_000)
TITLES = st.text(max_size=100)
BODIES = st.builds(body, TEXT, st.dictionaries(st.sampled_from(["Assets", "Months"]), TEXT), TITLES)
LEVELS = st.sampled_from(["ERROR", "WARNING"])
ALERTS = st.builds(Alert, st.just("k"), LEVELS, TITLES, BODIES, st.just(PATH))
LONG = "<&> " * 1_000


@example(
    [Alert("k", "ERROR", "It failed", body(LONG, {"Assets": LONG, "Run": LONG}, "Mend it"), PATH)]
)
@given(st.lists(ALERTS, min_size=1, max_size=12))
def test_a_message_is_bounded_and_its_links_are_whole(alerts):
    level, title, text = message(alerts, UI)
    assert len(text) <= MAX_TEXT + 100
    assert len(title) < 200
    assert level in title
    told = text.count(f"{UI}{PATH}")
    assert text.endswith(f"{UI}{PATH}" if told == len(alerts) else f"more: {UI}/runs")
    assert told == len(alerts) or f"And {len(alerts) - told} more: {UI}/runs" in text


def test_errors_come_first_and_a_storm_is_counted():
    alerts = [Alert(f"{n}", "WARNING", f"Warning {n}", "cut short", "/runs") for n in range(100)]
    alerts.append(Alert("bad", "ERROR", "The bad one", "Said", "/runs"))
    level, title, text = message(alerts, UI)
    assert (level, title) == ("ERROR", "[Customer Segments] ERROR: 101 alerts at once")
    lines = text.splitlines()
    assert lines[:5] == ["ERROR: The bad one", "Said", f"{UI}/runs", "", "WARNING: Warning 0"]
    assert lines[-1] == f"And {101 - text.count(f'{UI}/runs') + 1} more: {UI}/runs"
    assert message(alerts[:1], UI)[1] == "[Customer Segments] WARNING: Warning 0"


def test_rows_are_left_out():
    breach = "price >= 0: 2 rows\n    {'customer_id': '13085'}\n    {'customer_id': '9'}; next"
    assert body(breach, {"Months": ""}, "Mend it") == "price >= 0: 2 rows ; next\nMend it"
