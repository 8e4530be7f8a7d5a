"""UCI's customers without its workbook: ``customer_rfm`` of all 25 months, as a committed file.

Belongs here: writing that file from a warehouse of the real workbook, reading it, and a warehouse
with everything from ``customer_rfm`` on. Run as a module with a warehouse's path to write it anew:
where what a snapshot holds has changed.
"""

import sys
from pathlib import Path

import dagster as dg
import duckdb
import ibis
import pyarrow as pa

from customer_segments.covering import save_months
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.months import Months
from customer_segments.settings import Settings
from customer_segments.tables import CUSTOMER_RFM
from customer_segments_tests.installations import execute, install

EXTRACT = Path(__file__).parent / "data/uci_customer_rfm.parquet"
# Enough to tell which numbers of segments are stable; the policy's 50 take half of the time.
RULES = "[selection]\nresamples = 10\n"
LABELLED = (
    *("kmeans_model", "model_selection", "champion_model"),
    *("customer_segments", "segment_migration", "segment_profiles"),
)


def write(warehouse: Path) -> None:
    """Write the extract: ids as small integers, and nothing that follows from other columns."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute(
            "COPY (SELECT customer_id::SMALLINT AS customer_id, snapshot_month, "
            "frequency::SMALLINT AS frequency, monetary::DECIMAL(18, 4) AS monetary, "
            "first_purchase_date, last_purchase_date, "
            "average_order_value::DECIMAL(18, 4) AS average_order_value, "
            "units::INTEGER AS units, products::SMALLINT AS products, credit_share, country, "
            "months_active::TINYINT AS months_active FROM customer_rfm "
            f"ORDER BY customer_id, snapshot_month) TO '{EXTRACT}' (FORMAT parquet, "
            "COMPRESSION zstd, COMPRESSION_LEVEL 19, ROW_GROUP_SIZE 200000, PARQUET_VERSION V2)"
        )


def customer_rfm() -> pa.Table:
    """Return the extract as ``CUSTOMER_RFM`` has it."""
    con = ibis.duckdb.connect()
    rows = con.read_parquet(EXTRACT)
    cut = rows.last_purchase_date.max().over(ibis.window()) + ibis.interval(days=1)
    after = (rows.snapshot_month + ibis.interval(months=1)).cast("date")
    snapshot_date = ibis.least(after, cut.cast("date"))
    rows = rows.mutate(
        snapshot_date=snapshot_date,
        recency_days=snapshot_date.delta(rows.last_purchase_date, unit="day"),
        window_months=ibis.null("int64"),
    )
    columns = CUSTOMER_RFM.relation.schema()
    return con.to_pyarrow(rows.select(**{name: rows[name].cast(columns[name]) for name in columns}))


def labelled(folder: Path) -> Settings:
    """Return an installation with UCI's snapshots, a model of them, and all months labelled."""
    settings = install(folder, source_dir=folder)
    settings.config.write_text(RULES)
    installed, rows = Installation.of(settings), customer_rfm()
    months = rows["snapshot_month"].unique().to_pylist()
    first, last = min(months), max(months)
    installed.warehouse.publish(CUSTOMER_RFM, rows, months=(first, last))
    save_months(Months(first, last, False, installed.policy.source.today()), settings)
    # Without checks: some look at the workbooks.
    selection = dg.AssetSelection.assets(*LABELLED).without_checks()
    jobs = dg.Definitions(jobs=[dg.define_asset_job("label_uci", selection)])
    defs = dg.Definitions.merge(build_defs(installed.renewed()), jobs)
    execute(settings, "label_uci", first, last, defs=defs)
    return settings


if __name__ == "__main__":
    write(Path(sys.argv[1]))
