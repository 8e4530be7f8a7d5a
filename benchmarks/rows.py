"""``make bench-rows``: what ingesting many rows of Parquet takes, in one file and in fifty.

Belongs here: making the rows by SQL, ingesting them as a process of its own, next to another
checkout if one is named. Does not: what comes after the ingestion (``bench``).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.report import print_machine
from benchmarks.sides import MAXRSS_BYTES, ROOT

FILES = (1, 50)
# A shop of two years: orders of twenty lines, a customer for every two hundred rows.
ROWS = """
SELECT (500000 + i // 20)::VARCHAR AS "Invoice",
       (20000 + hash(i) % 4000)::VARCHAR || chr((65 + hash(i * 7) % 5)::INT) AS "StockCode",
       'PRODUCT NUMBER ' || (hash(i) % 4000) AS "Description",
       (1 + hash(i * 3) % 24)::INT AS "Quantity",
       TIMESTAMP '2021-01-01' + to_seconds((i // 20) * (63072000 // ({rows} // 20 + 1) + 1))
           AS "InvoiceDate",
       ((50 + hash(i * 11) % 3000) / 100)::DOUBLE AS "Price",
       (10000 + hash(i // 20) % ({rows} // 200))::DOUBLE AS "Customer ID",
       ['United Kingdom', 'Germany', 'France', 'EIRE'][(1 + hash(i // 20) % 4)::INT] AS "Country"
FROM range({first}, {last}) AS r(i)
"""
INGEST = """
import dagster as dg
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
job = build_defs(Installation.here()).resolve_job_def("ingest")
with dg.DagsterInstance.ephemeral() as instance:
    job.execute_in_process(instance=instance)
"""


def made(folder: Path, rows: int, files: int) -> None:
    """Write so many rows of a shop into so many Parquet files."""
    import duckdb

    folder.mkdir(parents=True)
    con = duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": "false"})
    for number in range(files):
        first, last = (rows * n // files for n in (number, number + 1))
        query = ROWS.format(rows=rows, first=first, last=last)
        con.execute(f"COPY ({query}) TO '{folder}/sales-{number:03}.parquet' (COMPRESSION zstd)")


def ingested(source: Path, checkout: Path, folder: Path) -> tuple[float, float, float]:
    """Ingest with the code of a checkout; return wall and processor seconds, and peak memory."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMER_SEGMENTS_")}
    environment |= {
        "CUSTOMER_SEGMENTS_SOURCE_DIR": str(source),
        "CUSTOMER_SEGMENTS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CUSTOMER_SEGMENTS_REPORTS_DIR": str(folder / "reports"),
        "CUSTOMER_SEGMENTS_CONFIG": str(folder / "customer_segments.toml"),
        "PYTHONPATH": str(checkout),
    }
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", INGEST],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"The ingestion of {source} with {checkout} failed.")
    wall = time.perf_counter() - started
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_BYTES / 1e9


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--before", type=Path, help="a checkout to compare with, in the same run")
    arguments = parser.parse_args()
    console = Console()
    print_machine(console)
    table = Table("rows", "files", "code", "wall", "processor", "peak memory")
    checkouts = {"this": ROOT} | ({"before": arguments.before} if arguments.before else {})
    with TemporaryDirectory(prefix="customer-segments-rows-", dir=os.environ.get("TMPDIR")) as name:
        for files in FILES:
            source = Path(name, f"{files}-files")
            made(source, arguments.rows, files)
            for code, checkout in checkouts.items():
                folder = Path(name, f"{files}-{code}")
                folder.mkdir()
                wall, cpu, peak = ingested(source, checkout.absolute(), folder)
                figures = (f"{wall:.1f} s", f"{cpu:.1f} s", f"{peak:.2f} GB")
                table.add_row(f"{arguments.rows:,}", str(files), code, *figures)
    console.print(table)


if __name__ == "__main__":
    main()
