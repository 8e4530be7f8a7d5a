"""A shop of any size as one Parquet file, made by SQL: the same rows whenever it is made.

Belongs here: what its rows are like. Does not: what is measured with them (``scale``).

Two years and a month; five lines to an order on average, a customer for every 27 rows. A tenth
of the customers come all the time, some of them hundreds of times; the others for some months
each, one after the other. One line in nine has no customer, one in fifty is of a credit note, one
in a hundred is postage, one in two hundred stands twice.
"""

import argparse
from pathlib import Path

# Of whom a quarter come never: what is left is a customer for every 27 rows.
ROWS_PER_CUSTOMER = 21
ROWS_PER_ORDER = 5
PRODUCTS = 5_000
MEMORY = "1GB"
# Random numbers of an order, or a line, in [0, 1): hashes, so that any part can be made alone.
DRAWS = """
CREATE MACRO draw(seed, number) AS (hash(seed, number) % 1000003) / 1000003.0;
"""
ROWS = """
WITH lines AS (
    SELECT i, i // {per_order} AS nth, (i // {per_order}) / ({rows} / {per_order}) AS far,
           i - (draw(1, i) < 0.005)::INT AS line
    FROM range({rows}) AS r(i)
), orders AS (
    SELECT *, draw(2, nth) < 0.02 AS is_credit, draw(3, nth) < 0.11 AS is_nobody,
           CASE WHEN draw(4, nth) < 0.5
                THEN 10 * floor({customers} / 10 * pow(draw(5, nth), 2))
                ELSE floor({customers} * (0.25 + 0.75 * far) * (1 - 0.4 * pow(draw(5, nth), 2)))
           END::BIGINT AS customer,
           floor({products} * pow(draw(6, line), 2))::INT AS product
    FROM lines
)
SELECT CASE WHEN is_credit THEN 'C' ELSE '' END || (1000000 + nth) AS "Invoice",
       CASE WHEN draw(7, line) < 0.01 THEN 'POST' ELSE (10000 + product)::VARCHAR END
           AS "StockCode",
       CASE WHEN draw(7, line) < 0.01 THEN 'POSTAGE' ELSE 'PRODUCT NUMBER ' || product END
           AS "Description",
       (CASE WHEN is_credit THEN -1 ELSE 1 END * floor(1 + 12 * pow(draw(8, line), 4)))::INT
           AS "Quantity",
       TIMESTAMP '2022-12-01 08:00' + to_seconds((far * {seconds})::BIGINT) AS "InvoiceDate",
       round(0.5 + 30 * pow(draw(9, product), 3), 2) AS "Price",
       CASE WHEN NOT is_nobody THEN 100000 + customer END::DOUBLE AS "Customer ID",
       CASE floor(24 * draw(10, customer)) WHEN 0 THEN 'Germany' WHEN 1 THEN 'France'
           WHEN 2 THEN 'EIRE' ELSE 'United Kingdom' END AS "Country"
FROM orders
"""
# Of 762 days, from December 2022 to December 2024, but for the hours that orders never come in.
SECONDS = 762 * 86_400 - 12 * 3_600


def make(path: Path, rows: int) -> None:
    """Write so many rows of a shop, in order of time; ids with a fraction, as Excel makes them."""
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    query = ROWS.format(
        rows=rows,
        per_order=ROWS_PER_ORDER,
        customers=rows // ROWS_PER_CUSTOMER,
        products=PRODUCTS,
        seconds=SECONDS,
    )
    with duckdb.connect(config={"memory_limit": MEMORY}) as con:
        con.execute(DRAWS)
        con.execute(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shop", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    make(arguments.path, arguments.rows)
