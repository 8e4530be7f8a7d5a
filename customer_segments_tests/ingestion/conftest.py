"""Installations of their own for each test, with an empty source folder or a database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_segments.settings import Settings
from customer_segments_tests.ingestion.postgres import Server, programs, server
from customer_segments_tests.installations import install


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    source = tmp_path / "source"
    source.mkdir()
    return install(tmp_path, source_dir=source)


@pytest.fixture(scope="session")
def database() -> Iterator[Server]:
    """A PostgreSQL server, started once."""
    found = programs()
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with server(found) as running:
        yield running
