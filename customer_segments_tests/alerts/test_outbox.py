"""The outbox: each cause once a channel, tried again later and later, over processes and kills."""

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_segments.alerts import outbox
from customer_segments.alerts.outbox import Alert
from customer_segments.errors import UserError
from customer_segments_tests.alerts.conftest import time_passes

ONE, TWO = (Alert(key, "ERROR", f"Title of {key}", "Said", "/runs") for key in ("one", "two"))
DAY = 86_400


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "new" / "w.alerts.sqlite"


def test_a_cause_is_told_once_on_each_channel(path):
    outbox.add(path, [ONE, ONE, TWO], ["Slack", "E-Mail"])
    outbox.add(path, [ONE], ["Slack"])
    assert outbox.take(path, "Slack") == [ONE, TWO]
    assert outbox.take(path, "Slack") == [], "it is another one's to send"
    outbox.settle(path, "Slack", [ONE, TWO], "")
    time_passes(path, DAY)
    outbox.add(path, [ONE, TWO], ["Slack"])
    assert outbox.take(path, "Slack") == []
    assert outbox.take(path, "E-Mail") == [ONE, TWO]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_killed_sender_took_is_tried_again(path):
    outbox.add(path, [ONE], ["Slack"])
    assert outbox.take(path, "Slack") == [ONE]
    (row,) = outbox.waiting(path)
    assert (row["attempts"], row["error"]) == (1, "no answer")
    time_passes(path, 30)
    assert outbox.take(path, "Slack") == [ONE]


def test_it_is_tried_again_after_longer_and_longer_and_given_up_after_a_week(path, caplog):
    outbox.add(path, [ONE], ["Slack"])
    waits = []
    for _ in range(9):
        assert outbox.take(path, "Slack") == [ONE]
        outbox.settle(path, "Slack", [ONE], "error=500")
        (row,) = outbox.waiting(path)
        assert row["error"] == "error=500"
        waits.append(round(row["due_at"] - time.time()))
        time_passes(path, waits[-1] - 2)
        assert outbox.take(path, "Slack") == []
        time_passes(path, 2)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert sum(waits[:7]) + 3600 * (outbox.MAX_ATTEMPTS - 7) >= 7 * DAY
    with sqlite3.connect(path) as con:
        con.execute("UPDATE messages SET attempts = ?", (outbox.MAX_ATTEMPTS - 1,))
    assert outbox.take(path, "Slack") == [ONE]
    time_passes(path, 3600)
    assert not caplog.messages
    assert outbox.take(path, "Slack") == []
    assert caplog.messages == ["Not told by Slack in a week, given up: Title of one"]
    assert outbox.waiting(path) == []


def test_one_that_is_always_refused_holds_up_no_other(path):
    outbox.add(path, [ONE], ["Slack"])
    assert outbox.take(path, "Slack") == [ONE]
    outbox.settle(path, "Slack", [ONE], "error=400")
    outbox.add(path, [TWO], ["Slack"])
    time_passes(path, 30)
    assert [outbox.take(path, "Slack") for _ in range(3)] == [[TWO], [ONE], []]


def test_old_alerts_are_forgotten(path):
    outbox.add(path, [ONE], ["Slack"])
    time_passes(path, 91 * DAY)
    outbox.add(path, [], [])
    assert outbox.waiting(path) == []


def test_a_damaged_file_is_an_error_that_says_what_to_do(path):
    path.parent.mkdir()
    path.write_text("not a database, but long enough to look at" * 100)
    with pytest.raises(UserError, match="may be deleted"):
        outbox.waiting(path)


ADD_AND_TAKE = """
import sys
from pathlib import Path
from customer_segments.alerts import outbox
from customer_segments.alerts.outbox import Alert

path = Path(sys.argv[1])
causes = [Alert(f"cause {number}", "ERROR", "It failed", "", "/runs") for number in range(150)]
outbox.add(path, causes, ["Slack"])
print("ready", flush=True)
sys.stdin.readline()
taken = outbox.take(path, "Slack")
for alert in taken:
    print(alert.key)
outbox.settle(path, "Slack", taken, "")
"""


def test_several_processes_deliver_each_cause_once(path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_AND_TAKE, str(path)],
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
