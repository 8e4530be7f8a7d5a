"""Another yardstick: the Dagster project of tutorials, with pandas and an IO manager for DuckDB.

Belongs here: what people write who begin with Dagster, an asset for each step and whole DataFrames
between them. Does not: anything of the product. ``dagster-duckdb-pandas`` asks for pandas 2; its
IO manager is written here as it works: a table is replaced by the DataFrame, and read whole.

Run it as ``python -m benchmarks.stock FOLDER FILE...``.
"""

import sys
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd

FOLDER, *FILES = (Path(argument) for argument in sys.argv[1:])


class DuckDBPandas(dg.IOManager):
    """A table for each asset."""

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Replace the table."""
        table = context.asset_key.path[-1]
        with duckdb.connect(FOLDER / "stock.duckdb") as con:
            con.register("obj", obj)
            con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM obj")
        context.add_output_metadata({"dagster/row_count": len(obj)})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read the whole table."""
        with duckdb.connect(FOLDER / "stock.duckdb") as con:
            return con.execute(f"FROM {context.asset_key.path[-1]}").df()


@dg.asset
def raw_transactions() -> pd.DataFrame:
    """All sheets; texts, since invoices and codes are both numbers and texts."""
    texts = {"Invoice": str, "StockCode": str, "Description": str}
    sheets = [pd.read_excel(file, sheet_name=None, dtype=texts) for file in FILES]
    return pd.concat([sheet for each in sheets for sheet in each.values()], ignore_index=True)


@dg.asset
def cleaned_transactions(raw_transactions: pd.DataFrame) -> pd.DataFrame:
    """Sales of known customers."""
    rows = raw_transactions.dropna(subset=["Customer ID"]).drop_duplicates()
    rows = rows[~rows["Invoice"].str.startswith("C")]
    rows = rows[(rows["Quantity"] > 0) & (rows["Price"] > 0)]
    return rows.assign(Revenue=rows["Quantity"] * rows["Price"])


@dg.asset
def customer_rfm(cleaned_transactions: pd.DataFrame) -> pd.DataFrame:
    """One snapshot, after the newest day."""
    newest = cleaned_transactions["InvoiceDate"].max() + pd.Timedelta(days=1)
    rfm = cleaned_transactions.groupby("Customer ID").agg(
        last=("InvoiceDate", "max"), frequency=("Invoice", "nunique"), monetary=("Revenue", "sum")
    )
    return rfm.assign(recency=(newest - rfm["last"]).dt.days).reset_index()


@dg.asset
def customer_segments(customer_rfm: pd.DataFrame) -> pd.DataFrame:
    """Four clusters."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    features = np.log1p(customer_rfm[["recency", "frequency", "monetary"]])
    kmeans = KMeans(n_clusters=4, n_init=10, random_state=42)
    return customer_rfm.assign(segment=kmeans.fit_predict(StandardScaler().fit_transform(features)))


if __name__ == "__main__":
    dg.materialize(
        [raw_transactions, cleaned_transactions, customer_rfm, customer_segments],
        resources={"io_manager": DuckDBPandas()},
        instance=dg.DagsterInstance.local_temp(str(FOLDER)),
    )
