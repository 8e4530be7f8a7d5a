"""What a run prints of its checks: warnings in one line, errors in full."""

from types import SimpleNamespace

import dagster as dg
import pytest
from rich.console import Console

from customer_segments.commands import launching
from customer_segments.commands.launching import ProgressHandler


def printed(*judged: tuple[str, dg.AssetCheckSeverity | None]) -> str:
    """What is printed when these checks fail with a severity, or pass."""
    console = Console(width=80)
    with console.capture() as captured:
        handler = ProgressHandler(console)
        for name, severity in judged:
            evaluation = SimpleNamespace(
                asset_key=dg.AssetKey("cleaned_transactions"),
                check_name=name,
                passed=severity is None,
                severity=severity,
                description=f"{name} looks odd",
            )
            event = SimpleNamespace(
                event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION,
                asset_check_evaluation_data=evaluation,
            )
            handler.emit(SimpleNamespace(dagster_meta={"dagster_event": event}))
        handler.finish()
    return captured.get()


WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ([], ""),
        ([("volume", None)], ""),
        ([("volume", WARN)], "  ! 1 check warns: volume (why: --verbose)\n"),
        (
            [("volume", WARN), ("fit", None), ("drift", WARN), ("volume", WARN)],
            "  ! 2 checks warn: volume, drift (why: --verbose)\n",
        ),
        (
            [("contract", ERROR), ("drift", WARN)],
            "  ✗ cleaned_transactions, check contract: contract looks odd\n"
            "  ! 1 check warns: drift (why: --verbose)\n",
        ),
    ],
)
def test_warnings_are_one_line_and_errors_are_told_in_full(judged, said):
    assert printed(*judged) == said


def test_what_is_being_done_is_named_and_what_is_done_no_more():
    handler = ProgressHandler(Console(width=80))
    shown = []
    for kind, step in (("STEP_START", "customer_rfm"), ("STEP_SUCCESS", "customer_rfm")):
        event = SimpleNamespace(event_type=dg.DagsterEventType[kind], step_key=step)
        handler.emit(SimpleNamespace(dagster_meta={"dagster_event": event}))
        shown.append(f"{handler.status.status}".strip())
    assert shown == ["customer_rfm", ""]


def test_the_line_is_one_however_long():
    names = [f"a_check_of_a_long_name_{number}" for number in range(20)]
    assert printed(*((name, WARN) for name in names)).count("\n") == 1


def test_only_the_runs_of_commands_that_are_gone_are_recorded_as_failed():
    job, gone = dg.GraphDefinition("empty").to_job(), {launching.PROCESS_TAG: "2000000000"}
    with dg.DagsterInstance.ephemeral() as instance:
        started = dg.DagsterRunStatus.STARTED
        killed = instance.create_run_for_job(job, status=started, tags=gone)
        # What the UI starts in its place has its tags.
        parent = {"parent_run_id": killed.run_id, "root_run_id": killed.run_id}
        again = instance.create_run_for_job(job, status=started, tags=gone, **parent)
        elsewhere = instance.create_run_for_job(
            job, status=started, tags=gone | {launching.HOST_TAG: "another container"}
        )
        launching._record_killed(instance)
        statuses = [instance.get_run_by_id(run.run_id).status for run in (killed, again, elsewhere)]
    assert statuses == [dg.DagsterRunStatus.FAILURE, started, started]
