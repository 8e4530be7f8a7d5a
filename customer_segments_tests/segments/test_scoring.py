"""Scoring by itself: what plain Python says, and who wins a tie."""

from datetime import date
from decimal import Decimal

import ibis

from customer_segments.segments.scoring import label, label_by_version
from customer_segments.tables import CUSTOMER_RFM, KMEANS_MODEL
from customer_segments_tests.segments.plain import cluster_row, nearest, rfm_row

MONTH = date(2011, 3, 1)


def clusters_of(customers, clusters, scoring=label):
    con = ibis.duckdb.connect()
    con.create_table("rfm", ibis.memtable(CUSTOMER_RFM.arrow(customers)))
    con.create_table("model", ibis.memtable(KMEANS_MODEL.arrow(clusters)))
    rfm = con.table("rfm").mutate(model_version=ibis.literal("a"))
    labelled = scoring(rfm, con.table("model")).order_by("customer_id")
    return con.to_pyarrow(labelled)["cluster"].to_pylist()


def test_of_two_clusters_as_near_the_lower_number_labels():
    far, near = (3.0, 3.0, 3.0), (-0.7, 0.2, 0.1)
    clusters = [cluster_row("a", n, f"S{n}", at) for n, at in enumerate([far, near, near, far])]
    customers = [rfm_row(MONTH, "A"), rfm_row(MONTH, "B", recency_days=900, monetary=Decimal(9))]
    assert [nearest(customer, clusters)["cluster"] for customer in customers] == [1, 0]
    for scoring in (label, label_by_version):
        for order in (clusters, clusters[::-1]):
            assert clusters_of(customers, order, scoring) == [1, 0]
