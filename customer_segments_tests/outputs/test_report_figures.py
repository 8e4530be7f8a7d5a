"""Figures of the report, recomputed from transactions by plain SQL: not by the code that made it.

From ``cleaned_transactions`` and ``rejected_transactions`` alone; only which customer is in which
segment is taken from ``customer_segments``.
"""

from datetime import date

import pytest

from customer_segments.outputs.figures import by_reason
from customer_segments.outputs.reading import read_month
from customer_segments.storage import Warehouse
from customer_segments_tests.ingestion import ingested
from customer_segments_tests.outputs.conftest import MONTH, SHARE, TODAY

# Who had bought by the end of a month, and what: as of {0}, a day after it.
STATE = """
    SELECT customer_id, sum(revenue) AS money,
           count(DISTINCT invoice) FILTER (NOT is_credit) AS orders,
           date_diff('day', max(invoice_date) FILTER (NOT is_credit)::DATE, DATE '{0}') AS days
    FROM cleaned_transactions WHERE invoice_date < DATE '{0}'
    GROUP BY 1 HAVING count(*) FILTER (NOT is_credit) > 0
"""
NOW, BEFORE, YEAR_BEFORE = "2025-01-01", "2024-12-01", "2024-01-01"
SEGMENT = "SELECT customer_id, segment FROM customer_segments WHERE snapshot_month = DATE '{}' "


@pytest.fixture(scope="module")
def ask(reported):
    return lambda sql: ingested.ask(reported.settings, sql)


def whole(number) -> str:
    """A figure as tables show it."""
    return f"{round(number):,}".replace("-", "\N{MINUS SIGN}")


def test_segments(reported, ask):
    rows = ask(
        f"SELECT segment, count(*), sum(money), median(days), median(orders), median(money), "
        f"sum(money - coalesce(y.before, 0)) FROM ({STATE.format(NOW)}) "
        f"JOIN ({SEGMENT.format(MONTH)}) USING (customer_id) LEFT JOIN (SELECT customer_id, money "
        f"AS before FROM ({STATE.format(YEAR_BEFORE)})) AS y USING (customer_id) GROUP BY 1"
    )
    customers, money = (sum(row[index] for row in rows) for index in (1, 2))
    assert len(rows) == 5
    for segment, count, brought, days, orders, typical, year in rows:
        row = reported.page.row("segments", segment)
        assert row[1:3] == [f"{count:,}", f"{count / customers:.1%}"]
        assert row[5:7] == [whole(brought), f"{brought / money:.1%}"]
        assert row[7:] == [whole(year), f"{days:g}", f"{orders:g}", whole(typical)]
    total = reported.page.row("segments", "All")
    assert (total[1], total[5]) == (f"{customers:,}", whole(money))


def test_the_summary(reported, ask):
    ((now,),) = ask(f"SELECT count(*) FROM ({STATE.format(NOW)})")
    ((before,),) = ask(f"SELECT count(*) FROM ({STATE.format(BEFORE)})")
    ((money,),) = ask(f"SELECT sum(money) FROM ({STATE.format(NOW)})")
    assert (
        f"{now:,} customers had bought at least once, {now - before} more than a month before; "
        f"together they brought {money / 1_000_000:.2f} million"
    ) in reported.page.text
    month, last_month, last_year = (
        ask(f"SELECT sum(revenue) FROM cleaned_transactions WHERE month = DATE '{day}'")[0][0]
        for day in ("2024-12-01", "2024-11-01", "2023-12-01")
    )
    assert month > last_month > last_year
    assert (
        f"December 2024 brought {month:,.0f}, more than the month before ({last_month:,.0f}) and "
        f"more than December 2023 ({last_year:,.0f})."
    ) in reported.page.text


def test_moves(reported, ask):
    """The sample was labelled by one model: last month's labels are those to compare with."""
    rows = ask(
        f"SELECT coalesce(o.segment, 'New') AS origin, t.segment AS target, count(*), "
        f"coalesce(sum(b.money), 0), sum(n.money - coalesce(b.money, 0)) "
        f"FROM ({SEGMENT.format(MONTH)}) AS t JOIN ({STATE.format(NOW)}) AS n USING (customer_id) "
        f"LEFT JOIN ({SEGMENT.format('2024-11-01')}) AS o USING (customer_id) "
        f"LEFT JOIN ({STATE.format(BEFORE)}) AS b USING (customer_id) GROUP BY ALL"
    )
    shown = {tuple(row[:2]): row[3:] for row in reported.page.tables["moves"][1:]}
    assert shown == {
        (origin, target): [f"{customers:,}", whole(before), whole(since)]
        for origin, target, customers, before, since in rows
    }
    first = reported.page.tables["tasks"][1]
    slipped = tuple(first[1:3])
    assert (first[0], slipped[0]) == ("slipped", "Champions")
    assert first[3:5] == shown[slipped][:2]
    assert f"who slipped from {slipped[0]} to {slipped[1]}: they had brought {first[4]} by" in (
        reported.page.text
    )
    new = next(row for row in reported.page.tables["tasks"] if row[0] == "new")
    joined = [row for row in rows if row[0] == "New"]
    assert new[3:5] == [f"{sum(r[2] for r in joined):,}", whole(sum(r[4] for r in joined))]


