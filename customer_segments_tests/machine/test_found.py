"""What the machine found, or would have: each fault once, by name."""

from datetime import date
from pathlib import Path

import pytest

from customer_segments.covering import load_months
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A shop of two months, labelled by a model that it was given."""
    world = World(tmp_path / "world", monkeypatch)
    for index in range(2):
        shop.deliver(world.source, index)
    world.import_model(shop.model(2), promote=False)
    world.run()
    return world


def run(world: World) -> None:
    world.run()
    assert world.is_quiet()
    assert world.differences() == {}


@pytest.mark.slow  # the agenda's table has the decision
def test_snapshots_end_with_the_newest_month_that_has_data(world):
    """A month that nobody bought in had none when the next month came, or kept its own."""
    shop.deliver(world.source, 3)  # March is left out.
    world.run()
    assert shop.month(2) in world.state.filled("customer_rfm")
    (world.source / "2010-04.csv").unlink()
    world.run()
    assert world.state.filled("customer_rfm") == [shop.month(0), shop.month(1)]
    shop.deliver(world.source, 4)
    world.today = date(2010, 6, 10)
    run(world)


@pytest.mark.slow  # test_months has the months, test_settling what becomes of the rows
def test_months_are_those_of_the_files_that_are_there(world):
    """Rows of before all months went to the first month that was ever covered."""
    shop.misread(world.source, 1)
    world.run()
    (world.source / "2010-01.csv").unlink()
    run(world)
    assert load_months(world.settings, world.today).first == shop.month(1)


@pytest.mark.slow  # the agenda's table has the decision
def test_rules_that_change_when_months_have_gone_are_read_once(world):
    """Lines of months that raw rows had once named the rules of then, and were due for ever."""
    (world.source / "2010-01.csv").unlink()
    world.run()
    world.set_bounds(last_month="2010-02")
    run(world)
