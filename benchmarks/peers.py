"""``make bench-peers``: cleaning and RFM at ten million rows, beside polars on the same file.

Belongs here: the same rules written as users of polars write them, and both sides measured as
children. Does not: the rows (``shop``), the whole run (``scale``, ``bench``). Both read one Parquet
file of raw rows, keep the cleaned ones in memory, and add up the customers of one snapshot; that
they come to the same is part of it.
"""

import argparse
import json
import os
import sys
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.report import print_machine, verdict
from benchmarks.shop import make
from benchmarks.sides import Usage, measure

FIRST, LAST, TODAY = date(2022, 12, 1), date(2024, 12, 1), date(2025, 1, 2)
# What `ingest` adds to a row of the shop's file, where there is one file without faults.
RAW = """
COPY (
    SELECT 'shop.parquet' AS workbook, 'shop' AS sheet, row_number() OVER () + 1 AS row_number,
           "Invoice"::VARCHAR AS invoice, "StockCode" AS stock_code, "Description" AS description,
           "Quantity"::DECIMAL(18, 4) AS quantity, "InvoiceDate" AS invoice_date,
           "Price"::DECIMAL(18, 6) AS price, "Customer ID"::BIGINT::VARCHAR AS customer_id,
           "Country" AS country, NULL::VARCHAR AS status,
           date_trunc('month', "InvoiceDate")::DATE AS month, NULL::VARCHAR AS unreadable_column,
           NULL::VARCHAR AS unreadable_text, false AS is_superseded, true AS is_negative_prefix,
           false AS is_uci
    FROM read_parquet('{rows}')
) TO '{raw}' (COMPRESSION zstd)
"""


def make_raw(raw: Path, rows: int) -> None:
    """Write the rows of a shop as ``ingest`` has them."""
    import duckdb

    sales = raw.with_name("sales.parquet")
    make(sales, rows)
    with duckdb.connect(config={"memory_limit": "1GB"}) as con:
        con.execute(RAW.format(rows=sales, raw=raw))
    sales.unlink()


def with_the_project(raw: Path) -> dict[str, str]:
    """Clean and add up by the project's expressions, in DuckDB."""
    import ibis

    from customer_segments.cleaning.rules import cleaned
    from customer_segments.policy.rules import Cleaning
    from customer_segments.rfm.rfm import customer_rfm
    from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS

    con = ibis.duckdb.connect(memory_limit="3GB")
    con.raw_sql(f"CREATE VIEW {RAW_TRANSACTIONS.table} AS FROM read_parquet('{raw}')")
    kept = cleaned(RAW_TRANSACTIONS.relation, Cleaning(), FIRST, LAST)
    con.raw_sql(f"CREATE TABLE {CLEANED_TRANSACTIONS.table} AS {con.compile(kept)}")
    snapshot = customer_rfm(CLEANED_TRANSACTIONS.relation, LAST, LAST, TODAY)
    customers = con.to_pyarrow(snapshot).to_pandas()
    return _figures(customers)


def with_polars(raw: Path) -> dict[str, str]:
    """Clean and add up by the same rules, lazily and on all processors, as its users write it."""
    import polars as pl

    from customer_segments.policy.rules import Cleaning

    codes = [code for code, what in Cleaning().non_products.items() if what]
    named = pl.col("stock_code").is_in([code for code in codes if not code.endswith("*")])
    for code in codes:
        if code.endswith("*"):
            named |= pl.col("stock_code").str.starts_with(code[:-1])
    rows = pl.scan_parquet(raw).with_columns(
        pl.col("invoice", "stock_code").str.to_uppercase(),
        is_credit=pl.col("invoice").str.to_uppercase().str.starts_with("C"),
        revenue=(pl.col("quantity") * pl.col("price")).cast(pl.Decimal(18, 4)),
    )
    kept = rows.filter(
        pl.col("unreadable_column").is_null(),
        ~pl.col("is_superseded"),
        pl.col("customer_id").is_not_null(),
        ~named,
        pl.col("price") > 0,
        pl.col("is_credit") == (pl.col("quantity") < 0),
        pl.col("quantity") != 0,
    )
    line = ["invoice", "stock_code", "quantity", "description", "invoice_date", "price"]
    cleaned = kept.with_columns(
        is_repeated=~pl.struct(*line, "customer_id", "country").is_first_distinct()
    ).collect()
    sale = ~pl.col("is_credit")
    order = pl.struct("invoice", pl.col("invoice_date").dt.date())
    last_sale = pl.col("invoice_date").filter(sale).max()
    lines = cleaned.lazy().group_by("customer_id")
    customers = lines.agg(
        frequency=order.filter(sale).n_unique(),
        monetary=pl.col("revenue").cast(pl.Decimal(38, 4)).sum(),
        first_purchase_date=pl.col("invoice_date").filter(sale).min(),
        last_purchase_date=last_sale,
        units=pl.col("quantity").cast(pl.Decimal(38, 4)).sum(),
        products=pl.col("stock_code").filter(sale).n_unique(),
        months_active=pl.col("month").filter(sale).n_unique(),
        country=pl.col("country").filter(sale & (pl.col("invoice_date") == last_sale)).min(),
    )
    return _figures(customers.filter(pl.col("frequency") > 0).collect().to_pandas())


SIDES = {"the project": with_the_project, "polars": with_polars}


def _figures(customers) -> dict[str, str]:
    """Return what both sides have to come to."""
    columns = ("frequency", "monetary", "units", "products", "months_active")
    sums = {name: f"{customers[name].sum():.4f}" for name in columns}
    return {"customers": f"{len(customers):,}"} | sums


def main() -> None:
    """Measure each side three times, by turns, and print medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--raw", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.raw)))
        return
    console = Console()
    print_machine(console)
    usages: dict[str, list[Usage]] = {side: [] for side in SIDES}
    said: dict[str, dict[str, str]] = {}
    with TemporaryDirectory(prefix="customer-segments-peers-") as temporary:
        raw, log = Path(temporary, "raw.parquet"), Path(temporary, "log")
        # In a process of its own: a child's peak is never below its parent's memory.
        maker = get_context("spawn").Process(target=make_raw, args=(raw, arguments.rows))
        maker.start()
        maker.join()
        for side in (*SIDES,) * 3:
            command = [sys.executable, "-m", "benchmarks.peers", "--side", side, "--raw", str(raw)]
            with console.status(f"{side} ..."):
                usages[side].append(measure(command, dict(os.environ), log))
            said[side] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    grid = Table(title=f"Cleaning and RFM of {arguments.rows:,} rows", title_justify="left")
    grid.add_column("")
    for side in SIDES:
        grid.add_column(side, justify="right")
    walls = {side: median(each.wall for each in used) for side, used in usages.items()}
    cpus = (median(each.cpu for each in used) for used in usages.values())
    peaks = (max(each.peak for each in used) / 1e9 for used in usages.values())
    grid.add_row("wall, s", *(f"{wall:.1f}" for wall in walls.values()))
    grid.add_row("processor, s", *(f"{cpu:.1f}" for cpu in cpus))
    grid.add_row("peak memory, GB", *(f"{peak:.2f}" for peak in peaks))
    for figure in said["polars"]:
        grid.add_row(figure, *(said[side][figure] for side in SIDES))
    console.print(grid)
    ratio = walls["polars"] / walls["the project"]
    console.print(f"Polars by the project: {ratio:.2f} x, target >= 1 x {verdict(ratio >= 1)}")
    if said["polars"] != said["the project"]:
        raise SystemExit("The two sides do not come to the same.")


if __name__ == "__main__":
    main()
