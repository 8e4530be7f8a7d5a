"""What a run prints of its checks: warnings in one line, errors in full."""

import logging
from types import SimpleNamespace

import dagster as dg
import pytest
from rich.console import Console

from customer_segments.commands import launching
from customer_segments.commands.launching import ProgressHandler
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments_tests.console import SAMPLE
from customer_segments_tests.installations import install


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
        # Which Dagster says where no month had to be judged.
        handler.emit(logging.makeLogRecord({"msg": "op 'checks' did not yield", "levelno": 20}))
        shown.append(f"{handler.status.status}".strip())
    assert shown == ["customer_rfm", ""]


def test_a_folder_of_dagsters_that_cannot_be_used_is_a_sentence(tmp_path, monkeypatch):
    # SQLite takes %41 in the address of a file for a letter. A full disk ends in the same way.
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "h%41"))
    installed = Installation.of(install(tmp_path, source_dir=SAMPLE))
    with (
        pytest.raises(UserError, match=r"h%41 cannot be written: unable to open database file"),
        launching.launcher(installed) as launch,
    ):
        launch("ingest")


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
