"""What checks judged stays: on the real workbook, and from evaluation to evaluation."""

import json

import duckdb

from customer_segments_tests.installations import evaluate_checks

# What a thoughtful analyst would want to see of UCI's 25 months, and nothing else.
STANDS_OUT = {
    # Two sheets share nine days of it: a third of its rows were delivered twice.
    ("rejected_transactions", "reject_rate", "2010-12"),
    # More rows without a customer than ever: 38 %.
    ("rejected_transactions", "reject_rate", "2011-01"),
    # The first Christmas season that the data sees.
    ("cleaned_transactions", "volume", "2010-11"),
    # A year more of history: more customers who have not come back.
    ("segment_profiles", "drift", "2011-11"),
    # It ends on the 9th.
    ("raw_transactions", "complete_month", "2011-12"),
}

# What the first run judged: others who share the warehouse may evaluate its checks again.
FIRST = (
    "(FROM check_history QUALIFY run_id = first_value(run_id) OVER "
    "(PARTITION BY table_name, check_name ORDER BY verdict))"
)


def query(settings, sql: str) -> list[tuple]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_the_real_months_that_stand_out(real_warehouse):
    rows = query(
        real_warehouse,
        "SELECT table_name, check_name, strftime(month, '%Y-%m'), level FROM check_history "
        "WHERE level <> 'ok'",
    )
    assert {row[:3] for row in rows} == STANDS_OUT
    assert {level for *_, level in rows} == {"warn"}


def test_a_row_per_check_month_and_evaluation(real_warehouse):
    rows = query(
        real_warehouse,
        f"SELECT check_name, count(*), count(month), count(DISTINCT month) FROM {FIRST} "
        "GROUP BY check_name",
    )
    counts = {name: tuple(figures) for name, *figures in rows}
    monthly = {"volume", "reject_rate", "customers", "negative_monetary", "drift"}
    monthly |= {"smallest_segment", "separation", "movement", "typical_customer"}
    assert {name for name, figures in counts.items() if figures == (25, 25, 25)} == monthly
    # Of whole tables: of eight of them, with cleaned and rejected judged together.
    assert counts["contract"] == counts["reconciliation"] == (9, 0, 0)


def test_figures_are_those_of_the_month(real_warehouse):
    ((said, figures),) = query(
        real_warehouse,
        f"SELECT said, figures FROM {FIRST} WHERE check_name = 'drift' AND month = '2011-11-01'",
    )
    assert said == "segment sizes drift (PSI 0.31 against last year)"
    assert round(json.loads(figures)["psi_last_year"], 3) == 0.313


def test_the_same_labels_have_the_same_separation_to_the_last_digit(sample_warehouse):
    """A sum of fractions has other last digits each time; what is kept of it has not."""
    kept = "SELECT figures->>'separation' FROM check_history WHERE check_name = 'separation'"
    said = [text for (text,) in query(sample_warehouse, kept)]
    assert len(said) == 24
    assert max(len(text) for text in said) <= len("0.123456")


def test_each_verdict_is_tied_to_what_it_judged(real_warehouse):
    strays = query(
        real_warehouse,
        "SELECT * FROM check_history AS h LEFT JOIN publications AS p USING (publication) WHERE "
        "p.table_name IS DISTINCT FROM h.table_name OR (h.month IS NOT NULL AND p.month IS NOT "
        "NULL AND h.month <> p.month)",
    )
    assert strays == []


def test_evaluations_add_up_and_keep_what_was_judged_before(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    before = query(installed, "SELECT * FROM check_history ORDER BY verdict")
    evaluate_checks(installed, "customer_rfm")
    after = query(installed, "SELECT * FROM check_history ORDER BY verdict")
    assert after[: len(before)] == before
    added = after[len(before) :]
    assert {row[4] for row in added} == {
        "contract",
        "reconciliation",
        "customers",
        "negative_monetary",
    }
    assert [row[0] for row in after] == list(range(1, len(after) + 1))


def test_a_failed_contract_is_remembered_too(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    with duckdb.connect(str(installed.warehouse_path)) as con:
        con.execute("DROP TABLE customer_rfm")
    evaluate_checks(installed, "customer_rfm")
    rows = query(
        installed,
        "SELECT level, said FROM check_history WHERE table_name = 'customer_rfm' AND "
        "check_name = 'contract' ORDER BY verdict",
    )
    assert rows[0] == ("ok", "")
    assert rows[-1][0] == "error"
    assert "has no table customer_rfm yet" in rows[-1][1]
