"""What is due, decided from states made by hand: a row per thing that may have happened."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from customer_segments.automation.sensor import as_markdown
from customer_segments.storage.state import State
from customer_segments.tables import CONTRACTS
from customer_segments_tests.automation.drafts import LABELLED, MONTHLY, Draft, empty, made

ALL, NEWEST = "2024-01 to 2024-04", "2024-04"


def file_changes(draft: Draft) -> None:
    draft.files = {"a.csv": "1", "b.csv": "2"}


def file_comes(draft: Draft) -> None:
    draft.files = {"a.csv": "1", "b.csv": "1", "c.csv": "1"}


def file_goes(draft: Draft) -> None:
    draft.files = {"a.csv": "1"}


def many_files_come(draft: Draft) -> None:
    draft.files = {f"{number}.csv": "1" for number in range(5)} | draft.files


def parser_changes(draft: Draft) -> None:
    draft.parser = "2"


def first_month_is_set(draft: Draft) -> None:
    draft.bounds(first_month="2024-02")
    draft.covered(2, 4)


def sheets_are_missing(draft: Draft) -> None:
    # As a run leaves it that was killed between the two tables.
    draft.publish("raw_transactions", 1, 2, 3, 4, is_changed=False)


def raw_is_not_judged(draft: Draft) -> None:
    draft.publish("raw_transactions", 1, 2, 3, 4, is_changed=False, is_judged=False)
    draft.publish("source_sheets", 0)


def raw_fails(draft: Draft) -> None:
    draft.state.failed["raw_transactions"] = "reconciliation: Differs: 3 rows"


def months_are_forgotten(draft: Draft) -> None:
    draft.has_months = False


READING = [
    (file_changes, "the files changed: b.csv"),
    (file_comes, "the files changed: c.csv"),
    (file_goes, "the files changed: b.csv"),
    (many_files_come, "the files changed: 0.csv, 1.csv, 2.csv and 2 more"),
    (parser_changes, "this version reads files in another way"),
    (first_month_is_set, "the rules of reading, or the first or last month, changed"),
    (sheets_are_missing, "the last ingestion did not come to its end"),
    (raw_is_not_judged, "the last ingestion did not come to its end"),
    (months_are_forgotten, "the file that says which months are covered is not there"),
    (raw_fails, "what was read did not pass its check reconciliation: Differs: 3 rows"),
]


def test_nothing_is_due(tmp_path):
    assert made(tmp_path).steps == []
    assert as_markdown([]) == "Nothing is due."


def test_a_first_run(tmp_path):
    draft = empty(tmp_path)
    assert [(str(step), step.why) for step in draft.steps] == [("ingest", "nothing was read yet")]
    draft.publish("raw_transactions", 2, 3, 4)
    draft.publish("source_sheets", 0)
    draft.state.files.update(draft.files)
    draft.parser = ""
    # From the first month covered, also where it has no row.
    (fit,) = draft.steps
    assert (str(fit), fit.why) == (f"full_refresh {ALL}", "no model labels yet: one is fitted")


@pytest.mark.parametrize(("happens", "why"), READING)
def test_files_are_read(tmp_path, happens: Callable, why: str):
    draft = made(tmp_path)
    happens(draft)
    assert (draft.due[0], draft.steps[0].why) == ("ingest", why)


def test_a_file_that_is_being_written_is_left_alone_but_what_waits_is_done(tmp_path):
    draft = made(tmp_path)
    draft.files = None
    assert draft.due == []
    draft.publish("raw_transactions", 3, 4)
    draft.publish("source_sheets", 0)
    assert draft.due == ["score 2024-03 to 2024-04"]


def test_a_month_that_raw_rows_lost_long_ago_is_not_read_for_ever(tmp_path):
    draft = made(tmp_path)
    draft.publish("raw_transactions", 1, rows=0)
    draft.rule("source", time_zone="Asia/Tokyo")
    draft.bounds(last_month="2024-04")
    draft.publish("raw_transactions", 2, 3, 4)  # By the new bounds; of January there is no line.
    draft.publish("source_sheets", 0)
    assert draft.due == [f"score {ALL}", "recommend"]


def new_rules(section: str, **values: object) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.rule(section, **values)

    return change


def changed(*numbers: int, rows: int = 10) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.publish("raw_transactions", *numbers, rows=rows)
        draft.publish("source_sheets", 0)

    return change


def read_again(draft: Draft) -> None:
    draft.publish("raw_transactions", 1, 2, 3, 4, is_changed=False)
    draft.publish("source_sheets", 0)


def killed_after(table: str) -> Callable[[Draft], None]:
    """Have March and April made anew as far as a table."""

    def change(draft: Draft) -> None:
        changed(3)(draft)
        for each in MONTHLY[: MONTHLY.index(table) + 1]:
            draft.publish(each, 3, 4)

    return change


def made_by_hand(draft: Draft) -> None:
    draft.publish("cleaned_transactions", 2, made_by="of one launch")


def a_month_was_left_out(draft: Draft) -> None:
    """June comes without May."""
    draft.covered(1, 6)
    changed(6)(draft)


def june_was_asked_for_alone(draft: Draft) -> None:
    draft.covered(1, 6)
    changed(6)(draft)
    for table in MONTHLY:
        draft.publish(table, 6)


def newest_went(draft: Draft) -> None:
    changed(4, rows=0)(draft)


def newest_after_a_gap_went(draft: Draft) -> None:
    """Nobody bought in March; now April goes, and with it the snapshot of March."""
    changed(3, rows=0)(draft)
    for table in MONTHLY:
        draft.publish(table, 3, 4, rows=0 if table.endswith("transactions") else 10)
    newest_went(draft)
    for table in MONTHLY:
        draft.publish(table, 4, rows=0)


def april_comes_back(draft: Draft) -> None:
    """Snapshots ended in February; March is one again, though it did not change."""
    for table in ("raw_transactions", *MONTHLY):
        draft.publish(table, 3, 4, rows=0)
    draft.publish("raw_transactions", 4)
    draft.publish("source_sheets", 0)
    for table in MONTHLY:
        draft.publish(table, 4)


def april_is_over(draft: Draft) -> None:
    """It was made on its 27th; the last sale is of then, and the calendar went on."""
    draft.april("2024-04-28", "2024-04-27")


def april_stays_cut(draft: Draft) -> None:
    draft.april("2024-04-10", "2024-04-09")


def may_comes_after_a_cut_april(draft: Draft) -> None:
    april_stays_cut(draft)
    draft.covered(1, 5)
    changed(5)(draft)


def may_was_nobodys(draft: Draft) -> None:
    """Its lines are of no known customer, so that the data still ends in April."""
    may_comes_after_a_cut_april(draft)
    for table in MONTHLY:
        draft.publish(table, 5, rows=10 if table.endswith("transactions") else 0)


def april_is_the_newest_again(draft: Draft) -> None:
    """It ends on the 9th, and was complete for as long as there was a May."""
    draft.april("2024-05-01", "2024-04-09")


def a_rule_is_taken_back(draft: Draft) -> None:
    draft.rule("cleaning", drop_credit_notes=True)
    for table in MONTHLY:
        draft.publish(table, 1, 2, 3, 4)
    draft.rule("cleaning", drop_credit_notes=False)


ANY = "[layout] or [source] or [cleaning] or the first or last month"
CLEANED = "the rules changed since cleaned_transactions of 2024-01 was made: "
RFM = "the rules changed since customer_rfm of 2024-01 was made: "
OFFERED = "the rules changed since product_recommendations was made: "
SCORING = [
    (april_is_over, NEWEST, "recency of 2024-04 counts to another day now"),
    (april_stays_cut, None, ""),
    (may_comes_after_a_cut_april, "2024-04 to 2024-05", "recency of 2024-04 counts to another day"),
    (may_was_nobodys, None, ""),
    (april_is_the_newest_again, NEWEST, "recency of 2024-04 counts to another day now"),
    (changed(4), NEWEST, "2024-04 changed"),
    (changed(2), "2024-02 to 2024-04", "2024-02 changed, and months after it"),
    (read_again, None, ""),
    (newest_went, NEWEST, "2024-04 changed"),
    (a_month_was_left_out, "2024-05 to 2024-06", "cleaned_transactions of 2024-05 was never made"),
    (june_was_asked_for_alone, "2024-05 to 2024-06", "cleaned_transactions of 2024-05 was never"),
    (newest_after_a_gap_went, "2024-03", "2024-03 changed"),
    (april_comes_back, "2024-03 to 2024-04", "2024-03 changed, and months after it"),
    (
        new_rules("cleaning", drop_credit_notes=True),
        ALL,
        f"{CLEANED}[cleaning]",
    ),
    (a_rule_is_taken_back, ALL, f"{CLEANED}{ANY}"),
    (new_rules("cleaning", non_products={"X": "Fee"}), ALL, "the rules changed since cleaned_tra"),
    (new_rules("rfm", window_months=12), ALL, f"{RFM}[rfm]"),
    (new_rules("model", n_clusters=7), None, ""),
    (new_rules("gate", max_moved_share=0.5), None, ""),
    (new_rules("source", currency="GBP", accept=["formulas"]), None, ""),
    (new_rules("segments", relabel="new"), None, ""),
    (made_by_hand, "2024-02 to 2024-04", "the rules changed since cleaned_transactions of 2024-02"),
    *(
        (killed_after(table), "2024-03 to 2024-04", "2024-03 changed, and months after it")
        for table in MONTHLY[:-1]
        # Of the last three none is made of another: any may be the one that is left.
    ),
    (killed_after(MONTHLY[-1]), None, ""),
]


@pytest.mark.parametrize(("happens", "months", "why"), SCORING)
def test_months_are_scored(tmp_path, happens: Callable, months: str | None, why: str):
    draft = made(tmp_path)
    happens(draft)
    scores = [step for step in draft.steps if step.job == "score"]
    assert [str(step) for step in scores] == ([f"score {months}"] if months else [])
    assert "".join(step.why for step in scores).startswith(why)


def test_months_outside_the_bounds_wait_for_nothing(tmp_path):
    draft = made(tmp_path)
    first_month_is_set(draft)
    draft.publish("raw_transactions", 1, rows=0)
    draft.publish("raw_transactions", 2, 3, 4)
    draft.publish("source_sheets", 0)
    assert draft.due[0] == "score 2024-02 to 2024-04"
    for table in MONTHLY:
        draft.publish(table, 2, 3, 4)
    assert draft.due == ["report 2024-04", "recommend"]


@pytest.mark.parametrize("table", MONTHLY)
def test_a_blocking_check_that_failed_is_not_passed_over(tmp_path, table):
    draft = made(tmp_path)
    draft.champion("new")
    draft.state.failed[table] = "contract: 3 rows break it"
    (step,) = draft.steps
    # None of its months waits: the fault may be in any.
    assert str(step) == f"score {ALL}"
    assert step.why == f"{table} did not pass its check contract: 3 rows break it"
    draft.publish(CONTRACTS[table].built_from, 3)
    draft.publish("source_sheets", 0)
    assert draft.due == ["score 2024-03 to 2024-04"]


def test_nothing_is_made_of_raw_rows_that_failed(tmp_path):
    draft = made(tmp_path)
    changed(4)(draft)
    raw_fails(draft)
    assert draft.due == ["ingest"]


def test_what_was_not_judged_is_judged(tmp_path):
    draft = made(tmp_path)
    draft.publish("segment_profiles", 4, is_changed=False, is_judged=False)
    assert draft.due == [f"score {NEWEST}"]
    assert draft.steps[0].why == "not judged yet: segment_profiles"


@pytest.mark.parametrize(("relabel", "due"), [("all", [f"relabel {ALL}"]), ("new", [])])
def test_a_new_champion_labels(tmp_path, relabel, due):
    draft = made(tmp_path)
    draft.rule("segments", relabel=relabel)
    draft.champion("new")
    assert draft.due == due


def test_labels_of_two_models_are_made_again_also_after_a_kill(tmp_path):
    draft = made(tmp_path)
    draft.champion("new")
    draft.publish("customer_segments", 1, 2, 3, 4)
    assert draft.due[0] == f"score {ALL}"  # Moves and profiles are made of these labels.
    for table in LABELLED:
        draft.publish(table, 2, 3, 4)
        draft.publish(table, 1, model="old")
    assert draft.due[0] == "relabel 2024-01"


def test_what_waits_for_scoring_comes_before_another_model(tmp_path):
    draft = made(tmp_path)
    draft.champion("new")
    changed(4)(draft)
    assert draft.due[0] == f"score {NEWEST}"
    assert not [step for step in draft.due if step.startswith("relabel")]


def no_report(draft: Draft) -> None:
    draft.reports.clear()


def older_report(draft: Draft) -> None:
    draft.report(2)


def refit(draft: Draft, *reported: int) -> None:
    draft.report(*reported or (2,))
    draft.champion("new")
    for table in LABELLED:
        draft.publish(table, 1, 2, 3, 4)


def evaluated(draft: Draft) -> None:
    draft.publish("segment_backtest", 0)


def test_what_people_read_is_copied_where_the_run_did_not(tmp_path):
    draft = made(tmp_path)
    draft.copied = State()
    assert draft.due == ["serve"]
    draft.copied = deepcopy(draft.state)
    # Every run judges; a run that finds nothing new publishes what was there.
    draft.publish("check_history", 0)
    draft.publish("customer_segments", 4, is_changed=False)
    assert draft.due == []
    draft.publish("product_recommendations", 0)
    assert draft.due[0] == "serve"


def other_report(draft: Draft) -> None:
    draft.reports[next(iter(draft.reports))] = "of before"


def cut_without_report(draft: Draft) -> None:
    april_stays_cut(draft)
    draft.reports.clear()


@pytest.mark.parametrize(
    ("happens", "due"),
    [
        (no_report, ["report 2024-04"]),
        (cut_without_report, ["report 2024-03"]),
        (april_stays_cut, ["report 2024-03", "report 2024-04"]),
        (older_report, []),
        (refit, ["report 2024-04", "report 2024-02", "recommend"]),
        # Those in a row are one run.
        (
            lambda draft: refit(draft, 1, 3),
            ["report 2024-03 to 2024-04", "report 2024-01", "recommend"],
        ),
        (evaluated, ["report 2024-04"]),
        (other_report, ["report 2024-04"]),
    ],
)
def test_reports(tmp_path, happens: Callable, due: list[str]):
    draft = made(tmp_path)
    happens(draft)
    assert draft.due == due


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda draft: draft.publish("cleaned_transactions", 2), "cleaned_transactions changed"),
        (lambda draft: draft.publish("customer_segments", 2), "customer_segments changed"),
        (lambda draft: draft.state.tables.pop("segment_products"), "segment_products was never m"),
        (
            new_rules("recommend", sold_days=30),
            f"{OFFERED}[recommend]",
        ),
        (read_again, None),
    ],
)
def test_offers(tmp_path, happens: Callable, why: str | None):
    draft = made(tmp_path)
    happens(draft)
    offers = [step.why for step in draft.steps if str(step) == "recommend"]
    assert len(offers) == (why is not None)
    assert "".join(offers).startswith(why or "")
    # What they are made of comes first.
    assert not offers or draft.due[-1] == "recommend"


def test_steps_are_told_apart_by_what_brought_them_about(tmp_path):
    draft = made(tmp_path)
    keys = set()
    for happens in (changed(4), changed(4), changed(3), new_rules("rfm", window_months=3)):
        happens(draft)
        keys.add(draft.steps[0].key)
        assert draft.steps[0].key in keys  # The same facts, the same step.
    draft.champion("new")
    keys.add(draft.steps[0].key)
    file_changes(draft)
    keys.add(draft.steps[0].key)
    assert len(keys) == 6


def test_it_is_shown_as_a_table(tmp_path):
    draft = made(tmp_path)
    changed(4)(draft)
    assert as_markdown(draft.steps).splitlines() == [
        "| step | why |",
        "|---|---|",
        "| score 2024-04 | 2024-04 changed |",
    ]
