"""Installations with a small warehouse in them."""

from pathlib import Path

import pytest

from customer_segments.installation import Installation
from customer_segments.storage import Warehouse
from customer_segments_tests.installations import install
from customer_segments_tests.storage.samples import (
    CLEANED,
    FEBRUARY,
    JANUARY,
    MODEL,
    RAW,
    arrow,
    cleaned_row,
    raw_row,
)

MONTHS = '{"first": "2011-01-01", "last": "2011-02-01", "is_open": false}\n'


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    """A small warehouse of two months with a file of months, and nobody who holds it."""
    settings = install(tmp_path / "installed", source_dir=tmp_path)
    small = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    small.publish(RAW, arrow(RAW, [raw_row(1), raw_row(2), raw_row(3, FEBRUARY)]))
    lines = arrow(CLEANED, [cleaned_row(1), cleaned_row(2), cleaned_row(3, FEBRUARY)])
    small.publish(CLEANED, lines, months=(JANUARY, FEBRUARY))
    small.publish(MODEL, arrow(MODEL, [{"model_version": "a", "cluster": 0, "centre": 0.5}]))
    settings.months_path.write_text(MONTHS)
    return Installation.of(settings)


def everything(path: Path) -> dict[str, list[tuple]]:
    """Return all rows of all tables of a DuckDB file, and how the tables are declared."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        held = {
            name: connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall()
            for (name,) in names
        }
        declared = connection.execute(
            "SELECT table_name, sql, comment FROM duckdb_tables() ORDER BY 1"
        ).fetchall()
        described = connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() ORDER BY 1, 2"
        ).fetchall()
    return {**held, "declared": declared, "described": described}
