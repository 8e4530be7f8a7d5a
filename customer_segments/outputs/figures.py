"""A month in figures: by segment, by move between segments, by what became of its rows.

Belongs here: what report, workbook and terminal show in tables, taken from the month's view. Does
not: how a figure is written (``columns``, ``words``), sentences.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import pandas as pd

from customer_segments.model.names import SEGMENTS
from customer_segments.months import shift
from customer_segments.outputs.queries import KEPT
from customer_segments.outputs.view import MonthTotals, MonthView
from customer_segments.segments.profiles import EARLIER
from customer_segments.segments.tiers import WHOLESALE
from customer_segments.tables import GONE, NEW

# Of past customers of a segment, how many bought again within so many months.
BACK_WITHIN = 3
NAMED_COUNTRIES = 3
# Mean percentiles of recency that differ by less: customers bought as recently.
AS_RECENT = 0.1
STAYED, SLIPPED, ROSE, CAME, LEFT = "stayed", "slipped", "rose", "new", "gone"
# Rows of the table of whom to turn to first: more than that is no order any more.
MOST = {SLIPPED: 4, ROSE: 2}
MOVED = {"from_segment": "origin", "to_segment": "target"}
MOVED |= {"revenue_before": "before", "revenue_moved": "brought"}


def known(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows; what is null is ``None``."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def by_segment(view: MonthTotals) -> list[dict[str, Any]]:
    """Return a row per segment of the model, also of one that nobody is in, in its order.

    Columns of ``segment_profiles``, and ``description``, ``year``, ``expected``,
    ``since_last_month`` and ``since_last_year``; what is not known is missing or ``None``.
    """
    profiles = {row["segment"]: row for row in known(view.of_month(view.profiles))}
    left = view.of_month(view.migration).groupby("from_segment")["customers"].sum()
    rows = []
    for cluster in known(view.clusters):
        name = cluster["segment"]
        # All who were there have moved.
        before = int(left.get(name, 0)) if len(left) else None
        nobody = {"customers": 0, "share": 0, "revenue": 0, "customers_last_month": before}
        said = {each: cluster[each] for each in ("segment", "description", "suggested_action")}
        ahead = {"year": view.year.get(name), "expected": view.expected.get(name)}
        rows.append(_compared(profiles.get(name, nobody) | said | ahead))
    return rows


def total_of(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums of rows by segment; of what is not known of each, ``None``."""
    total: dict[str, Any] = {}
    for name in ("customers", "revenue", "year", "customers_last_month", "customers_last_year"):
        each = [row.get(name) for row in rows]
        total[name] = None if None in each else sum(each)
    return _compared(total)


def shown_segments(view: MonthView) -> list[dict[str, Any]]:
    """Return the rows of segments with customers, best first, with what only the report says.

    That is ``wholesale`` accounts, how many have ``another_action``, the share of past customers
    who came ``back``, ``countries`` with their shares, and the moves: those who ``went`` and those
    who ``came``.
    """
    moves = [move for move in moves_of(view) if move["direction"] != STAYED]
    back = view.retention[view.retention["months_after"] == BACK_WITHIN].set_index("segment")
    shares = (back["returned"] / back["customers"]).to_dict()
    rows = {row["segment"]: row for row in by_segment(view) if row["customers"]}
    for name, row in rows.items():
        own = view.people[view.people["segment"] == name]
        row["wholesale"] = view.scaled(int((own["account_tier"] == WHOLESALE).sum()))
        is_other = own["suggested_action"] != row["suggested_action"]
        row["another_action"] = view.scaled(int(is_other.sum()))
        row["back"] = shares.get(name)
        countries = own["country"].value_counts(normalize=True).items()
        # In order of their names where as many customers are from each.
        row["countries"] = sorted(countries, key=lambda of: (-of[1], of[0]))[:NAMED_COUNTRIES]
        row["went"] = [move for move in moves if move["origin"] == name]
        row["came"] = [move for move in moves if move["target"] == name]
    return [*rows.values()]


