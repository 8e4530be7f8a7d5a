"""Messages are bounded, their link is whole, and nothing in them calls a channel."""

from hypothesis import example, given
from hypothesis import strategies as st

from customer_segments.alerts.message import (
    MAX_SLACK,
    MAX_TEXT,
    Alert,
    Level,
    check_path,
    cleared,
    message,
    messages,
    without_rows,
)
from customer_segments.settings import Settings

UI = "https://dagster.shop.example"
TEXT = st.text(max_size=5_000)
ALERT_PATH = "/assets/customer_rfm?view=checks&checkDetail=contract"
ALERTS = st.builds(
    Alert,
    key=st.text(min_size=1, max_size=50),
    level=st.sampled_from(Level),
    title=TEXT,
    said=TEXT,
    facts=st.lists(st.tuples(st.text(max_size=20), TEXT), max_size=8).map(tuple),
    remedy=TEXT,
    path=st.just(ALERT_PATH),
)


LONG = "<&>" * 1_000


@example(Alert("k", Level.ERROR, LONG, LONG, (("Figures", LONG),) * 8, LONG, ALERT_PATH))
@given(ALERTS)
def test_a_message_is_bounded_and_ends_with_its_whole_link(alert):
    made = message(alert, UI)
    assert len(made.text) <= MAX_TEXT
    assert made.body.endswith(f"\n{UI}{alert.path}")
    assert len(made.slack()["text"]) <= MAX_SLACK
    assert made.slack()["text"].endswith("checks&amp;checkDetail=contract")
    assert Alert.from_json(alert.to_json()) == alert


@given(st.lists(ALERTS, min_size=6, max_size=40))
def test_many_at_once_are_one_message_that_counts_them(alerts):
    ((told, made),) = messages(alerts, UI)
    assert told == alerts
    assert len(made.text) <= MAX_TEXT
    assert f"{len(alerts)} alerts at once" in made.subject
    assert "\n" not in made.subject


def test_a_bundle_lists_the_errors_first_and_says_how_many_are_not_listed():
    alerts = [Alert(f"{n}", Level.WARNING, f"Warning {n}", said="cut short") for n in range(100)]
    alerts.append(Alert("bad", Level.ERROR, "The bad one"))
    ((_, made),) = messages(alerts, UI)
    lines = made.body.splitlines()
    assert lines[:2] == ["- ERROR: The bad one", f"  {UI}/runs"]
    assert lines[2].startswith("- WARNING: Warning 0: cut short")
    assert lines[-1] == f"- and 89 more: see {UI}/runs"
    assert len(messages(alerts[:5], UI)) == 5


def test_slack_sees_no_markup_of_ours():
    made = message(Alert("k", Level.ERROR, "<!channel> a & b", said="<http://x|y>"), UI)
    assert made.slack()["text"].startswith("*ERROR: &lt;!channel&gt; a &amp; b*\n&lt;http")


def test_secrets_and_rows_are_left_out():
    settings = Settings(
        _env_file=None,
        alert_webhook="https://hooks.example/services/T0/B0/planted",
        alert_smtp_user="me",
        alert_smtp_password="hunter-two",
    )
    said = (
        "Max retries exceeded with url: /services/T0/B0/planted of "
        "https://hooks.example/services/T0/B0/planted, hunter-two"
    )
    (clear,) = cleared(
        [Alert("k", Level.ERROR, said, said=said, facts=(("Figures", said),))], settings
    )
    assert "planted" not in clear.to_json()
    assert "hunter" not in clear.to_json()
    breach = "price >= 0: 2 rows\n    {'customer_id': '13085'}\n    {'customer_id': '9'}; next"
    assert without_rows(breach) == "price >= 0: 2 rows ; next"


def test_names_are_quoted_in_links():
    assert check_path("a b", "c&d") == "/assets/a%20b?view=checks&checkDetail=c%26d"
