"""What the customers of each segment are like, and how it changed in a month and in a year.

Belongs here: figures per segment and month, as pure Ibis. Does not: who moved between which
segments (``migration``), scoring itself (``scoring``).
"""

import ibis
from ibis.expr.types import Table

from customer_segments.model.features import COLUMNS
from customer_segments.model.sampling import MOST_CUSTOMERS, some_customers
from customer_segments.policy.model import MOST_CLUSTERS
from customer_segments.segments.migration import next_month, versions_of
from customer_segments.segments.scoring import label_by_version
from customer_segments.tables import SEGMENT_PROFILES
from customer_segments.tables.money import SUM

# What is compared with, and how many months back that is.
EARLIER = {"last_month": 1, "last_year": 12}


def segment_profiles(
    segments: Table, rfm: Table, kmeans_model: Table, most: int = MOST_CLUSTERS
) -> Table:
    """Return a profile of each segment at the end of each month.

    What is compared with is counted under the version that labelled the month itself: a refit
    changes no segment's size since last month.
    ``segments`` are the months wanted, ``rfm`` the twelve before each, as far as they are there;
    a version has at most ``most`` clusters.
    """
    figures = _figures(segments)
    profiles = _with_action(_shares(figures), kmeans_model)
    counted = _counted_earlier(figures, versions_of(segments), rfm, kmeans_model, most)
    for name, months_back in EARLIER.items():
        profiles = _compared(profiles, counted, name, months_back)
    return profiles.select(*SEGMENT_PROFILES.schema.names)


def _figures(segments: Table) -> Table:
    """Add up the customers of each segment; sums are exact, so that means are the same anywhere.

    Medians of a large segment are those of ``some_customers``: the engine has to hold them all.
    """
    customers, key = segments.count().cast("float64"), ["snapshot_month", "segment"]
    figures = segments.group_by(key).agg(
        customers=segments.count(),
        revenue=segments.monetary.sum().cast(SUM),
        model_version=segments.model_version.max(),
        **{
            f"mean_{name}": segments[name].sum().cast("float64") / customers
            for name in COLUMNS.values()
        },
    )
    rows = segments.select(*key, "customer_id", *COLUMNS.values())
    some = some_customers(rows, *key, most=MOST_CUSTOMERS // 2)
    medians = some.group_by(key).agg(
        **{
            f"median_{name}": some[name].cast("float64").median().cast("float64")
            for name in COLUMNS.values()
        }
    )
    return figures.left_join(medians, key).select(
        *figures.columns, *(f"median_{name}" for name in COLUMNS.values())
    )


def _shares(profiles: Table) -> Table:
    def of_month(value: ibis.Value) -> ibis.Value:
        return value.sum().over(group_by="snapshot_month").cast("float64")

    revenue = of_month(profiles.revenue)
    return profiles.mutate(
        share=profiles.customers.cast("float64") / of_month(profiles.customers),
        # Of money that credit notes have eaten up there are no shares.
        revenue_share=profiles.revenue.cast("float64") / (revenue > 0).ifelse(revenue, None),
    )


def _with_action(profiles: Table, kmeans_model: Table) -> Table:
    """Add what to do about the segment, whatever some of its customers are to be told."""
    clusters = kmeans_model.select("segment", "suggested_action", model_version="version")
    return profiles.inner_join(clusters, ["model_version", "segment"])


def _counted_earlier(
    figures: Table, versions: Table, rfm: Table, kmeans_model: Table, most: int
) -> Table:
    """Count customers and money per earlier snapshot, segment and version to judge it by."""
    earlier = [
        versions.select("model_version", snapshot_month=next_month(versions, -months_back))
        for months_back in EARLIER.values()
    ]
    # A snapshot is scored once, though it is last month's and last year's; and not again by the
    # version that labelled it.
    judged, of = ibis.union(*earlier, distinct=True), ["snapshot_month", "model_version"]
    others = rfm.inner_join(judged.anti_join(versions, of), "snapshot_month")
    labelled = label_by_version(others, kmeans_model, most)
    counted = labelled.group_by(*of, "segment").agg(
        customers=labelled.count(), revenue=labelled.monetary.sum().cast(SUM)
    )
    return counted.union(figures.semi_join(judged, of).select(*counted.columns))


def _compared(profiles: Table, counted: Table, name: str, months_back: int) -> Table:
    """Add customers and money of ``months_back`` months before: null where no snapshot is."""
    counted = counted.mutate(snapshot_month=next_month(counted, months_back))
    there = counted.select("snapshot_month", is_there=True).distinct()
    joined = profiles.left_join(there, "snapshot_month").drop("snapshot_month_right")
    keys = ["snapshot_month", "model_version", "segment"]
    joined = joined.left_join(counted, keys, rname="{name}_then")

    def known(value: ibis.Value, dtype: str) -> ibis.Value:
        return ibis.ifelse(joined.is_there, value.fill_null(0).cast(dtype), ibis.null(dtype))

    return joined.select(
        *profiles.columns,
        **{
            f"customers_{name}": known(joined.customers_then, "int64"),
            f"revenue_{name}": known(joined.revenue_then, SUM),
        },
    )