def moves_of(view: MonthView) -> list[dict[str, Any]]:
    """Return the moves since last month, most money first, then who stayed, most money first.

    None if there was nobody a month before. A move has ``origin``, ``target``, ``customers``, the
    net revenue that they had brought by last month's end (``before``) and ``brought`` since, and a
    ``direction``: ``SLIPPED`` if customers of the new segment bought less recently than those of
    the old one, or as recently but for less money, by the model's mean percentiles; else ``ROSE``;
    or ``STAYED``, ``CAME`` and ``LEFT``.
    """
    if not view.of_month(view.profiles)["customers_last_month"].fillna(0).sum() > 0:
        return []
    ranks = view.clusters.set_index("segment")[["recency_rank", "monetary_rank"]]
    moves = known(view.of_month(view.migration).rename(columns=MOVED))
    for move in moves:
        move["direction"] = _direction(move["origin"], move["target"], ranks)
        place = (move["direction"] == STAYED, -max(move["before"], move["brought"]))
        move["place"] = (*place, move["origin"], move["target"])
    return sorted(moves, key=itemgetter("place"))


def tasks(view: MonthView) -> list[dict[str, Any]]:
    """Return whom to turn to first: who slipped, by the money they had brought; who rose; the new.

    Moves with ``how`` they moved, the ``money`` at stake and the ``action`` to take. Nobody is
    named of whom nothing is at stake: who slipped or rose had brought money. Nobody at all in a
    month that is not complete: who has not ordered yet may still do so in it.
    """
    if not view.is_complete:
        return []
    actions = dict(zip(view.clusters["segment"], view.clusters["suggested_action"], strict=True))
    moves = moves_of(view)
    found = [
        move | {"how": how, "money": move["before"], "action": actions[move["target"]]}
        for how, most in MOST.items()
        for move in [m for m in moves if m["direction"] == how and m["before"] > 0][:most]
    ]
    if new := [move for move in moves if move["direction"] == CAME]:
        customers, money = (sum(move[name] for move in new) for name in ("customers", "brought"))
        said = {"how": CAME, "origin": NEW, "action": SEGMENTS["New Customers"][1]}
        found.append(said | {"customers": customers, "money": money})
    return found


def taken(view: MonthView) -> dict[str, float | None]:
    """Return the net revenue of lines that count: ``now``, ``last_month`` and ``last_year``."""
    kept = view.rows[view.rows["reason"] == KEPT]
    by_month = {row.month.date(): float(row.revenue) for row in kept.itertuples()}
    earlier = {then: by_month.get(shift(view.month, -back)) for then, back in EARLIER.items()}
    return {"now": by_month.get(view.month, 0.0), **earlier}


def by_reason(view: MonthView) -> list[dict[str, Any]]:
    """Return the rows kept and rejected by ``reason``: kept first, then most rows so far first.

    ``rows``, their ``share`` and ``revenue`` in this month, and each ``_so_far`` in all up to it.
    """
    until = view.rows[view.rows["month"] <= pd.Timestamp(view.month)]
    so_far = until.groupby("reason")[["rows", "revenue"]].sum()
    month = view.of_month(until, "month").set_index("reason")[["rows", "revenue"]]
    month = month.reindex(so_far.index).fillna(0)
    for table in (month, so_far):
        table["share"] = (table["rows"] / table["rows"].sum()).fillna(0)
    both = month.join(so_far.add_suffix("_so_far")).reset_index()
    both["is_rejected"] = both["reason"] != KEPT
    return known(both.sort_values(["is_rejected", "rows_so_far"], ascending=[True, False]))


def _compared(row: dict[str, Any]) -> dict[str, Any]:
    for then in EARLIER:
        before = row.get(f"customers_{then}")
        row[f"since_{then}"] = None if before is None else int(row["customers"] - before)
    return row


def _direction(origin: str, target: str, ranks: pd.DataFrame) -> str:
    if origin == target:
        return STAYED
    if origin == NEW:
        return CAME
    if target == GONE:
        return LEFT
    recency, monetary = ranks.loc[target] - ranks.loc[origin]
    is_lower = monetary < 0 if abs(recency) < AS_RECENT else recency < 0
    return SLIPPED if is_lower else ROSE
