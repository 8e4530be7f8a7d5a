"""A live shop: a workbook a month up to last month, and the daemon that watches its folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from customer_segments.settings import Settings
from customer_segments_tests.automation.daemon import Daemon
from customer_segments_tests.automation.shop import deliver
from customer_segments_tests.installations import install


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    source = tmp_path / "source"
    source.mkdir()
    return install(tmp_path, source_dir=source)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def scored_shop(tmp_path_factory) -> Path:
    """A folder with a shop of 14 months, the last one missing yet, all of it scored."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "source").mkdir()
    (folder / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance:
        daemon = Daemon(install(folder, source_dir=folder / "source"), instance)
        deliver(daemon.settings.source_dir, range(14, 1, -1))
        assert daemon.tick("new_workbooks").runs == [("ingest", None, None)]
        daemon.reload()
        daemon.until_quiet()
    (folder / "daemon.json").write_text(daemon.to_json())
    return folder


@pytest.fixture
def daemon(scored_shop: Path, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon over a copy of that shop, which a test may change."""
    folder = tmp_path / "shop"
    shutil.copytree(scored_shop, folder)
    with dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance:
        daemon = Daemon(install(folder, source_dir=folder / "source"), instance)
        daemon.remember((folder / "daemon.json").read_text())
        yield daemon
