"""``make bench-offers``: what lists of offers take in a shop with a hundred thousand products.

Belongs here: inventing its sales by SQL, and making the lists as the product does, in one process.
Does not: how good lists are (the asset ``recommendation_backtest``).
"""

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

from rich.console import Console

from benchmarks.million import peak
from benchmarks.report import print_machine

SECONDS_TARGET, GB_TARGET = 60, 2
# Orders of twenty lines in two years. A few products are in many orders, most in few (the cube of
# a random number), and half of a customer's lines are from a fiftieth of the catalogue.
SALES = """
SELECT date_trunc('month', day) AS month, (i // 20)::VARCHAR AS invoice, day AS invoice_date,
       customer::VARCHAR AS customer_id, NULL::VARCHAR AS country,
       product::VARCHAR AS stock_code, 'PRODUCT ' || product AS description,
       1::DECIMAL(18, 4) AS quantity, 1::DECIMAL(18, 6) AS price, 1::DECIMAL(18, 4) AS revenue,
       false AS is_credit, false AS is_repeated, '' AS workbook, '' AS sheet, i AS row_number
FROM (
    SELECT i, TIMESTAMP '2023-01-01' + to_days((hash(i // 20) % 730)::INT) AS day,
           hash(i // 20 * 7) % {customers} AS customer,
           least({products} - 1, floor({products} * pow(hash(i * 3) % 1000003 / 1000003, 3)
               / if(i % 2 = 0, 1, 50)) + if(i % 2 = 0, 0, customer % 50 * ({products} // 50))
           )::BIGINT AS product
    FROM range({lines}) AS r(i)
)
"""


def main() -> None:
    from customer_segments.offers.history import history
    from customer_segments.offers.lists import lists, recommendations
    from customer_segments.offers.similarity import similarity
    from customer_segments.policy.rules import Recommend
    from customer_segments.storage import Warehouse
    from customer_segments.tables import CLEANED_TRANSACTIONS, PRODUCT_RECOMMENDATIONS

    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("products", 100_000), ("customers", 50_000), ("lines", 5_000_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    sizes = vars(parser.parse_args())
    console = Console()
    print_machine(console)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder, "warehouse.duckdb"))
        with warehouse.holding() as con:
            con.raw_sql(f"CREATE TABLE {CLEANED_TRANSACTIONS.table} AS {SALES.format(**sizes)}")
        console.print(f"{sizes}; invented within {peak():.2f} GB")
        started = time.perf_counter(), time.process_time()

        def taken() -> str:
            wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
            return f"{wall:.0f} s, {processor:.0f} s of processors, {peak():.2f} GB"

        with warehouse.reading() as con:
            known = history(con, CLEANED_TRANSACTIONS.relation, date(2025, 1, 1))
        console.print(f"{taken()} after the history")
        goes_with = similarity(known)
        console.print(f"{taken()} after the similarity")
        rows = recommendations(known, lists(known, goes_with, Recommend()))
        console.print(f"{taken()} after the lists")
        published = warehouse.publish(PRODUCT_RECOMMENDATIONS, rows)
        is_met = time.perf_counter() - started[0] < SECONDS_TARGET and peak() < GB_TARGET
        console.print(f"{taken()} after the publication")
    console.print(
        f"{len(known.products):,} products, {len(known.product):,} pairs, {published.rows:,} rows: "
        f"target {SECONDS_TARGET} s and {GB_TARGET} GB: "
        f"{'[green]PASS[/]' if is_met else '[red]MISS[/]'}"
    )


if __name__ == "__main__":
    main()
