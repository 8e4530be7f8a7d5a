"""An installation whose files, rules, clock, process and champion a test may change at will.

Belongs here: what can be done to it, and the comparison with a rebuild. Does not: which of it
is done, in which order (``test_machine``).
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from customer_segments.automation.agenda import of_run
from customer_segments.automation.facts import look
from customer_segments.automation.jobs import RANGE_TAGS, months_tags
from customer_segments.commands import run as commands
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model.exchange import export_version, import_version
from customer_segments.policy.rules import Source
from customer_segments.private import make_folder, write_text
from customer_segments.settings import Settings
from customer_segments.shown import report_path, state_of
from customer_segments.storage import dagster_metadata
from customer_segments.storage.state import State
from customer_segments.storage.warehouse import Warehouse
from customer_segments.tables import KMEANS_MODEL
from customer_segments_tests.automation.daemon import Daemon
from customer_segments_tests.installations import defs_of, install, unchecked

TABLES = (
    *("raw_transactions", "cleaned_transactions", "rejected_transactions", "customer_rfm"),
    *("customer_segments", "segment_migration", "segment_profiles", "customer_value"),
)
# A small shop can be fitted; no resamples, which decide no row.
RULES: dict[str, dict] = {
    "source": {"time_zone": "UTC"},
    "model": {"min_customers": 5, "min_months": 2, "n_clusters": 2},
    "selection": {"resamples": 0},
    "gate": {"bootstrap_resamples": 1},
}


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


class QuietDaemon(Daemon):
    """A daemon whose reports are a mark alone: drawing takes longer than all the rest."""

    def start(self, job: str, tags: dict[str, str], run_config: dict | None = None) -> None:
        ends = [date.fromisoformat(tags[name]) for name in RANGE_TAGS if name in tags]
        with suppress(Exception):  # It is in the instance that the run failed.
            _launch(self.instance, self.settings, tags=tags)(job, tuple(ends) or None, run_config)


class World:
    """The installation.

    Parameters
    ----------
    folder
        Empty, or of a world that was.
    patch
        Undone by whoever made it.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, today: date = date(2010, 4, 10)):
        (folder / "source").mkdir(parents=True, exist_ok=True)
        self.folder, self.patch, self.today = folder, patch, today
        self.settings = install(folder, folder / "source")
        self.rules = {section: dict(values) for section, values in RULES.items()}
        self.set_rule("source", "time_zone", "UTC")
        self.kill_at: tuple[int, str] | None = None
        patch.setattr(Source, "today", lambda _: self.today)
        patch.setattr(commands, "launcher", self._launcher)
        # Which decides no row, and takes a tenth of a run.
        patch.setattr(dagster_metadata, "column_lineage", lambda _: None)
        self._watch_writes()
        self.forget_events()

    @property
    def source(self) -> Path:
        return self.settings.source_dir

    @property
    def installed(self) -> Installation:
        return Installation.of(self.settings)

    @property
    def state(self) -> State:
        return self.installed.warehouse.state()

    def versions(self) -> list[str]:
        """Return the model versions that the warehouse holds."""
        return sorted(set(self.installed.warehouse.load(KMEANS_MODEL)["version"]))

    def forget_events(self) -> None:
        """Begin with an empty instance, as after a loss of Dagster's folder."""
        self.instance = dg.DagsterInstance.ephemeral()
        self.daemon = QuietDaemon(self.settings, self.instance)

    def set_rule(self, section: str, key: str, value: object) -> None:
        """Write a rule into the policy's file; ``None`` takes it out."""
        self.rules.setdefault(section, {})[key] = value
        lines = []
        for name, values in self.rules.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {_toml(v)}" for key, v in values.items() if v is not None]
        self.settings.config.write_text("\n".join(lines))

    def set_bounds(self, **bounds: str | None) -> None:
        """Set first and last month in the environment."""
        self.settings = self.settings.model_copy(update=bounds)
        self.daemon.settings = self.settings
        self.daemon.reload()

    def run(self, months: str | None = None) -> None:
        """Start ``customer-segments run``.

        Raises
        ------
        UserError
            As it does.
        """
        with self._dying():
            if failed := commands.run(self.installed, months):
                raise failed

    def launch(self, job: str, months: tuple[date, date] | None = None, **named) -> None:
        """Run one job alone, as the UI's button does."""
        _launch(self.instance, self.settings)(job, months, **named)

    def refit(self, **config) -> None:
        """Start ``customer-segments refit``."""
        with self._dying():
            commands.decide(self.installed, "refit", kmeans_model=config)

    def promote(self, version: str) -> None:
        """Start ``customer-segments promote``."""
        with self._dying():
            choice = {"version": version, "reason": ""}
            commands.decide(self.installed, "promote", champion_model=choice)

    def import_model(self, text: str, *, promote: bool) -> None:
        """Start ``customer-segments models import``."""
        with self._dying():
            import_version(self.installed.warehouse, text, promote=promote)

    def tick_until_quiet(self) -> None:
        """Have the daemon do what is due, reloading where it asks for it."""
        with self._dying():
            self.daemon.reload()
            while self.daemon.tick().runs:
                # New months of a code location that is loaded.
                self.daemon.reload()

    def is_quiet(self) -> bool:
        """Tell whether nothing is due but offers, which a run does not make, by a fresh look."""
        return not of_run(look(self.installed))

    def differences(self) -> dict[str, list[tuple]]:
        """Return the rows in which this warehouse differs from a rebuild, by table."""
        folder = self.folder / "rebuilt"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        rebuilt = self.settings.model_copy(
            update={"warehouse": folder / "warehouse.duckdb", "reports_dir": folder / "reports"}
        )
        installed = Installation.of(rebuilt)
        import_version(installed.warehouse, export_version(self.installed.warehouse))
        with dg.DagsterInstance.ephemeral() as instance:
            _launch(instance, rebuilt, checks=False)("ingest")
            installed = installed.renewed()
            read = installed.warehouse.state().filled("raw_transactions")
            months = installed.months.clip(read[0], read[-1])
            _launch(instance, rebuilt, checks=False)("score", months)
        return compared(self.settings.warehouse_path, rebuilt.warehouse_path)

    def kill(self, write: int, when: str) -> None:
        """Have the next command die at one of its writes.

        Parameters
        ----------
        write
            Which one, from 1.
        when
            ``before`` it, ``inside`` it (nothing is committed), before its ``state`` is written
            down beside the warehouse, or ``after`` it.
        """
        self.kill_at = write, when

    def _watch_writes(self) -> None:
        writing, save = Warehouse.writing, State.save

        @contextmanager
        def watched(warehouse: Warehouse) -> Iterator:
            self._pass("before")
            with writing(warehouse) as con:
                yield con
                self._pass("inside")
            self._pass("after")
            self._count()

        def saved(state: State, path: Path) -> None:
            self._pass("state")
            save(state, path)

        self.patch.setattr(Warehouse, "writing", watched)
        self.patch.setattr(State, "save", saved)

    def _pass(self, where: str) -> None:
        if self.kill_at == (1, where):
            self.kill_at = None
            raise Killed

    def _count(self) -> None:
        if self.kill_at:
            self.kill_at = self.kill_at[0] - 1, self.kill_at[1]

    @contextmanager
    def _dying(self) -> Iterator[None]:
        """Leave nothing behind that says a killed process goes on."""
        try:
            yield
        except Killed:
            for run in self.instance.get_runs():
                if not run.is_finished:
                    self.instance.report_run_failed(run, "Killed.")
        finally:
            self.kill_at = None

    @contextmanager
    def _launcher(self, installed: Installation) -> Iterator[Callable]:
        yield _launch(self.instance, installed.settings)


