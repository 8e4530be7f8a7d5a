"""What the machine found, or would have: each fault once, by name."""

from datetime import date
from pathlib import Path

import pytest

from customer_segments.covering import load_months
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World


@pytest.fixture
def young(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
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
def test_snapshots_end_with_the_newest_month_that_has_data(young):
    """A month that nobody bought in had none when the next month came, or kept its own."""
    shop.deliver(young.source, 3)  # March is left out.
    young.run()
    assert shop.month(2) in young.state.filled("customer_rfm")
    (young.source / "2010-04.csv").unlink()
    young.run()
    assert young.state.filled("customer_rfm") == [shop.month(0), shop.month(1)]
    shop.deliver(young.source, 4)
    young.today = date(2010, 6, 10)
    run(young)


@pytest.mark.slow  # test_checks has which months wait
def test_a_month_is_asked_for_while_one_before_it_waits(young):
    """The value of months between them was held against lines that no snapshot had yet."""
    shop.deliver(young.source, 2)
    young.run()
    shop.correct(young.source, 0, 1, 0)
    young.run(f"{shop.month(2):%Y-%m}")
    run(young)


@pytest.mark.slow  # test_months has the months, test_settling what becomes of the rows
def test_months_are_those_of_the_files_that_are_there(young):
    """Rows of before all months went to the first month that was ever covered."""
    shop.misread(young.source, 1)
    young.run()
    (young.source / "2010-01.csv").unlink()
    run(young)
    assert load_months(young.settings, young.today).first == shop.month(1)


@pytest.mark.slow  # the agenda's table has the decision
def test_rules_that_change_when_months_have_gone_are_read_once(young):
    """Lines of months that raw rows had once named the rules of then, and were due for ever."""
    (young.source / "2010-01.csv").unlink()
    young.run()
    young.set_bounds(last_month="2010-02")
    run(young)
