"""Whatever happens between two runs: when nothing is due, all tables are those of a rebuild.

Files come, change and go, rules and bounds change, the clock moves on, processes die, models
are fitted, imported and promoted, events are lost; the daemon or the command does what is due.
"""

import re
import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from customer_segments.errors import UserError
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World

MONTHS = st.integers(0, 5)
SEEDS = st.integers(0, 2)
CLEANING = [
    *(("drop_credit_notes", True), ("drop_repeated_lines", True), ("drop_non_products", False)),
    *(("drop_missing_customer", False), ("product_pattern", "^[0-9]{5}$")),
    *(("non_products", {"ZEBRA": "A zebra"}), ("drop_overlapping_invoices", False)),
]
# What a command may say to a user in these worlds; anything else is a fault.
EXPECTED = re.compile(
    "not one row of transactions|by .model. it takes|no complete month to train on|"
    "is in the future|(is|are) not (all )?covered|There is no model version|holds no .* file|"
    "customer_rfm .none at all.|is after LAST_MONTH|has no rows|reads customer_rfm, which the ware"
)


class Machine(RuleBasedStateMachine):
    @initialize(imported=st.booleans(), months=st.integers(2, 4))
    def open_shop(self, imported: bool, months: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(mkdtemp(prefix="machine-"))
        self.world = World(self.folder / "world", self.patch)
        for index in range(months):
            shop.deliver(self.world.source, index)
        if imported:
            self.world.import_model(shop.model(2), promote=False)

    @rule(index=MONTHS, seed=SEEDS)
    def file_comes_or_changes(self, index: int, seed: int) -> None:
        shop.deliver(self.world.source, index, seed)

    @rule(index=MONTHS, seed=SEEDS, to=MONTHS)
    def correction_comes(self, index: int, seed: int, to: int) -> None:
        shop.correct(self.world.source, index, seed, to)

    @rule(index=MONTHS)
    def misread_dates_come(self, index: int) -> None:
        shop.misread(self.world.source, index)

    @rule(index=MONTHS)
    def file_is_emptied(self, index: int) -> None:
        shop.put(self.world.source / f"{shop.month(index):%Y-%m}.csv", [])

    @rule(data=st.data())
    def file_goes(self, data) -> None:
        files = sorted(self.world.source.iterdir())
        if len(files) > 1:
            data.draw(st.sampled_from(files)).unlink()

    @rule(switch=st.sampled_from(CLEANING), is_on=st.booleans())
    def cleaning_changes(self, switch: tuple[str, object], is_on: bool) -> None:
        self.world.set_rule("cleaning", switch[0], switch[1] if is_on else None)

    @rule(months=st.sampled_from([None, 1, 2]))
    def window_changes(self, months: int | None) -> None:
        self.world.set_rule("rfm", "window_months", months)

    @rule(index=st.none() | st.integers(-1, 3))
    def first_month_is_set(self, index: int | None) -> None:
        self.world.set_bounds(first_month=None if index is None else f"{shop.month(index):%Y-%m}")

    @rule(index=st.none() | st.integers(2, 7))
    def last_month_is_set(self, index: int | None) -> None:
        self.world.set_bounds(last_month=None if index is None else f"{shop.month(index):%Y-%m}")

    @rule(days=st.integers(1, 40))
    def time_goes_by(self, days: int) -> None:
        self.world.today += timedelta(days=days)

    @rule(clusters=st.sampled_from([2, 3]), promote=st.booleans())
    def model_is_imported(self, clusters: int, promote: bool) -> None:
        self.world.import_model(shop.model(clusters), promote=promote)

    @precondition(lambda self: self.world.state.champion)
    @rule(clusters=st.sampled_from([2, 3]), seed=st.sampled_from([1, 2]))
    def model_is_fitted_again(self, clusters: int, seed: int) -> None:
        if self._started(lambda: self.world.refit(n_clusters=clusters, seed=seed)):
            self._is_as_rebuilt()

    @rule(data=st.data())
    def model_is_promoted(self, data) -> None:
        versions = self.world.versions()
        if versions:
            version = data.draw(st.sampled_from(versions))
            if self._started(lambda: self.world.promote(version)):
                self._is_as_rebuilt()

    @rule()
    def events_are_lost(self) -> None:
        self.world.forget_events()

    @rule()
    def state_file_is_lost(self) -> None:
        self.world.installed.warehouse.state_path.unlink(missing_ok=True)

    @rule(write=st.integers(1, 20), when=st.sampled_from(["before", "inside", "state", "after"]))
    def command_is_killed(self, write: int, when: str) -> None:
        self.world.kill(write, when)
        self._started(self.world.run)

    @rule(index=MONTHS)
    def months_are_asked_for(self, index: int) -> None:
        self._started(lambda: self.world.run(f"{shop.month(index):%Y-%m}"))

    @rule()
    def daemon_ticks(self) -> None:
        if self._started(self.world.tick_until_quiet) and self.world.is_quiet():
            self._is_as_rebuilt()

    @rule()
    def command_runs(self) -> None:
        if self._started(self.world.run):
            self._is_as_rebuilt()

    def teardown(self) -> None:
        try:
            if hasattr(self, "world") and self._started(self.world.run):
                self._is_as_rebuilt()
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _started(self, command) -> bool:
        """Run a command; tell whether it came to its end."""
        try:
            command()
        except UserError as error:
            if not EXPECTED.search(str(error)):
                raise
            return False
        return True

    def _is_as_rebuilt(self) -> None:
        assert self.world.is_quiet()
        if self.world.state.champion:
            assert self.world.differences() == {}


@pytest.mark.slow  # of its faults test_found kills, test_rules changes rules, test_daemon files
class TestMachine(Machine.TestCase):
    settings = settings(
        max_examples=40,
        stateful_step_count=12,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
