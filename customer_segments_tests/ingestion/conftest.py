"""An installation of its own for each test, with an empty source folder."""

from pathlib import Path

import pytest

from customer_segments.settings import Settings
from customer_segments_tests.installations import install


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    source = tmp_path / "source"
    source.mkdir()
    return install(tmp_path, source_dir=source)
