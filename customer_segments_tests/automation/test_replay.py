"""Two years of the real workbook, month by month, through the sensor: as one full run."""

from pathlib import Path

import duckdb
import pytest

from customer_segments.model.exchange import export_version, import_version
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments_tests.automation.daemon import RECOMMEND
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.machine.world import QuietDaemon

# As the workbook has them, so that the same parsing is at work.
COLUMNS = (
    'invoice AS "Invoice", stock_code AS "StockCode", description AS "Description", '
    'quantity::VARCHAR AS "Quantity", invoice_date::VARCHAR AS "InvoiceDate", '
    'price::VARCHAR AS "Price", customer_id AS "Customer ID", country AS "Country"'
)


def split(real: Settings, folder: Path) -> dict[str, list[Path]]:
    """Write a file per sheet and month; the newer sheet's sorts after the older's of its month."""
    folder.mkdir()
    files: dict[str, list[Path]] = {}
    parts = ask(real, "SELECT DISTINCT month, sheet FROM raw_transactions ORDER BY 1, 2")
    with duckdb.connect(str(real.warehouse_path), read_only=True) as con:
        for month, sheet in parts:
            path = folder / f"{month:%Y-%m} {sheet}.parquet"
            con.execute(
                f"COPY (SELECT {COLUMNS} FROM raw_transactions WHERE month = ? AND sheet = ? "
                f"ORDER BY row_number) TO '{path}' (FORMAT parquet)",
                [month, sheet],
            )
            files.setdefault(f"{month:%Y-%m}", []).append(path)
    return files


def labels(settings: Settings) -> list[tuple]:
    return ask(
        settings,
        "SELECT snapshot_month, count(*), sum(hash(customer_segments)) FROM customer_segments "
        "GROUP BY 1 ORDER BY 1",
    )


@pytest.mark.slow  # a minute and more; test_daemon and machine/ have the same, smaller
@pytest.mark.parametrize("at_once", [21, 1], ids=["history at once", "a file a month"])
def test_25_months_as_they_arrive(real_warehouse, installed, instance, tmp_path, at_once):
    months = split(real_warehouse, tmp_path / "archive")
    settings = installed.model_copy(update={"first_month": "2009-12", "last_month": "2011-12"})
    champion = export_version(Warehouse(real_warehouse.warehouse_path))
    import_version(Warehouse(settings.warehouse_path), champion)
    daemon = QuietDaemon(settings, instance)

    arrivals = [list(months)[:at_once], *([month] for month in list(months)[at_once:])]
    for arrived in arrivals:
        for file in (file for month in arrived for file in months[month]):
            file.rename(settings.source_dir / file.name)
        # Moved into place a moment ago: looked at twice before it is read.
        assert daemon.tick().runs in ([], [("ingest", None, None)])
        runs = daemon.until_quiet()
        # Decembers end on the 23rd and the 9th: cut, and made again when January is there. The
        # first is reported all the same, for want of another.
        is_cut, first = arrived[-1] in ("2010-12", "2011-12"), arrived[0]
        if arrived[0] in ("2010-01", "2011-01"):
            first = f"{int(first[:4]) - 1}-12"
        assert [run for run in runs if run[0] == "score"] == [("score", first, arrived[-1])]
        report = ("report", arrived[-1], arrived[-1])
        offered = runs.index(RECOMMEND)
        assert (report in runs[:offered]) != is_cut
        # Once more with the offers: of the month that people are shown.
        assert [run[0] for run in runs[offered:]] == ["recommend", "report"]

    assert len(months) == 25
    assert labels(settings) == labels(real_warehouse)
    assert ask(settings, "SELECT count(*) FROM source_sheets") == [(26,)]
