"""Expressions say the same on both engines, also of cells that nobody would have thought of."""

import random
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import ibis
import pyarrow as pa
import pytest
from upath import UPath

from customer_segments.cleaning.rules import cleaned, rejected
from customer_segments.policy.rules import UCI_PRODUCT_PATTERN, Cleaning
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.segments.actions import with_action
from customer_segments.segments.scoring import label
from customer_segments.segments.tiers import with_account_tier
from customer_segments.storage import Contract
from customer_segments.storage.delta import PART
from customer_segments.tables import (
    CLEANED_TRANSACTIONS,
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    CUSTOMER_VALUE,
    KMEANS_MODEL,
    RAW_TRANSACTIONS,
    REJECTED_TRANSACTIONS,
)
from customer_segments.value.customer_value import customer_value
from customer_segments_tests.cleaning.raw_rows import FEBRUARY, JANUARY, MARCH, raw_row
from customer_segments_tests.model.versions import made_up

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("pysail", "pyspark"))), reason="the extra `cluster` is not installed"
)

TODAY = date(2026, 1, 1)
# Letters that look alike, that have no case, that are none. Not a small ß: docs/cluster.md, Limits.
TEXTS = ["", " ", "\n", "\\1", "$1", "%", "_", "'; DROP TABLE x; --", '"', "{}", "NaN", "1e3"]
TEXTS += ["\u1e9e", "\u0130", "\u0131", "\u017ft", "\u01c4", "é", "e\u0301", "\u00a0a", "a\x00"]
TEXTS += ["\U0001f600", "\u200f1"]
HOSTILE: dict[str, list] = {
    "invoice": [None, "536365", "536366", "C536365", "c1", "A1", "C", *TEXTS],
    "stock_code": [None, "85123A", "85123a", "POST", "PADS", "M", "85123A\n", "gift_0001", *TEXTS],
    "description": [None, "LAMP", "lamp", *TEXTS],
    "quantity": [Decimal(each) for each in ("6", "-6", "0", "0.0001", "-0.5", "99999999")],
    "price": [Decimal(each) for each in ("2.55", "0", "-1", "0.000001", "0.00005", "12345.678945")],
    "customer_id": [None, "17850", "017850", "k12", "K12", *TEXTS],
    "country": [None, "United Kingdom", "EIRE", *TEXTS],
    "status": [None, "paid", " PAID ", "void", *TEXTS],
    "is_superseded": [False, False, False, True],
    "is_negative_prefix": [True, False],
    "is_uci": [True, False],
    "unreadable_column": [None, None, None, None, "price"],
}
RULES = {
    "as they are": Cleaning(),
    "by sign, repeats dropped": Cleaning(credit="sign", drop_repeated_lines=True),
    "by price, by pattern": Cleaning(
        credit="price", product_pattern=UCI_PRODUCT_PATTERN, drop_missing_customer=False
    ),
    "few": Cleaning(statuses=["paid"], drop_non_products=False, drop_non_positive_price=False),
}


def hostile_rows(number: int, seed: int = 20111209) -> list[dict]:
    """Rows of three months, every cell drawn by itself; some stand twice."""
    chance, rows = random.Random(seed), []
    for n in range(number):
        month = chance.choice([JANUARY, FEBRUARY, MARCH])
        day, hour, microsecond = chance.choice([(1, 0, 0), (17, 8, 1), (28, 23, 999_999)])
        cells = {name: chance.choice(values) for name, values in HOSTILE.items()}
        cells |= {
            "month": month,
            "invoice_date": datetime(2011, month.month, day, hour, 0, 0, microsecond),
        }
        rows += [
            raw_row(2 * n + again + 2, **cells) for again in range(1 + (chance.random() < 0.2))
        ]
    return rows


