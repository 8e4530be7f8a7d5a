"""Fixtures that several stages use: installations in temporary folders, run for real."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from customer_segments.installation import Installation
from customer_segments.settings import Settings, project_root
from customer_segments_tests import uci
from customer_segments_tests.installations import execute, install

# The same examples each time, so that nobody's commit is red for what another one broke; and no
# explanation of a failure, which can take longer than the suite.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, phases=set(Phase) - {Phase.explain}
)
hypothesis_settings.load_profile("suite")

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


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the memory back."""
    folder = config.option.basetemp and Path(config.option.basetemp).parent
    if folder and folder.parent == RAM_DISK and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)


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
    """The real workbook, ingested and fully refreshed over its 25 months; not to be changed."""
    return refreshed_once(shared_folder / "real", real_workbook.parent)


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
    """The bundled sample, ingested and fully refreshed over its 24 months; not to be changed."""
    return refreshed_once(shared_folder / "sample", project_root() / "data/sample")


def refreshed_once(folder: Path, source_dir: Path) -> Settings:
    """Return an installation with all months labelled, made by the process that comes first."""
    done = folder / "done"
    with FileLock(f"{folder}.lock"):
        settings = install(folder, source_dir)
        if not done.exists():
            execute(settings, "ingest")
            covered = Installation.of(settings).months
            execute(settings, "full_refresh", covered.first, covered.last)
            done.touch()
    return settings


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Settings], Settings]:
    """Copy an installation, so that a test may change it."""

    def copy(original: Settings) -> Settings:
        settings = install(tmp_path / "copy", source_dir=original.source_dir)
        settings.warehouse_path.write_bytes(original.warehouse_path.read_bytes())
        settings.months_path.write_bytes(original.months_path.read_bytes())
        return settings

    return copy
