"""A warehouse of its own for each test."""

from pathlib import Path

import pytest

from customer_segments.storage import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb", lock_timeout_seconds=60)