class Both:
    """Runs expressions on DuckDB and on Sail, over the same tables."""

    def __init__(self, folder: Path, tables: Mapping[str, pa.Table]):
        self.folder, self.tables = UPath(folder), dict(tables)
        self.con = ibis.duckdb.connect()
        for name, rows in tables.items():
            self.con.create_table(name, ibis.memtable(rows))

    def differences(self, contract: Contract, expression: ibis.Table) -> tuple[int, int, int]:
        """Return how many rows there are, and in how many of each side the other differs."""
        from customer_segments.storage.engine import write

        self.folder /= "and"
        typed = expression.cast(dict(contract.relation.schema().items()))
        self.con.raw_sql(f"CREATE OR REPLACE TABLE one AS {self.con.compile(typed)}")
        tables = {n: rows for n, rows in self.tables.items() if n in self.con.compile(expression)}
        write("sail", "1GB", expression, contract, tables, self.folder, PART)
        columns = ", ".join(
            f'round("{name}", 4)' if dtype.is_floating() else f'"{name}"'
            for name, dtype in contract.schema.items()
        )
        other = f"read_parquet('{self.folder}/*/*.parquet', hive_partitioning = false)"
        sides = [f"SELECT {columns} FROM {side}" for side in ("one", other)]
        counts = [f"SELECT count(*) FROM ({a} EXCEPT ALL {b})" for a, b in (sides, sides[::-1])]
        first, *others = (
            self.con.raw_sql(sql).fetchall()[0][0] for sql in ("SELECT count(*) FROM one", *counts)
        )
        return first, others[0], others[1]


def test_engines_agree():
    """In a process of pytest's own: pyspark does not start in xdist's, which are ``python -c``."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "slow", __file__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.slow  # here in the test before it
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_engines_clean_alike(tmp_path, rules):
    raw = RAW_TRANSACTIONS.relation
    both = Both(tmp_path, {RAW_TRANSACTIONS.table: RAW_TRANSACTIONS.arrow(hostile_rows(2_000))})
    for contract, side in ((CLEANED_TRANSACTIONS, cleaned), (REJECTED_TRANSACTIONS, rejected)):
        rows, *differing = both.differences(contract, side(raw, rules, JANUARY, MARCH))
        assert rows > 50
        assert differing == [0, 0]


@pytest.mark.slow
def test_engines_add_customers_up_and_label_them_alike(tmp_path):
    raw = {RAW_TRANSACTIONS.table: RAW_TRANSACTIONS.arrow(hostile_rows(3_000))}
    kept = cleaned(RAW_TRANSACTIONS.relation, RULES["few"], JANUARY, MARCH)
    lines = CLEANED_TRANSACTIONS.relation
    con = Both(tmp_path, raw).con
    tables = {CLEANED_TRANSACTIONS.table: con.to_pyarrow(kept)}
    con.create_table(CLEANED_TRANSACTIONS.table, ibis.memtable(tables[CLEANED_TRANSACTIONS.table]))
    rfm = customer_rfm(lines, JANUARY, MARCH, TODAY)
    tables[CUSTOMER_RFM.table] = con.to_pyarrow(rfm)
    model = made_up([(2, 2, 20), (3, 1, 10), (4, 1, 1)], ["Champions", "Loyal", "Hibernating"])
    tables[KMEANS_MODEL.table] = KMEANS_MODEL.arrow(model)
    both = Both(tmp_path, tables)
    labelled = with_account_tier(label(CUSTOMER_RFM.relation, KMEANS_MODEL.relation, 3))
    labelled = with_action(labelled, []).select(*CUSTOMER_SEGMENTS.schema.names)
    value = customer_value(lines, CUSTOMER_RFM.relation, JANUARY, MARCH, 180)
    assert both.con.execute(labelled.segment.nunique()) == 3
    for contract, expression in (
        (CUSTOMER_RFM, rfm),
        (CUSTOMER_RFM, customer_rfm(lines, FEBRUARY, MARCH, TODAY, 2)),
        (CUSTOMER_VALUE, value),
        (CUSTOMER_SEGMENTS, labelled),
    ):
        rows, *differing = both.differences(contract, expression)
        assert rows > 20
        assert differing == [0, 0]
