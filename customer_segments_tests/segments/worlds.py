"""Small invented worlds: snapshots with gaps, labelled by whichever of two model versions."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from customer_segments.months import shift
from customer_segments_tests.segments.plain import cluster_row, labelled, rfm_row

FIRST = date(2010, 1, 1)
MODEL = [
    cluster_row("a", 0, "Champions", (-0.7, 1.3, 1.1)),
    cluster_row("a", 1, "Lost", (0.8, -0.9, -0.6)),
    cluster_row("b", 0, "Champions", (-1.9, 1.7, 1.3)),
    cluster_row("b", 1, "At Risk", (1.1, 0.6, 0.7)),
    cluster_row("b", 2, "Promising", (-0.2, -0.8, -1.1)),
    cluster_row("never in force", 0, "Promising", (0.0, 0.0, 0.0)),
]
VERSIONS = {name: [row for row in MODEL if row["version"] == name] for name in ("a", "b")}


@st.composite
def worlds(draw, offsets=(0, 1, 2, 3)):
    """Draw labelled customers and snapshots of months, ``offsets`` from the first.

    A customer may come back or go for good; a month may have no snapshot, or no labels.
    """
    customer = st.builds(
        dict,
        recency_days=st.integers(1, 400),
        frequency=st.integers(1, 30),
        monetary=st.decimals(-50, 3_000, places=4),
        age=st.integers(0, 2),
    )
    segments, rfm = [], []
    for offset in offsets:
        month = shift(FIRST, offset)
        snapshot = draw(st.dictionaries(st.sampled_from("ABCDE"), customer, max_size=5))
        rows = [
            rfm_row(month, name, first_purchase_date=shift(month, -values.pop("age")), **values)
            for name, values in snapshot.items()
        ]
        rfm += rows
        version = draw(st.sampled_from(["a", "a", "b", None]))
        segments += labelled(rows, VERSIONS[version]) if version else []
    return segments, rfm


def unmoved(month: date, version: str, months: int = 2):
    """Return customers who are alike in all months, the last of them labelled by ``version``."""
    kinds = [(2, 25, 2_000), (300, 1, 5), (150, 6, 700), (20, 2, 60), (399, 20, 900)]
    rfm = [
        rfm_row(
            shift(month, -back),
            f"C{index}",
            recency_days=recency,
            frequency=frequency,
            monetary=Decimal(monetary),
        )
        for back in range(months)
        for index, (recency, frequency, monetary) in enumerate(kinds)
    ]
    segments = []
    for back in range(months):
        snapshot = [row for row in rfm if row["snapshot_month"] == shift(month, -back)]
        other = "a" if version == "b" else "b"
        segments += labelled(snapshot, VERSIONS[other if back else version])
    return segments, rfm