def test_rows(reported, ask):
    reasons = ask(
        "SELECT reason, count(*) FILTER (month = DATE '2024-12-01'), count(*), "
        "coalesce(sum(revenue) FILTER (month = DATE '2024-12-01'), 0), coalesce(sum(revenue), 0) "
        "FROM (SELECT month, 'kept' AS reason, revenue FROM cleaned_transactions UNION ALL "
        "SELECT month, reason, revenue FROM rejected_transactions) GROUP BY 1"
    )
    in_month, in_all = (sum(row[index] for row in reasons) for index in (1, 2))
    ((raw,),) = ask("SELECT count(*) FROM raw_transactions")
    assert in_all == raw
    assert len(reasons) == len(reported.page.tables["rows"]) - 1
    for reason, month, so_far, money, money_so_far in reasons:
        assert reported.page.row("rows", reason)[2:] == [
            f"{month:,}",
            f"{month / in_month:.1%}",
            whole(money),
            f"{so_far:,}",
            f"{so_far / in_all:.1%}",
            whole(money_so_far),
        ]


def test_large_accounts_and_what_deleting_outliers_would_lose(reported, ask):
    """Tukey's fences, as a notebook has them."""
    rows = ask(f"SELECT money::DOUBLE, orders FROM ({STATE.format(NOW)})")
    ((m1, m3, o1, o3),) = ask(
        "SELECT quantile_cont(money, .25), quantile_cont(money, .75), quantile_cont(orders, .25), "
        f"quantile_cont(orders, .75) FROM (SELECT money::DOUBLE AS money, orders "
        f"FROM ({STATE.format(NOW)}))"
    )
    total = sum(money for money, _ in rows)
    large = [money for money, _ in rows if money > m3 + 1.5 * (m3 - m1)]
    lost = [
        money
        for money, orders in rows
        if not m1 - 1.5 * (m3 - m1) <= money <= m3 + 1.5 * (m3 - m1)
        or not o1 - 1.5 * (o3 - o1) <= orders <= o3 + 1.5 * (o3 - o1)
    ]
    top = sorted(money for money, _ in rows)[-10:]
    assert (
        f"{len(large)} customers of {len(rows):,} are marked as wholesale accounts, for spending "
        f"far more than most: they brought {sum(large) / total:.0%} of the money. The 10 largest "
        f"alone brought {sum(top) / total:.0%}."
    ) in reported.page.text
    assert (
        f"would throw away {len(lost)} customers ({len(lost) / len(rows):.0%}) with "
        f"{sum(lost) / total:.0%} of the money"
    ) in reported.page.text


def test_who_came_back(reported, ask):
    """Of customers in a segment at the end of a month, who bought in the three months after it."""
    rows = ask(
        "SELECT segment, count(*), "
        "count(*) FILTER (EXISTS (SELECT 1 FROM cleaned_transactions AS c "
        "WHERE c.customer_id = s.customer_id AND NOT c.is_credit "
        "AND c.invoice_date >= s.snapshot_month + INTERVAL 1 MONTH "
        "AND c.invoice_date < s.snapshot_month + INTERVAL 4 MONTH)) "
        "FROM customer_segments AS s WHERE snapshot_month <= DATE '2024-09-01' GROUP BY 1"
    )
    cards = reported.page.text.split(" What to do: ")[1:]
    assert len(cards) == len(rows)
    shares = {segment: f"{back / customers:.1%}" for segment, customers, back in rows}
    order = [row[0] for row in reported.page.tables["segments"][1:-1]]
    for segment, card in zip(order, cards, strict=True):
        assert f"{shares[segment]} bought again within 3 months." in card


def test_an_earlier_month_knows_nothing_of_later_ones(reported, ask):
    month = date(2024, 3, 1)
    warehouse = Warehouse(reported.settings.warehouse_path)
    view = read_month(warehouse, month, TODAY, SHARE)
    ((kept,),) = ask(f"SELECT count(*) FROM cleaned_transactions WHERE month <= DATE '{month}'")
    assert by_reason(view)[0]["rows_so_far"] == kept
    assert len(view.year) == 5
    assert view.people["last_purchase_date"].max().date() < date(2024, 4, 1)
    # A first month has no year behind it.
    assert read_month(warehouse, date(2023, 6, 1), TODAY, SHARE).year == {}
