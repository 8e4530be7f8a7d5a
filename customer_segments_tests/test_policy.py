"""The policy: what a file may say, what it must not, and the fingerprint of rules."""

from pathlib import Path

import pytest

from customer_segments.errors import UserError
from customer_segments.launchpad import launchpad
from customer_segments.policy import Policy
from customer_segments.policy.rules import Cleaning

ROWS = ("source", "cleaning", "rfm")


def policy(folder: Path, text: str) -> Policy:
    path = folder / "customer_segments.toml"
    path.write_text(text)
    return Policy.load(path)


def test_without_a_file_all_rules_have_their_defaults(tmp_path):
    assert Policy.load(tmp_path / "none.toml") == Policy()


def test_a_file_says_a_few_things_and_leaves_the_rest(tmp_path):
    said = policy(
        tmp_path,
        '[cleaning]\ncredit_prefix = "K"\n[cleaning.non_products]\nPACK = "Packing"\n'
        'POST = ""\n[checks.volume]\nwarn = 3\n',
    )
    assert said.cleaning.credit_prefix == "K"
    assert said.cleaning.drop_adjustments is True
    assert said.cleaning.non_products == {"PACK": "Packing", "POST": ""}
    assert said.cleaning.uci_non_products["DOT"] == "Dotcom postage"
    assert (said.checks.volume.warn, said.checks.volume.fail) == (3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[cleaning]\ncredit_prefx = 1", r"cleaning\.credit_prefx: there is no such rule"),
        ('[checks.volume]\nwarn = "two"', r"checks\.volume\.warn: Input should be a valid number"),
        ("[cleaning", "is not TOML"),
        ("[source]\ntime_zone = 'Mars/Olympus'", "Mars/Olympus is not a time zone"),
        ("[segments]\nrelabel = 'some'", "'all' or 'new'"),
        ("[model]\nn_clusters = 1", r"model\.n_clusters: .*auto, or a number from 2 to 30"),
        ("[cleanin]\na = 1", "cleanin: there is no such rule"),
        ('[cleaning]\ncredit_prefix = ""', r'credit_prefix: .* credit = "sign"'),
        ("[cleaning]\nproduct_pattern = '(?=A)'", "product_pattern: the engine cannot read it"),
        ("[rfm]\nwindow_months = 1000000", "window_months: .* less than or equal to 1200"),
        ("[cleaning]\ncredit = 'minus'", "'prefix', 'sign' or 'price'"),
        ("[[actions]]\n[[actions]]\naccount_tier = 'big'", r"actions\.1\.account_tier: .*'retail'"),
        (
            "[[actions]]\nsegment = 'Lost'\naktion = 'Call.'",
            r"actions\.0\.aktion: there is no",
        ),
        (
            "[[actions]]\nmin_recency_days = 90\nmax_recency_days = 30",
            r"actions\.0: .*min_recency_days 90 is more than max_recency_days 30",
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        policy(tmp_path, text)
    assert str(tmp_path / "customer_segments.toml") in str(error.value)


def test_a_file_of_notepads_is_read(tmp_path):
    assert policy(tmp_path, "\ufeff[rfm]\nwindow_months = 12\n").rfm.window_months == 12


def test_the_fingerprint_tells_rules_apart_that_decide_rows(tmp_path):
    default = Policy().fingerprint(ROWS)
    assert policy(tmp_path, "[rfm]\nwindow_months = 12").fingerprint(ROWS) != default
    assert policy(tmp_path, "[rfm]\nwindow_months = 12").fingerprint(ROWS[:2]) == (
        Policy().fingerprint(ROWS[:2])
    )
    # What money is called, and what somebody looked into, decides no row.
    words = "[source]\ncurrency = 'GBP'\naccept = ['swapped_dates']"
    assert policy(tmp_path, words).fingerprint(ROWS) == default
    assert Policy().fingerprint(ROWS, {"bounds": ("2011-01", None)}) != default


def test_the_fingerprint_of_a_launch_is_that_of_a_file_that_says_so(tmp_path):
    by_file = policy(tmp_path, "[rfm]\nwindow_months = 12")
    launched = Policy().fingerprint(ROWS, rfm={"window_months": 12})
    assert launched == by_file.fingerprint(ROWS)


def test_a_launchpad_has_the_defaults_of_the_policy(tmp_path):
    said = policy(tmp_path, "[cleaning]\ncredit_prefix = 'K'")

    @launchpad(Cleaning, said.cleaning)
    def asset(config: Cleaning) -> None:
        """Take the config."""

    config = asset.__annotations__["config"]
    assert config().credit_prefix == "K"
    assert config(credit_prefix="R").credit_prefix == "R"


def test_today_is_the_retailers():
    # 25 hours apart: never the same date.
    east = Policy(source={"time_zone": "Pacific/Kiritimati"}).source
    west = Policy(source={"time_zone": "Pacific/Pago_Pago"}).source
    assert east.today() > west.today()
