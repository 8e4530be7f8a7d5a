"""``make bench-million``: the evidence for the number of clusters, on a million customers.

Belongs here: such customers, what the evidence and a fit take, and how far the bins and the
sample are from the exact result on 50,000 of them. Does not: tests (``test_selection`` has the
same comparison on fewer customers).
"""

import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.report import print_machine

if TYPE_CHECKING:
    import pandas as pd

    from customer_segments.model.training import Pool

CUSTOMERS = 1_000_000
EXACT = 50_000
MONTH = date(2024, 12, 1)
SECONDS_TARGET = 60


def customers(size: int, seed: int = 7) -> "pd.DataFrame":
    """Draw a snapshot: half buy once or twice, the others more, and more recently, the more often.

    The shapes are those of the UCI data: frequency and value of an order are log-normal. As
    ``customer_rfm`` has it, with two years of history.
    """
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    rate = random.normal(0.9, 1.1, size)
    frequency = 1 + random.poisson(np.exp(np.clip(rate, None, 5)))
    age = random.integers(30, 730, size)
    return pd.DataFrame(
        {
            "customer_id": np.arange(size),
            "recency_days": 1 + (age * random.beta(1, np.sqrt(frequency))).astype(int),
            "frequency": frequency,
            "monetary": np.round(frequency * random.lognormal(5.6, 0.8, size), 2),
            "snapshot_month": pd.Timestamp(MONTH),
            "first_purchase_date": pd.Timestamp(MONTH) - pd.Timedelta(days=700),
        }
    )


def pool_of(size: int) -> "Pool":
    """Draw a pool as large as of so many customers: every third month of a year."""
    import pandas as pd

    from customer_segments.model.training import EVERY, POOLED_MONTHS, Pool

    months = range(0, POOLED_MONTHS + 1, EVERY)
    snapshots = [
        customers(size, seed=7 + back).assign(
            snapshot_month=pd.Timestamp(MONTH) - pd.DateOffset(months=back)
        )
        for back in months
    ]
    return Pool.of(pd.concat(snapshots, ignore_index=True), MONTH)


def errors(snapshot: "pd.DataFrame") -> tuple[float, float]:
    """Return the largest relative error of an inertia, and the largest of a silhouette.

    Bins and sample against the exact fit and all distances, over all numbers of clusters.
    """
    import numpy as np

    from customer_segments.model.clustering import as_points, fit_all, nearest
    from customer_segments.model.features import Scaling, values_of
    from customer_segments.model.measures import silhouettes
    from customer_segments.model.selection import N_CLUSTERS

    values = values_of(snapshot)
    features = Scaling.learned(values, np.ones(len(values))).features(values)
    inertias, labellings = [], []
    for most_exact in (EXACT, 0):
        points = as_points(features, most_exact)
        clusterings = fit_all(points, list(N_CLUSTERS), seed=42)
        labellings = [nearest(features, centroids) for centroids in clusterings]
        inertias.append(
            [
                float(((features - centroids[labels]) ** 2).sum())
                for centroids, labels in zip(clusterings, labellings, strict=True)
            ]
        )
    exact = silhouettes(features, labellings, most_exact=EXACT)
    sampled = silhouettes(features, labellings)
    return (
        max(abs(b / a - 1) for a, b in zip(*inertias, strict=True)),
        max(abs(b - a) for a, b in zip(exact, sampled, strict=True)),
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def peak() -> float:
    """Return the process's peak memory so far, in GB; the system counts in KiB, or bytes."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1e9 if sys.platform == "darwin" else used * 1024 / 1e9


def main() -> None:
    from customer_segments.model.fit import fit_version
    from customer_segments.model.selection import compare_n_clusters

    console = Console()
    print_machine(console)
    pool = pool_of(CUSTOMERS)
    before = peak()
    grid = Table(title=f"{CUSTOMERS:,} customers", title_justify="left")
    for heading in ("", "Wall", "Processor", "Peak, GB"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_row("pool alone", "", "", f"{before:.2f}")
    compared: list[dict] = []
    steps: dict[str, Callable[[], object]] = {
        "model_selection": lambda: compared.extend(
            compare_n_clusters(pool, resamples=50, seed=42, min_share=0.05)
        ),
        "kmeans_model": lambda: fit_version(pool, n_clusters=4, seed=42),
    }
    walls = []
    for name, work in steps.items():
        with console.status(f"{name} ..."):
            wall, processor = timed(work)
        walls.append(wall)
        grid.add_row(name, f"{wall:.1f} s", f"{processor:.1f} s", f"{peak():.2f}")
    console.print(grid)
    is_met = sum(walls) < SECONDS_TARGET
    console.print(f"Target {SECONDS_TARGET} s: {'[green]PASS[/]' if is_met else '[red]MISS[/]'}")
    with console.status("the exact result on 50,000 ..."):
        inertia, silhouette = errors(customers(EXACT))
    console.print(
        f"Against the exact result on {EXACT:,}: inertia at most {inertia:.3%} off, silhouette "
        f"at most {silhouette:.4f}."
    )


if __name__ == "__main__":
    main()
