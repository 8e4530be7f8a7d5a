"""A live shop: a workbook a month up to last month, and the daemon that watches its folder."""

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


@pytest.fixture
def daemon(installed: Settings, instance: dg.DagsterInstance) -> Daemon:
    """A daemon over a shop of 14 months, the last one missing yet, all of it scored."""
    deliver(installed.source_dir, range(14, 1, -1))
    daemon = Daemon(installed, instance)
    assert daemon.tick("new_workbooks").runs == [("ingest", None, None)]
    daemon.reload()
    daemon.until_quiet()
    return daemon
