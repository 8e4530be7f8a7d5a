"""The outbox: each cause once, tried again later and later, over restarts and processes."""

import sqlite3
import stat
import subprocess
import sys
from dataclasses import dataclass

import pytest

from customer_segments.alerts.message import Alert, Level
from customer_segments.alerts.outbox import CLAIM_SECONDS, DAY, Outbox
from customer_segments.errors import UserError

ONE, TWO = (Alert(key, Level.ERROR, f"Title of {key}") for key in ("one", "two"))


@dataclass
class Clock:
    now: float = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path, clock) -> Outbox:
    return Outbox(tmp_path / "new" / "w.alerts.sqlite", clock)


def reopened(outbox: Outbox) -> Outbox:
    return Outbox(outbox.path, outbox.clock)


def test_a_cause_is_taken_once_over_restarts_and_after_delivery(outbox):
    assert outbox.add([ONE, ONE, TWO], ["webhook", "email"], {}) == 2
    assert reopened(outbox).add([ONE], ["webhook"], {}) == 0
    assert outbox.claim("webhook") == {"one": ONE, "two": TWO}
    outbox.delivered("webhook", ["one", "two"])
    assert reopened(outbox).add([ONE, TWO], ["webhook"], {}) == 0
    assert reopened(outbox).claim("webhook") == {}
    # The other channel has its own state.
    assert list(reopened(outbox).claim("email")) == ["one", "two"]


def test_what_is_claimed_is_nobody_elses_until_the_claim_ends(outbox, clock):
    outbox.add([ONE], ["webhook"], {})
    assert outbox.claim("webhook")
    assert not reopened(outbox).claim("webhook")
    clock.now += CLAIM_SECONDS
    assert reopened(outbox).claim("webhook")


def test_it_is_tried_again_after_longer_and_longer_and_given_up_after_a_week(outbox, clock):
    outbox.add([ONE], ["webhook"], {})
    waits, given_up = [], []
    while not given_up:
        assert outbox.claim("webhook")
        given_up = outbox.failed("webhook", ["one"], "it answered 500")
        if not given_up:
            (waiting,) = outbox.waiting()
            waits.append(waiting.due_at - clock.now)
            clock.now = waiting.due_at - 1
            assert not reopened(outbox).claim("webhook")
            clock.now += 1
    assert waits[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(waits[8:]) == {3600}
    assert sum(waits) >= 7 * DAY
    assert outbox.waiting() == []
    clock.now += DAY
    assert not outbox.claim("webhook")


def test_one_that_is_always_refused_holds_up_no_other(outbox, clock):
    outbox.add([ONE, TWO], ["webhook"], {})
    outbox.claim("webhook")
    outbox.failed("webhook", ["one"], "it answered 400")
    outbox.released("webhook", ["two"])
    clock.now += 3600
    assert list(outbox.claim("webhook")) == ["two", "one"]


def test_old_alerts_are_forgotten(outbox, clock):
    outbox.add([ONE], ["webhook"], {})
    clock.now += 91 * DAY
    outbox.add([], [], {})
    assert outbox.waiting() == []


def test_the_file_is_its_owners_alone(outbox):
    outbox.add([ONE], ["webhook"], {})
    assert stat.S_IMODE(outbox.path.stat().st_mode) == 0o600


def test_a_damaged_file_is_an_error_that_says_what_to_do(outbox):
    outbox.path.parent.mkdir()
    outbox.path.write_text("not a database, but long enough to look at" * 100)
    with pytest.raises(UserError, match="may be deleted"):
        outbox.waiting()


ADD_AND_CLAIM = """
import sys
from pathlib import Path
from customer_segments.alerts.message import Alert, Level
from customer_segments.alerts.outbox import Outbox

outbox = Outbox(Path(sys.argv[1]))
causes = [Alert(f"cause {number}", Level.ERROR, "It failed") for number in range(150)]
outbox.add(causes, ["webhook"], {})
print("ready", flush=True)
sys.stdin.readline()
claimed = outbox.claim("webhook")
for key in claimed:
    print(key)
outbox.delivered("webhook", claimed)
"""


def test_several_processes_deliver_each_cause_once(outbox):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_AND_CLAIM, str(outbox.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    told = [line for lines in said for line in lines if line]
    assert sorted(told) == sorted(f"cause {number}" for number in range(150))
    with sqlite3.connect(outbox.path) as con:
        assert con.execute("SELECT count(*) FROM alerts").fetchone() == (150,)
