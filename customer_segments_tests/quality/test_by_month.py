"""Dagster knows by month what a check says, and judging is exact at the edges."""

from datetime import date
from math import inf, log

import dagster as dg
import duckdb
import pytest

from customer_segments.cleaning.judges import says_volume
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.months import Months
from customer_segments.policy.checks import Checks, Limits
from customer_segments.quality.evaluation import Level, level
from customer_segments.quality.events import told
from customer_segments.quality.scope import Scope
from customer_segments.segments.judges import MOVEMENT, psi
from customer_segments_tests.test_checks import tamper

MONTHS = ["2024-06-01", "2024-07-01", "2024-08-01"]
DRIFT = dg.AssetCheckKey(dg.AssetKey("segment_profiles"), "drift")
DRIFTED = """
    UPDATE {t} SET customers_last_month = 1, customers_last_year = 1
    WHERE snapshot_month = '2024-07-01' AND segment = 'Hibernating'
"""
SPAN = date(2024, 6, 1), date(2024, 8, 1)
SCOPE = Scope(*SPAN, Months(date(2023, 1, 1), SPAN[1], False, date(2025, 6, 1)), date(2024, 12, 31))


def test_a_run_over_months_is_told_by_month(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    profiles = dg.AssetSelection.assets(DRIFT.asset_key)
    jobs = [
        dg.define_asset_job("made", profiles.without_checks()),
        dg.define_asset_job("checks_only", dg.AssetSelection.checks_for_assets(DRIFT.asset_key)),
    ]
    defs = build_defs(Installation.of(installed))
    defs = dg.Definitions.merge(defs, dg.Definitions(jobs=jobs))
    tags = dict(zip(("start", "end"), (MONTHS[0], MONTHS[-1]), strict=True))
    tags = {f"dagster/asset_partition_range_{end}": month for end, month in tags.items()}
    with dg.DagsterInstance.ephemeral() as instance:
        defs.resolve_job_def("made").execute_in_process(instance=instance, tags=tags)
        tamper(installed, "segment_profiles", DRIFTED)
        result = defs.resolve_job_def("checks_only").execute_in_process(
            instance=instance, tags=tags
        )
        infos = instance.event_log_storage.get_asset_check_partition_info([DRIFT])
    # Dagster plans each month, and shows one that it hears nothing of as skipped; what is not of
    # the newest materialization of a month it does not show.
    assert all(info.is_current for info in infos)
    assert {info.partition_key: info.latest_execution_status.value for info in infos} == {
        "2024-06-01": "SUCCEEDED",
        "2024-07-01": "FAILED",
        "2024-08-01": "SUCCEEDED",
    }
    told = {
        each.partition: each
        for each in result.get_asset_check_evaluations()
        if each.asset_check_key == DRIFT
    }
    assert (told["2024-07-01"].description or "").startswith("2024-07: segment sizes drift (PSI ")
    assert "If it stays, refit." in (told["2024-07-01"].description or "")
    assert told["2024-06-01"].description == "Nothing stands out."
    # The UI takes the newest month's severity for the check's.
    assert {each.severity.value for each in told.values()} == {"ERROR"}
    with duckdb.connect(str(installed.warehouse_path), read_only=True) as con:
        levels = con.execute(
            "SELECT month::VARCHAR, level FROM check_history WHERE check_name = 'drift' AND "
            "run_id = ? ORDER BY month",
            [result.run_id],
        ).fetchall()
    assert levels == list(zip(MONTHS, ["ok", "error", "ok"], strict=True))


def test_of_many_months_the_newest_year_is_told_and_what_stands_out():
    years = Months(date(2020, 1, 1), date(2024, 8, 1), False, date(2025, 6, 1))
    scope = Scope(years.first, years.last, years, date(2024, 8, 31))
    moved = {date(2021, 3, 1): 0.9, date(2024, 2, 1): 0.4}
    rows = [{"month": month, "moved_or_gone": moved.get(month, 0.1)} for month in years]
    result = MOVEMENT.judge(rows, scope)
    with dg.DagsterInstance.ephemeral() as instance:
        said = {each.partition: each for each in told(instance, result, (scope.first, scope.last))}
    months = [str(month) for month in years][-12:]
    assert list(said) == ["2021-03-01", *months]
    assert [month for month, each in said.items() if not each.passed] == list(map(str, moved))


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (0.25, Limits(warn=0.25, fail=0.5), Level.WARN),
        (0.5, Limits(warn=0.25, fail=0.5), Level.ERROR),
        (0.2499, Limits(warn=0.25, fail=0.5), Level.OK),
        (0.05, Limits(warn=0.05, fail=0.01), Level.WARN),
        (0.01, Limits(warn=0.05, fail=0.01), Level.ERROR),
        (0.0501, Limits(warn=0.05, fail=0.01), Level.OK),
        (1.0, Limits(warn=1.0, fail=1.0), Level.ERROR),
        (None, Limits(warn=0.0, fail=0.0), Level.OK),
    ],
)
def test_a_figure_at_its_limit_is_beyond_it(value, limits, expected):
    assert level(value, limits) is expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0.35, Level.WARN), (0.3499, Level.OK), (0.6, Level.ERROR)]
)
def test_a_judge_at_its_limit(share, expected):
    result = MOVEMENT.judge([{"month": SPAN[0], "moved_or_gone": share, "why": None}], SCOPE)
    assert result.level is expected


@pytest.mark.parametrize(
    ("factor", "is_complete", "expected"),
    [
        (2.0, True, Level.WARN),
        (4.0, False, Level.ERROR),
        (0.5, True, Level.WARN),
        (0.25, True, Level.ERROR),
        (0.0, True, Level.ERROR),
        (0.0, False, None),
        (1.99, True, Level.OK),
    ],
)
def test_volume_at_its_limit_either_way(factor, is_complete, expected):
    row = {"rows": 7, "revenue": 7.0, "customers": 7, "is_complete": is_complete}
    row |= {"rows_factor": factor, "revenue_factor": 1.0, "customers_factor": 1.0}
    found = dict.fromkeys(said for _, said in says_volume(row, SCOPE))
    levels = [bad for bad, said in says_volume(row, SCOPE) if said.startswith("rows")]
    assert levels == ([] if expected is None else [expected])
    assert len(found) == (2 if expected is None else 3)


def test_an_emptied_segment_counts_in_the_index():
    """Half a customer stands for none, now or then: without, the index would be infinite."""

    def part(now: float, then: float) -> float:
        return (now - then) * log(now / then)

    assert psi([50, 50], [50, 50], 100) == 0
    # A segment with 40 of 100 customers is empty now, and has no row: it is missed in the total.
    assert psi([100], [60], 100) == pytest.approx(part(1, 0.6) + part(0.005, 0.4))
    # One that is there, with nobody in it; and one that nobody was in.
    assert psi([100, 0], [60, 40], 100) == pytest.approx(part(1, 0.6) + part(0.005, 0.4))
    assert psi([60, 40], [100, 0], 100) == pytest.approx(part(0.6, 1) + part(0.4, 0.005))
    assert psi([100], [60], 100) < inf


def test_limits_are_the_policys():
    strict = Checks(movement=Limits(warn=0.1, fail=0.2))
    scope = Scope(*SPAN, SCOPE.months, SCOPE.newest_date, strict)
    result = MOVEMENT.judge([{"month": SPAN[0], "moved_or_gone": 0.2, "why": None}], scope)
    assert result.level is Level.ERROR
    assert result.metadata == {"thresholds": {"movement": {"warn": 0.1, "fail": 0.2}}}
