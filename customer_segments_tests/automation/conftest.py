"""A tiny shop with a daemon that watches its folder, its clock in the test's hand."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from customer_segments.settings import Settings
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
