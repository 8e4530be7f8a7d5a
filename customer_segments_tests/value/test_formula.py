"""The forecast against the same in pandas, one date after the other; and that it sees no future."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from customer_segments.months import month_of, shift
from customer_segments.tables import CLEANED_TRANSACTIONS
from customer_segments.value.formula import (
    BANDS,
    INTERVAL,
    LEAST_SHARE,
    foretold,
    with_actual,
)
from customer_segments.value.spent import LEAST_MONTHS
from customer_segments_tests.rfm.lines import line

FIRST, CUSTOMERS, DECAY = date(2009, 12, 1), 80, 120.0
# 17, 18 and 22 months after the first, and one in the middle of a month.
DATES = [date(2011, 5, 1), date(2011, 6, 1), date(2011, 10, 1), date(2011, 12, 10)]


@pytest.fixture(scope="module")
def lines() -> list[dict]:
    """Two years of customers of all rates, some of whom stop, some return what they bought."""
    rng, rows = np.random.default_rng(3), []
    for customer in range(CUSTOMERS):
        rate, stops = rng.uniform(2, 40), rng.integers(60, 900)
        for day in np.unique(rng.integers(0, min(stops, 739), int(rate))):
            is_credit = bool(rows) and rng.random() < 0.1
            rows.append(
                line(
                    len(rows),
                    datetime(2009, 12, 2) + timedelta(days=int(day)),
                    invoice=f"{'C' if is_credit else 'I'}{len(rows)}",
                    customer_id=f"{customer:03d}",
                    quantity=Decimal(int(rng.integers(1, 30)) * (-1 if is_credit else 1)),
                )
            )
    rows.append(line(len(rows), datetime(2011, 1, 5), customer_id=None))
    return rows


class Plain:
    """The formula as the design has it."""

    def __init__(self, lines: list[dict], window_months: int | None = None):
        known = [row for row in lines if row["customer_id"] is not None]
        self.lines = pd.DataFrame(known).assign(day=lambda d: d.invoice_date.dt.normalize())
        self.lines["revenue"] = self.lines["revenue"].astype(float)
        self.window_months = window_months

    def spent(self, since: date, until: date) -> pd.Series:
        days = self.lines.day
        inside = self.lines[(days >= pd.Timestamp(since)) & (days < pd.Timestamp(until))]
        return inside.groupby("customer_id").revenue.sum()

    def states(self, as_of: date) -> pd.Series:
        sales = self.lines[~self.lines.is_credit & (self.lines.day < pd.Timestamp(as_of))]
        last = sales.groupby("customer_id").day.max()
        if self.window_months:
            last = last[last >= pd.Timestamp(_later(month_of(as_of), -self.window_months))]
        return (pd.Timestamp(as_of) - last).dt.days

    def share(self, as_of: date, months: int) -> float:
        since = _later(as_of, -12)
        if since < FIRST:
            return np.nan
        ahead = self.spent(since, _later(since, months)).sum()
        return ahead / self.spent(since, as_of).sum()

    def without_base(self, as_of: date, months: int) -> pd.Series:
        recency = self.states(as_of)
        year = self.spent(_later(as_of, -12), as_of).reindex(recency.index).fillna(0).clip(lower=0)
        return self.share(as_of, months) * year * np.exp(-recency / DECAY)

    def foretold(self, as_of: date, months: int) -> pd.DataFrame:
        learned_at = shift(month_of(as_of), -months)
        then, share = self.without_base(learned_at, months), self.share(learned_at, months)
        came = self.spent(learned_at, _later(learned_at, months)).reindex(then.index)
        came = came.fillna(0).clip(lower=0)
        least = then <= then.quantile(LEAST_SHARE)
        base = max((came - then)[least].mean() / share, 0) if share > 0 else np.nan
        now = self.without_base(as_of, months) + self.share(as_of, months) * np.nan_to_num(base)
        found = pd.DataFrame({"expected": now, "base": base, "low": np.nan, "high": np.nan})
        if share > 0:
            then = then + share * base
            band = (then.rank(method="min").astype(int) - 1) * BANDS // len(then)
            # Whatever the season: of what is expected of a year.
            edges = (then / share).groupby(band).max()[:-1]
            bands = np.searchsorted(edges, then / share)
            ratios = (came / then).groupby(bands).quantile(list(INTERVAL))
            in_band = np.searchsorted(edges, now / self.share(as_of, months))
            for name, q in zip(("low", "high"), INTERVAL, strict=True):
                found[name] = ratios.xs(q, level=1).reindex(in_band).values * now.where(now > 0)
        return found


def _later(day: date, months: int) -> date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()


def made(lines: list[dict], dates: list[date], window_months: int | None = None) -> pd.DataFrame:
    """Return what the expression makes of the lines, with what came."""
    plain = Plain(lines, window_months)
    states = pd.concat(
        [plain.states(d).rename("recency_days").reset_index().assign(as_of=d) for d in dates]
    )
    cleaned = CLEANED_TRANSACTIONS.relation
    con = ibis.duckdb.connect()
    con.create_table(cleaned.get_name(), ibis.memtable(CLEANED_TRANSACTIONS.arrow(lines)))
    rows = ibis.memtable(
        states, schema={"customer_id": "string", "recency_days": "int64", "as_of": "date"}
    )
    found = con.execute(with_actual(cleaned, foretold(cleaned, rows, DECAY, window_months)))
    numbers = ["revenue_12m", "expected", "low", "high", "actual"]
    found[numbers] = found[numbers].astype(float)
    found["as_of"] = pd.to_datetime(found["as_of"]).dt.date
    return found.set_index(["as_of", "horizon_months", "customer_id"]).sort_index()


@pytest.mark.parametrize(
    ("window_months", "stay"), [(None, CUSTOMERS), (14, CUSTOMERS), (None, 30)]
)
def test_it_is_the_formula(lines, window_months, stay):
    """Also where nothing at all is expected of most customers: they have not been seen for long."""
    lines = [
        row
        for row in lines
        if int(row["customer_id"] or 0) < stay or row["invoice_date"] < datetime(2010, 3, 1)
    ]
    plain, found = Plain(lines, window_months), made(lines, DATES, window_months)
    for (as_of, months), rows in found.groupby(level=[0, 1]):
        rows = rows.droplevel([0, 1])
        expected = plain.foretold(as_of, months).sort_index()
        assert list(rows.index) == list(expected.index)
        for name in expected:
            assert np.allclose(rows[name], expected[name], atol=2e-4, equal_nan=True), name
        came = plain.spent(as_of, _later(as_of, months)).reindex(rows.index).fillna(0)
        assert np.allclose(rows["actual"], came.clip(lower=0))
        assert set(rows["has_history"]) == {as_of >= shift(FIRST, LEAST_MONTHS)}
        assert rows["base"].isna().all() == (shift(month_of(as_of), -months) < shift(FIRST, 12))


def test_nothing_from_the_date_on_takes_part(lines):
    as_of = DATES[-2]
    known = [row for row in lines if row["invoice_date"].date() < as_of]
    columns = ["revenue_12m", "share", "base", "expected", "low", "high"]
    pd.testing.assert_frame_equal(made(known, [as_of])[columns], made(lines, [as_of])[columns])


@pytest.mark.parametrize(("day", "is_whole"), [(7, True), (8, False)])
def test_a_first_month_that_starts_late_is_not_counted(lines, day, is_whole):
    start = FIRST.replace(day=day)
    later = [row for row in lines if row["invoice_date"].date() >= start]
    later.append(line(len(lines), datetime.combine(start, datetime.min.time()), customer_id="000"))
    found = made(later, [shift(FIRST, LEAST_MONTHS)])
    assert set(found["has_history"]) == {is_whole}
