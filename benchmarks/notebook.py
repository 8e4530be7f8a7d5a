"""The yardstick: customer segmentation as it stands in many a notebook, cell after cell.

Belongs here: what people write with pandas, openpyxl and scikit-learn, no slower and no faster.
Does not: anything of the product. Its rules are the usual ones, so its rows and segments are not
those of the product.

Run it as ``python -m benchmarks.notebook FILE... --json OUT``.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory


def segment(files: list[Path], done: Callable[[str], None], engine: str) -> dict[str, int]:
    """Segment the customers of workbooks in one go.

    Parameters
    ----------
    files
        Workbooks in the layout of UCI's Online Retail; all their sheets are read.
    done
        Called after each cell with the name of its stage.
    engine
        What pandas reads workbooks with: openpyxl, its own choice, or calamine, which is faster.

    Returns
    -------
    dict
        Number of rows read and kept, and of customers.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import StandardScaler

    done("imports")

    sheets: list[pd.DataFrame] = []
    for file in files:
        sheets.extend(pd.read_excel(file, sheet_name=None, engine=engine).values())
    df = pd.concat(sheets, ignore_index=True)
    rows_read = len(df)
    done("reading")

    # UCI publishes the same columns under two sets of names.
    df = df.rename(
        columns={"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    )
    df = df.dropna(subset=["Customer ID"])
    df = df.drop_duplicates()
    df = df[~df["Invoice"].astype(str).str.startswith("C")]
    df = df[(df["Quantity"] > 0) & (df["Price"] > 0)]
    df["Revenue"] = df["Quantity"] * df["Price"]
    done("cleaning")

    newest = df["InvoiceDate"].max() + pd.Timedelta(days=1)
    rfm = df.groupby("Customer ID").agg(
        recency=("InvoiceDate", lambda dates: (newest - dates.max()).days),
        frequency=("Invoice", "nunique"),
        monetary=("Revenue", "sum"),
    )
    done("rfm")

    features = StandardScaler().fit_transform(np.log1p(rfm))
    for k in range(2, 11):
        kmeans = KMeans(n_clusters=k, n_init=10, random_state=42)
        labels = kmeans.fit_predict(features)
        silhouette = silhouette_score(features, labels)
        print(f"k={k}: inertia {kmeans.inertia_:.0f}, silhouette {silhouette:.3f}")
    done("model selection")

    rfm["segment"] = KMeans(n_clusters=4, n_init=10, random_state=42).fit_predict(features)
    print(rfm.groupby("segment").agg(["median", "count"]))
    done("fit")

    plt.figure(figsize=(10, 6))
    plt.scatter(rfm["recency"], rfm["monetary"], c=rfm["segment"], cmap="viridis", s=10)
    plt.yscale("log")
    plt.xlabel("Recency (days)")
    plt.ylabel("Monetary")
    plt.title("Customer segments")
    with TemporaryDirectory() as folder:
        plt.savefig(Path(folder, "segments.png"))
    plt.close()
    done("plot")
    return {"rows read": rows_read, "rows kept": len(df), "customers": len(rfm)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Segment customers the way a notebook does.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".xlsx workbook")
    parser.add_argument("--json", type=Path, required=True, help="where to write the stage times")
    parser.add_argument("--engine", choices=("openpyxl", "calamine"), default="openpyxl")
    arguments = parser.parse_args()

    stages: dict[str, float] = {}
    stage_started = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal stage_started
        now = time.perf_counter()
        stages[stage], stage_started = now - stage_started, now

    counts = segment(arguments.files, done, arguments.engine)
    arguments.json.write_text(
        json.dumps({"stages": stages, "counts": counts}, indent=2), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