def _launch(
    instance: dg.DagsterInstance,
    settings: Settings,
    *,
    checks: bool = True,
    tags: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """Return what runs a job as the command does, but with reports that are a mark alone."""

    def launch(job: str, months: tuple[date, date] | None = None, config=None) -> None:
        if job == "report":
            assert months
            write_marks(settings, *months)
            return
        defs = defs_of(settings)
        if not checks:
            defs = unchecked(defs, job)
        try:
            defs.resolve_job_def(job).execute_in_process(
                instance=instance,
                tags=dict(tags or {}) | (months_tags(*months) if months else {}),
                run_config={"loggers": {"silent": {}}} | (config or {}),
            )
        except dg.DagsterError as error:
            raise UserError(f"The run of {job} stopped: {error}") from error

    return launch


def write_marks(settings: Settings, first: date, last: date) -> None:
    """Write a report that is nothing but what it was made from."""
    installed = Installation.of(settings)
    state, today = installed.warehouse.state(), installed.months.today
    share = installed.policy.campaigns.control_share
    for month in state.filled("customer_segments"):
        if first <= month <= last:
            path = report_path(settings.reports_path, month)
            make_folder(path.parent)
            mark = state_of(state, month, today, share)
            write_text(path, f'<meta name="state" content="{mark}">')


def compared(one: Path, other: Path) -> dict[str, list[tuple]]:
    """Return rows by table that stand in one of two warehouses only, with its number."""
    found = {}
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{one}' AS a (READ_ONLY)")
        con.execute(f"ATTACH '{other}' AS b (READ_ONLY)")
        for table in TABLES:
            pairs = [(1, "a", "b"), (2, "b", "a")]
            rows = [
                (number, *row)
                for number, left, right in pairs
                for row in con.execute(
                    f"FROM {left}.{table} EXCEPT ALL FROM {right}.{table} ORDER BY ALL LIMIT 5"
                ).fetchall()
            ]
            if rows:
                found[table] = rows
    return found


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(v)}' for key, v in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else f"'{value}'"
