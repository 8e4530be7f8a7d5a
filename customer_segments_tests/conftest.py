"""Fixtures that several stages use: installations in temporary folders, run for real."""

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import Settings, project_root
from customer_segments_tests import console, uci, watched
from customer_segments_tests.browser import browser as browser
from customer_segments_tests.installations import execute, install
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World
from customer_segments_tests.remembered import remember

# The same examples each time, so that nobody's commit is red for what another one broke; and no
# explanation of a failure, which can take longer than the suite.
UNEXPLAINED = set(Phase) - {Phase.explain}
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, max_examples=40, phases=UNEXPLAINED
)
# Of `make faults`: others each time.
hypothesis_settings.register_profile("long", deadline=None, max_examples=400, phases=UNEXPLAINED)
hypothesis_settings.load_profile("suite")

# Two processes on two cores: the threads of a BLAS of its own in each reader of a workbook would
# take a quarter of its time, and do nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Threads of OpenMP, which scikit-learn brings, wait for work by turning in circles: on busy cores
# that is nine tenths of a small fit.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Free memory that temporary warehouses may take.
RAM_DISK, ENOUGH_BYTES = Path("/dev/shm"), 4_000_000_000


def pytest_configure(config: pytest.Config) -> None:
    """Put temporary folders into memory where there is a disk of it.

    DuckDB and Dagster's SQLite wait for the disk at each commit: half of the suite's time.
    """
    is_worker = hasattr(config, "workerinput")
    if config.option.basetemp or is_worker or not os.access(RAM_DISK, os.W_OK):
        return
    if shutil.disk_usage(RAM_DISK).free > ENOUGH_BYTES:
        config.option.basetemp = Path(tempfile.mkdtemp(prefix="pytest-", dir=RAM_DISK), "all")


# Files of a quarter of a minute each, and more; first those that make what others wait for.
LONGEST = (
    *("test_lineage.py", "test_rules.py", "test_cli.py", "test_cases.py", "test_champion.py"),
    *("test_browser.py", "test_daemon.py", "test_database.py", "test_bombs.py"),
    *("test_contacts.py", "test_webserver.py", "test_doubts.py", "test_settling.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, lest one process ends with one and the other with nothing."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """Spare the libraries' million objects the search for garbage: a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    # As the command has it.
    gc.set_threshold(1_000_000, 20, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the memory back, and look for garbage once: pytest would five times."""
    gc.collect()
    gc.freeze()
    folder = config.option.basetemp and Path(config.option.basetemp).parent
    if folder and folder.parent == RAM_DISK and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def expressions_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


REAL_WORKBOOK = project_root().parent / "shared/data/online_retail_II.xlsx"


@pytest.fixture(scope="session")
def real_workbook() -> Path:
    if not REAL_WORKBOOK.is_file():
        pytest.skip(f"the real workbook is not at {REAL_WORKBOOK}")
    return REAL_WORKBOOK


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id: str) -> Path:
    """A folder of this session that all its test processes know."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def real_warehouse(real_workbook: Path, shared_folder: Path) -> Settings:
    """The real workbook, ingested and fully refreshed over its 25 months; not to be changed.

    ``largest.json`` has how many rows left the engine at once meanwhile.
    """
    folder = shared_folder / "real"
    largest = folder / "largest.json"
    with FileLock(f"{folder}.lock"):
        settings = install(folder, real_workbook.parent)
        settings.config.write_text(uci.RULES)
        if not largest.exists():
            with watched.results() as found:
                execute(settings, "ingest")
                covered = Installation.of(settings).months
                execute(settings, "full_refresh", covered.first, covered.last)
            largest.write_text(json.dumps(found))
    return settings


@pytest.fixture(scope="session")
def uci_warehouse(request: pytest.FixtureRequest, shared_folder: Path) -> Settings:
    """UCI's customers from ``customer_rfm`` on: of the real workbook, or of what is committed."""
    if REAL_WORKBOOK.is_file():
        return request.getfixturevalue("real_warehouse")
    folder = shared_folder / "uci"
    with FileLock(f"{folder}.lock"):
        done = (folder / "warehouse.duckdb.months.json").exists()
        return install(folder, source_dir=folder) if done else uci.labelled(folder)


@pytest.fixture(scope="session")
def sample_warehouse(shared_folder: Path) -> Settings:
    """The bundled sample after a first ``run``, whose output is ``said.txt``; not to be changed."""
    folder = shared_folder / "sample"
    said = folder / "said.txt"
    with FileLock(f"{folder}.lock"):
        settings = install(folder, console.SAMPLE)
        if not said.exists():
            done = console.start(folder, "run")
            assert done.returncode == 0, done.stderr
            said.write_text(done.stdout)
    return settings


@pytest.fixture(scope="session")
def labelled_shop(shared_folder: Path) -> Path:
    """The folder of a tiny shop of three months, all labelled, the newest reported.

    As the daemon made it of three files; the runs that it started are in ``ran.json``.
    """
    folder = shared_folder / "shop"
    ran = folder / "ran.json"
    with FileLock(f"{folder}.lock"), pytest.MonkeyPatch.context() as patch:
        if not ran.exists():
            world = World(folder, patch)
            for index in range(3):
                shop.deliver(world.source, index)
            runs = world.daemon.tick().runs
            for _ in range(2):
                with pytest.raises(UserError, match="Reload it"):
                    world.daemon.tick()
            world.daemon.reload()
            ran.write_text(json.dumps(runs + world.daemon.until_quiet()))
    return folder


@pytest.fixture
def world(labelled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of that shop, which a test may change; Dagster knows nothing of its past."""
    return World(shutil.copytree(labelled_shop, tmp_path / "world"), monkeypatch)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Settings], Settings]:
    """Copy an installation, so that a test may change it."""

    def copy(original: Settings) -> Settings:
        settings = install(tmp_path / "copy", source_dir=original.source_dir)
        settings.warehouse_path.write_bytes(original.warehouse_path.read_bytes())
        settings.months_path.write_bytes(original.months_path.read_bytes())
        if original.serving_path.exists():
            shutil.copytree(original.serving_path.parent, settings.serving_path.parent)
        return settings

    return copy
