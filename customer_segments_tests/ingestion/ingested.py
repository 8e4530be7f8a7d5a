"""Ingesting for real, and looking at what was published."""

from typing import Any

from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments_tests.installations import execute

TABLES = ("raw_transactions", "source_sheets", "publications")


def ask(settings: Settings, sql: str) -> list[tuple]:
    with Warehouse(settings.warehouse_path).reading() as con:
        return con.raw_sql(sql).fetchall()


def raw(settings: Settings, columns: str = "*", where: str = "true") -> list[tuple]:
    """Rows of ``raw_transactions``, in order of files, sheets and rows."""
    return ask(
        settings,
        f"SELECT {columns} FROM raw_transactions WHERE {where} "
        "ORDER BY workbook, sheet, row_number",
    )


def ingest(settings: Settings, columns: str = "*") -> list[tuple]:
    """Run the job, and return the rows that are there then.

    Without its checks, which ``test_raw_checks`` is about and any run of the command.
    """
    assert execute(settings, "ingest", checks=False).success
    return raw(settings, columns)


def ingest_metadata(settings: Settings) -> dict[str, Any]:
    """Run the job, and return the metadata of ``raw_transactions`` in plain Python."""
    (event,) = (
        event
        for event in execute(settings, "ingest", checks=False).asset_materializations_for_node(
            "ingest_workbooks"
        )
        if event.asset_key.to_user_string() == "raw_transactions"
    )
    return {name: value.value for name, value in event.metadata.items()}


def of_file(settings: Settings, workbook: str, columns: str = "*") -> list[tuple]:
    """Rows of one file, in order of sheets and rows."""
    quoted = workbook.replace("'", "''")
    return raw(settings, columns, f"workbook = '{quoted}'")


def published(settings: Settings) -> dict[str, object]:
    """All that ingestion leaves behind: tables, ledger, and the months."""
    tables = {table: ask(settings, f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}
    return tables | {"months": settings.months_path.read_text()}


def digests(settings: Settings) -> list[tuple]:
    """Month, rows and digest of the newest publication of ``raw_transactions``."""
    return ask(
        settings,
        "SELECT month, rows, digest FROM publications WHERE table_name = 'raw_transactions' "
        "QUALIFY row_number() OVER (PARTITION BY month ORDER BY publication DESC) = 1 ORDER BY 1",
    )
