"""Labels, moves and profiles written down a second time, in plain Python.

Belongs here: what several test modules of this folder need. Does not: what only one needs.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import ibis
import pytest

from customer_segments.model.features import COLUMNS, FEATURES, NEUTRAL
from customer_segments.months import shift
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CONTRACTS

Row = dict[str, Any]
SOURCES = ("customer_segments", "customer_rfm", "kmeans_model")


def rows_of(settings: Settings, table: str) -> list[Row]:
    """Return a table of the warehouse in order of its key."""
    contract = CONTRACTS[table]
    with Warehouse(settings.warehouse_path).reading() as con:
        return con.to_pyarrow(contract.relation.order_by(list(contract.key))).to_pylist()


def in_memory(expression: Callable[..., ibis.Table], *sources: list[Row]) -> list[Row]:
    """Return what an expression over segments, RFM and model makes of rows."""
    with duckdb.connect() as con:
        for table, rows in zip(SOURCES, sources, strict=True):
            given = CONTRACTS[table].arrow(rows)  # noqa: F841 - DuckDB finds it by its name
            con.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
        return con.sql(_sql(expression)).to_arrow_table().to_pylist()


@cache
def _sql(expression: Callable[..., ibis.Table]) -> str:
    """Return an expression's SQL, compiled once: that takes longer than to run it on a few rows."""
    made = expression(*(CONTRACTS[table].relation for table in SOURCES))
    return str(ibis.to_sql(made.order_by(made.columns[:3]), dialect="duckdb"))


def rfm_row(month: date, customer: str, **other: Any) -> Row:
    """Return a customer who bought once, for 10, in the snapshot's month."""
    return {
        "snapshot_month": month,
        "customer_id": customer,
        "snapshot_date": shift(month, 1),
        "recency_days": 5,
        "frequency": 1,
        "monetary": Decimal("10.0000"),
        "first_purchase_date": month,
        "last_purchase_date": month,
        "average_order_value": Decimal(1),
        "units": 1,
        "products": 1,
        "credit_share": 0.0,
        "country": None,
        "months_active": 1,
        "window_months": None,
    } | other


def cluster_row(version: str, cluster: int, segment: str, centroid: tuple, **other: Any) -> Row:
    """Return a cluster of a model version that scales features by odd numbers: no ties.

    Versions whose name comes before "b" are of before there were units, bounds and a score.
    """
    texts = {"description": "", "suggested_action": f"Do {segment}.", "training_month": date.min}
    counts = {"n_clusters": 9, "seed": 1, "training_customers": 9, "customers": 1}
    numbers = {"inertia": 1.0, "silhouette": 0.1} | NEUTRAL
    if version >= "b":
        numbers |= {f"{name}_unit": unit for name, unit in zip(FEATURES, (90, 1.3, 7), strict=True)}
        numbers |= {f"{name}_low": 0.4 for name in FEATURES} | {"score_weight": 1.0}
        numbers |= {f"{name}_high": 1.9 + index for index, name in enumerate(FEATURES)}
    for index, name in enumerate(FEATURES):
        numbers |= {
            f"{name}_centroid": centroid[index],
            f"{name}_mean": 1.1 + index / 7,
            f"{name}_scale": 0.9 + index / 11,
            f"{name}_rank": 0.5,
        }
    names = {"version": version, "cluster": cluster, "segment": segment}
    return names | texts | counts | numbers | other


def labelled(customers: list[Row], clusters: list[Row]) -> list[Row]:
    """Return snapshots labelled with the clusters of one version, as the table has them."""
    return [
        {
            **{name: row[name] for name in ("snapshot_month", "customer_id", *COLUMNS.values())},
            **{name: best[name] for name in ("segment", "suggested_action", "cluster")},
            "model_version": best["version"],
            # Neither moves nor profiles look at these.
            **{"account_tier": "retail", "channel": "", "why": ""},
        }
        for row in customers
        for best in [nearest(row, clusters)]
    ]


