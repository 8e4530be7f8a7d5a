"""A step that failed is tried again, after pauses that grow, so often and no more."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from customer_segments.automation import sensor
from customer_segments.automation.facts import Step
from customer_segments.automation.sensor import MOST_TRIES, STEP_TAG
from customer_segments.errors import UserError
from customer_segments.storage.warehouse import Warehouse
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World
from customer_segments_tests.storage.processes import held_by_other

STEP = Step("score", "because")
INGEST = ("ingest", None, None)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch):
    """Put the time forward that pauses are counted by."""

    def forward(by: timedelta) -> None:
        monkeypatch.setattr(sensor, "now", lambda: datetime.now(UTC) + by)

    return forward


def fail(instance: dg.DagsterInstance, key: str | None) -> None:
    """Leave a run of a step, or of none, that failed just now."""
    run = create_run_for_test(
        instance,
        job_name="score",
        tags={STEP_TAG: key} if key else {},
        status=dg.DagsterRunStatus.STARTED,
    )
    instance.report_run_failed(run)


@pytest.mark.parametrize(
    ("tries", "pause"),
    [(0, 0), (1, 1), (2, 2), (3, 4), (6, 32), (11, 12 * 60)],
)
def test_pauses_grow(instance, clock, tries, pause):
    for _ in range(tries):
        fail(instance, STEP.key)
    if pause:
        clock(timedelta(minutes=pause, seconds=-30))
        assert f"was tried {tries} times and is still due: because" in sensor._pause(instance, STEP)
    clock(timedelta(minutes=pause, seconds=1))
    assert sensor._pause(instance, STEP) == ""


def test_it_is_given_up_in_the_end(instance, clock):
    for _ in range(MOST_TRIES):
        fail(instance, STEP.key)
    clock(timedelta(days=300))
    assert "It is given up; mend the cause" in sensor._pause(instance, STEP)
    fail(instance, None)  # Somebody started something by hand: the count begins anew.
    assert sensor._pause(instance, STEP) == ""


def test_another_step_does_not_wait(instance):
    fail(instance, STEP.key)
    assert sensor._pause(instance, Step("score", "because", basis="of something else")) == ""


def test_a_file_that_cannot_be_read_is_tried_again_at_once_when_it_changes(world):
    path = world.source / "2010-03.csv"
    shop.put(path, [])
    path.write_text("no,header\n1,2\n")
    assert world.daemon.tick().runs == []  # It changed a moment ago.
    assert world.daemon.tick().runs == [INGEST]
    assert not world.daemon.last_run_succeeded()
    assert "was tried 1 times" in world.daemon.tick().said
    shop.deliver(world.source, 2, seed=1)
    assert world.daemon.tick().runs == [INGEST]
    assert world.daemon.last_run_succeeded()


def lose_rows(world: World) -> None:
    """Have somebody delete rows of a month that no run is about."""
    with Warehouse(world.settings.warehouse_path).holding() as con:
        con.raw_sql("DELETE FROM cleaned_transactions WHERE month = '2010-01-01'")


def test_a_lock_that_passes_and_a_blocking_check_that_fails_stop_what_follows(world, clock):
    """The check is of all months: cleaned and rejected rows are no longer the raw ones."""
    before = ask(world.settings, "FROM customer_segments ORDER BY ALL")
    shop.deliver(world.source, 2, seed=1)
    assert world.daemon.tick().runs == [INGEST]
    score, patience = ("score", "2010-03", "2010-03"), world.settings.lock_timeout_seconds
    world.settings.lock_timeout_seconds = 0
    with held_by_other(Warehouse(world.settings.warehouse_path), "reading"):
        assert world.daemon.tick().runs == [score]
    assert not world.daemon.last_run_succeeded()
    assert "score 2010-03 was tried 1 times and is still due" in world.daemon.tick().said
    world.settings.lock_timeout_seconds = patience
    lose_rows(world)
    clock(2 * MINUTE)
    assert world.daemon.tick().runs == [score]
    assert not world.daemon.last_run_succeeded()
    assert ask(world.settings, "FROM customer_segments ORDER BY ALL") == before
    assert world.state.failed["cleaned_transactions"].startswith("reconciliation: Differs")
    # Tried again over all months, for the fault may be in any; here that mends it.
    assert world.daemon.tick().runs == [("score", "2010-01", "2010-03")]
    assert world.daemon.last_run_succeeded()
    assert world.state.failed == {}


@pytest.mark.slow  # the daemon has it above, and a command that is stopped is below
def test_a_blocking_check_that_fails_stops_a_command(world):
    before = ask(world.settings, "FROM customer_segments ORDER BY ALL")
    shop.deliver(world.source, 2, seed=1)
    lose_rows(world)
    with pytest.raises(UserError, match="The run of score stopped"):
        world.run()
    assert ask(world.settings, "FROM customer_segments ORDER BY ALL") == before
    world.run()
    assert world.is_quiet()
    assert world.state.failed == {}


@pytest.mark.parametrize("by", [pytest.param("daemon", marks=pytest.mark.slow), "command"])
def test_nothing_is_made_of_raw_rows_that_do_not_reconcile(world, monkeypatch, by):
    """6,760 labels were published of such rows once."""
    publish = Warehouse.publish

    def lossy(warehouse, contract, *arguments, **named):
        if contract.table == "source_sheets":
            with warehouse.holding() as con:
                con.raw_sql("DELETE FROM raw_transactions WHERE month = '2010-01-01'")
        return publish(warehouse, contract, *arguments, **named)

    def rows(index: int) -> list[list]:
        return shop.rows(index, int(index == 2))

    before = ask(world.settings, "FROM customer_segments ORDER BY ALL")
    shop.deliver(world.source, 2, seed=1)
    monkeypatch.setattr(Warehouse, "publish", lossy)
    if by == "daemon":
        assert world.daemon.until_quiet() == [INGEST]
        assert "ingest was tried 1 times" in world.daemon.tick().said
    else:
        with pytest.raises(UserError, match="The run of ingest stopped"):
            world.run()
    assert world.state.failed["raw_transactions"].startswith("reconciliation: Differs")
    assert ask(world.settings, "FROM customer_segments ORDER BY ALL") == before
    monkeypatch.setattr(Warehouse, "publish", publish)
    world.launch("ingest")
    assert world.state.failed == {}
    by_month = "SELECT month, count(*) FROM raw_transactions GROUP BY 1 ORDER BY 1"
    assert ask(world.settings, by_month) == [(shop.month(n), len(rows(n))) for n in range(3)]
