"""What a report says in figures, taken from its evidence.

Belongs here: per segment and per month, what stands in the report's tables. Does not: reading
(``evidence``, ``background``), moves between segments (``moves``), sentences (``wording``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from customer_segments.evaluation.findings import means
from customer_segments.months import shift
from customer_segments.reports.background import KEPT
from customer_segments.reports.evidence import Evidence
from customer_segments.reports.moves import STAYED, Move, moves_of, of_month
from customer_segments.reports.pictures.palette import in_order
from customer_segments.segments.tiers import WHOLESALE

if TYPE_CHECKING:
    import pandas as pd

# Of past customers of a segment, how many bought again within so many months.
BACK_WITHIN = 3
NAMED_COUNTRIES = 3
LARGEST = 10


@dataclass(frozen=True)
class Segment:
    """A segment at the month's end; what is not known is ``None``."""

    name: str
    description: str
    action: str
    customers: int
    share: float
    revenue: float
    revenue_share: float | None
    year: float | None
    recency: float
    frequency: float
    monetary: float
    since_month: int | None
    since_year: int | None
    wholesale: int
    back: float | None
    countries: tuple[tuple[str, float], ...]
    moves: tuple[Move, ...]

    def came(self, *directions: str) -> list[Move]:
        """Return the moves into this segment in the directions given, most money first."""
        return [m for m in self.moves if m.target == self.name and m.direction in directions]

    def went(self) -> list[Move]:
        """Return the moves out of this segment, most money first."""
        return [m for m in self.moves if m.origin == self.name and m.direction != STAYED]


class Taken(NamedTuple):
    """Net revenue of the lines that count: of the month, the one before, that a year before."""

    month: float
    last_month: float | None
    last_year: float | None


class Total(NamedTuple):
    """Change in the number of customers since last month and last year, where known."""

    since_month: int | None
    since_year: int | None


class Reason(NamedTuple):
    """Rows of a kind, in this month and in all up to it."""

    reason: str
    rows: int
    share: float
    revenue: float
    rows_so_far: int
    share_so_far: float
    revenue_so_far: float


def segments_of(evidence: Evidence) -> list[Segment]:
    """Return the month's segments, in the order in which pictures have them: best first."""
    month = of_month(evidence.profiles, evidence.month)
    described = evidence.clusters.set_index("segment")
    moves = moves_of(evidence)
    back = evidence.retention[evidence.retention["months_after"] == BACK_WITHIN]
    back = back.set_index("segment")
    found = []
    for row in month.set_index("segment", drop=False).loc[in_order(month["segment"])].itertuples():
        own = evidence.customers[evidence.customers["segment"] == row.segment]
        name = str(row.segment)
        found.append(
            Segment(
                name=name,
                description=described["description"].get(name, ""),
                action=row.suggested_action,
                customers=int(row.customers),
                share=float(row.share),
                revenue=float(row.revenue),
                revenue_share=_known(row.revenue_share),
                year=evidence.background.year.get(name),
                recency=float(row.median_recency_days),
                frequency=float(row.median_frequency),
                monetary=float(row.median_monetary),
                since_month=_since(row.customers, row.customers_last_month),
                since_year=_since(row.customers, row.customers_last_year),
                wholesale=int((own["account_tier"] == WHOLESALE).sum()),
                back=(
                    float(back.loc[name, "returned"] / back.loc[name, "customers"])
                    if name in back.index
                    else None
                ),
                countries=_countries(own["country"]),
                moves=tuple(m for m in moves if name in (m.origin, m.target)),
            )
        )
    return found


def taken(evidence: Evidence) -> Taken:
    """Return what the month brought, over all customers."""
    rows = evidence.background.rows
    kept = rows[rows["reason"] == KEPT].set_index("month")["revenue"]
    by_month = {when.date(): float(revenue) for when, revenue in kept.items()}
    return Taken(
        by_month.get(evidence.month, 0.0),
        by_month.get(shift(evidence.month, -1)),
        by_month.get(shift(evidence.month, -12)),
    )


def reasons_of(evidence: Evidence) -> list[Reason]:
    """Return the rows kept and rejected by reason: kept first, then most rows so far first."""
    rows = evidence.background.rows
    so_far = rows.groupby("reason")[["rows", "revenue"]].sum()
    month = of_month(rows, evidence.month, "month").set_index("reason")[["rows", "revenue"]]
    month = month.reindex(so_far.index).fillna(0)
    order = sorted(so_far.index, key=lambda reason: (reason != KEPT, -so_far["rows"][reason]))
    return [
        Reason(
            reason,
            int(month["rows"][reason]),
            _part(month["rows"], reason),
            float(month["revenue"][reason]),
            int(so_far["rows"][reason]),
            _part(so_far["rows"], reason),
            float(so_far["revenue"][reason]),
        )
        for reason in order
    ]


def total_of(segments: Sequence[Segment]) -> Total:
    """Return how the number of all customers in segments changed."""
    return Total(
        *(
            None if any(n is None for n in each) else sum(n for n in each if n is not None)
            for each in ([s.since_month for s in segments], [s.since_year for s in segments])
        )
    )


def best_first(comparison: "pd.DataFrame") -> "pd.DataFrame":
    """Return the ways to group customers, those that pass first, then by silhouette."""
    return comparison.sort_values(
        ["passes", "silhouette", "labelling"], ascending=[False, False, True]
    )


def longest_horizon(backtest: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each way foretold of the most months, as means over the dates, best first."""
    averages = means(backtest)
    return averages[averages["horizon_months"] == averages["horizon_months"].max()]


def largest_share(evidence: Evidence) -> float | None:
    """Return the share of the revenue that the ten customers hold who brought most."""
    monetary = evidence.customers["monetary"]
    total = monetary.sum()
    return float(monetary.nlargest(LARGEST).sum() / total) if total > 0 else None


def _since(now: int, before: float | None) -> int | None:
    before = _known(before)
    return None if before is None else int(now) - int(before)


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def _part(rows: "pd.Series", reason: str) -> float:
    return float(rows[reason] / rows.sum()) if rows.sum() else 0.0


def _countries(countries: "pd.Series") -> tuple[tuple[str, float], ...]:
    shares = countries.dropna().value_counts(normalize=True)
    # In order of their names where as many customers are from each.
    ordered = sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple((str(country), float(share)) for country, share in ordered[:NAMED_COUNTRIES])