def nearest(customer: Row, clusters: list[Row]) -> Row:
    """Return the cluster of the nearest centroid; of two as near, the first."""

    def distance(cluster: Row) -> float:
        offsets = []
        for name in FEATURES:
            value = max(float(customer[COLUMNS[name]]), 0)
            log = math.log1p(value / cluster[f"{name}_unit"])
            log = min(max(log, cluster[f"{name}_low"]), cluster[f"{name}_high"])
            scaled = (log - cluster[f"{name}_mean"]) / cluster[f"{name}_scale"]
            offsets.append(scaled - cluster[f"{name}_centroid"])
        recency, frequency, monetary = offsets
        score = frequency + monetary - recency
        return sum(each**2 for each in offsets) + cluster["score_weight"] * score**2

    return min(clusters, key=lambda cluster: (distance(cluster), cluster["cluster"]))


def expected_migration(segments: list[Row], rfm: list[Row], model: list[Row]) -> list[Row]:
    """Return ``segment_migration``, one customer after the other."""
    snapshots, versions, of_month = _indexed(segments, rfm, model)
    rows = []
    for month, after in sorted(of_month.items()):
        before = snapshots.get(shift(month, -1), [])
        if not before and any(row["first_purchase_date"] < month for row in snapshots[month]):
            continue
        (version,) = {row["model_version"] for row in after}
        was = {row["customer_id"]: row for row in labelled(before, versions[version])}
        now = {row["customer_id"]: row for row in after}
        moves = defaultdict(list)
        for customer in {*was, *now}:
            sides = was.get(customer), now.get(customer)
            names = [side["segment"] if side else None for side in sides]
            money = [side["monetary"] if side else Decimal(0) for side in sides]
            moves[names[0] or "New", names[1] or "Gone"].append(money)
        for (source, target), money in sorted(moves.items()):
            before_sum, sum_now = (sum(side) for side in zip(*money, strict=True))
            rows.append(
                {
                    "snapshot_month": month,
                    "from_segment": source,
                    "to_segment": target,
                    "customers": len(money),
                    "revenue_before": before_sum,
                    "revenue": sum_now,
                    "revenue_moved": sum_now - before_sum,
                    "model_version": version,
                }
            )
    return rows


def expected_profiles(segments: list[Row], rfm: list[Row], model: list[Row]) -> list[Row]:
    """Return ``segment_profiles``, one segment after the other."""
    snapshots, versions, of_month = _indexed(segments, rfm, model)
    actions = {(row["version"], row["segment"]): row["suggested_action"] for row in model}
    rows = []
    for month, after in sorted(of_month.items()):
        (version,) = {row["model_version"] for row in after}
        total = sum(row["monetary"] for row in after)
        earlier = {
            name: snapshots.get(shift(month, -back))
            for name, back in {"last_month": 1, "last_year": 12}.items()
        }
        judged = {name: s and labelled(s, versions[version]) for name, s in earlier.items()}
        for segment in sorted({row["segment"] for row in after}):
            own = [row for row in after if row["segment"] == segment]
            revenue = sum(row["monetary"] for row in own)
            profile = {
                "snapshot_month": month,
                "segment": segment,
                "customers": len(own),
                "share": len(own) / len(after),
                "revenue": revenue,
                "revenue_share": float(revenue) / float(total) if total > 0 else None,
                "model_version": version,
                "suggested_action": actions[version, segment],
            }
            for name in COLUMNS.values():
                values = [row[name] for row in own]
                profile[f"median_{name}"] = float(statistics.median(values))
                profile[f"mean_{name}"] = float(sum(values)) / len(values)
            for name, then in judged.items():
                same = [row["monetary"] for row in then or () if row["segment"] == segment]
                profile[f"customers_{name}"] = len(same) if then else None
                profile[f"revenue_{name}"] = sum(same, Decimal(0)) if then else None
            rows.append(profile)
    return rows


def _indexed(segments, rfm, model):
    snapshots, versions, of_month = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rfm:
        snapshots[row["snapshot_month"]].append(row)
    for row in model:
        versions[row["version"]].append(row)
    for row in segments:
        of_month[row["snapshot_month"]].append(row)
    return dict(snapshots), versions, of_month


def sums(rows: Iterable[Row], *keys: str, **figures: str) -> dict[tuple, Counter]:
    """Add figures up by keys."""
    totals: dict[tuple, Counter] = defaultdict(Counter)
    for row in rows:
        for name, column in figures.items():
            totals[tuple(row[key] for key in keys)][name] += row[column]
    return dict(totals)


def approximately(rows: list[dict]) -> list:
    """Floats as near as adding up in another order makes them; all else exactly."""
    return [
        {k: pytest.approx(v, rel=1e-12) if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]
