"""Fixtures that several stages use: installations in temporary folders, run for real."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from customer_segments import months
from customer_segments.settings import Settings, project_root
from customer_segments_tests.installations import execute, install

# The same examples each time, so that nobody's commit is red for what another one broke; and no
# explanation of a failure, which can take longer than the suite.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, phases=set(Phase) - {Phase.explain}
)
hypothesis_settings.load_profile("suite")

REAL_WORKBOOK = project_root().parent / "shared/data/online_retail_II.xlsx"


@pytest.fixture(scope="session")
def real_workbook() -> Path:
    if not REAL_WORKBOOK.is_file():
        pytest.skip(f"the real workbook is not at {REAL_WORKBOOK}")
    return REAL_WORKBOOK


@pytest.fixture(scope="session")
def real_warehouse(real_workbook: Path, tmp_path_factory) -> Settings:
    """The real workbook, ingested and fully refreshed over its 25 months; not to be changed."""
    settings = install(tmp_path_factory.mktemp("real"), source_dir=real_workbook.parent)
    execute(settings, "ingest")
    covered = months.load(settings)
    execute(settings, "full_refresh", covered.first, covered.last)
    return settings


@pytest.fixture(scope="session")
def sample_warehouse(tmp_path_factory) -> Settings:
    """The bundled sample, ingested and fully refreshed over its 24 months; not to be changed."""
    settings = install(tmp_path_factory.mktemp("sample"), source_dir=project_root() / "data/sample")
    execute(settings, "ingest")
    covered = months.load(settings)
    execute(settings, "full_refresh", covered.first, covered.last)
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
