"""Warehouses of former contracts are brought up: rows kept, nothing lost, nothing rescored."""

import os
import signal
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from customer_segments.automation.agenda import of_run
from customer_segments.automation.facts import look
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model.exchange import version_rows
from customer_segments.model.features import NEUTRAL
from customer_segments.model.fit import hash_version
from customer_segments.storage import Contract
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import transaction
from customer_segments.storage.ledger import PUBLICATIONS, disagreements
from customer_segments.storage.requirements import ContractMismatch
from customer_segments.storage.state import State
from customer_segments.tables import CHAMPION_MODEL, CONTRACTS, KMEANS_MODEL
from customer_segments.upkeep.migrate import apply, migrate, plan
from customer_segments_tests.installations import install
from customer_segments_tests.machine import shop
from customer_segments_tests.model.versions import made_up
from customer_segments_tests.storage.processes import start
from customer_segments_tests.storage.samples import (
    CLEANED,
    FEBRUARY,
    JANUARY,
    MODEL,
    RAW,
    arrow,
    raw_row,
    rows_of,
)
from customer_segments_tests.upkeep.conftest import everything

# As it was before there was a gate.
CHAMPION_MODEL_1 = Contract(
    table="champion_model",
    grain="a decision which model version labels customers, the newest in force",
    columns={
        "decision": ("!int64", "Running number; the largest is in force."),
        "version": ("!string", "Version of kmeans_model that labels from then on."),
        "decided_at": ("!timestamp(6)", "When, UTC."),
        "reason": ("!string", "Why."),
        "matching": ("!string", "Which segment of the version before became which."),
        "run_id": ("!string", "Dagster run that decided."),
    },
    key=("decision",),
    rules={"decisions count from one": "decision >= 1"},
    write_mode=CHAMPION_MODEL.write_mode,
    built_from="kmeans_model",
)
# A rule more, which all rows keep.
CLEANED_2 = replace(CLEANED, version=2, rules={**CLEANED.rules, "a few": "quantity < 100"})


# Tables that are taken over, with the columns that had another type.
LINES_BEFORE = "quantity::BIGINT AS quantity, price::DECIMAL(18, 4) AS price"
WHOLE_BEFORE = {
    "cleaned_transactions": LINES_BEFORE,
    "rejected_transactions": LINES_BEFORE,
    "customer_rfm": "units::BIGINT AS units",
}


def decisions_before(installed: Installation, rows: list[tuple[str, str]]) -> None:
    """Write decisions as the code of then did, with its unversioned label."""
    at = datetime(2026, 1, 1)
    warehouse = installed.warehouse
    for number, (version, reason) in enumerate(rows, 1):
        row = {
            "decision": number,
            "version": version,
            "decided_at": at + timedelta(days=number),
            "reason": reason,
            "matching": "" if number == 1 else "Champions -> Champions",
            "run_id": f"run {number}",
        }
        warehouse.publish(CHAMPION_MODEL_1, arrow(CHAMPION_MODEL_1, [row]))
    unlabel(installed, CHAMPION_MODEL_1)


def unlabel(installed: Installation, contract: Contract) -> None:
    """Make the ledger's lines of a table those of before contracts had versions."""
    change(
        installed,
        f"UPDATE publications SET contract = '{contract.fingerprint}' "
        f"WHERE table_name = '{contract.table}'",
    )


def change(installed: Installation, *statements: str) -> None:
    with duckdb.connect(str(installed.warehouse.path)) as connection:
        for statement in statements:
            connection.execute(statement)


def contents(installed: Installation) -> dict:
    return everything(installed.warehouse.path)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [("a", "first fit"), ("b", "chosen by hand"), ("a", "back again")],
            [
                ("a", None, None, "first fit"),
                ("b", "a", "b", "chosen"),
                ("a", "b", "a", "chosen"),
            ],
        ),
        # A version named at the very first decision was chosen then as well.
        ([("b", "we like it")], [("b", None, None, "chosen")]),
        # Whatever the reason says: a first fit has no champion before it.
        (
            [("a", "first fit"), ("b", "first fit")],
            [("a", None, None, "first fit"), ("b", "a", "b", "chosen")],
        ),
        ([], []),
    ],
)
def test_decisions_of_before_the_gate_tell_what_they_were(installed, rows, expected):
    if rows:
        decisions_before(installed, rows)
    else:
        installed.warehouse.publish(CHAMPION_MODEL_1, arrow(CHAMPION_MODEL_1, []))
    with pytest.raises(ContractMismatch, match="customer-segments migrate"):
        installed.warehouse.load(CHAMPION_MODEL)
    before = rows_of(
        installed.warehouse.path, f"SELECT {names(CHAMPION_MODEL_1)} FROM champion_model ORDER BY 1"
    )
    backup, (done,) = migrate(installed, [CHAMPION_MODEL])
    assert (done.former, done.rows, done.why_dropped) == (1, len(rows), "")
    loaded = installed.warehouse.load(CHAMPION_MODEL)
    told = ["version", "previous_version", "challenger", "verdict"]
    assert [tuple(None if v != v else v for v in row) for row in loaded[told].values] == expected
    assert loaded[["adjusted_rand_index", "moved_share", "stability"]].isna().all().all()
    # What it said before, it still says; and so does the backup.
    for path in (installed.warehouse.path, backup):
        assert before == rows_of(
            path, f"SELECT {names(CHAMPION_MODEL_1)} FROM champion_model ORDER BY 1"
        )
    assert migrate(installed, [CHAMPION_MODEL]) == (None, [])


def names(contract: Contract) -> str:
    return ", ".join(contract.columns)


def test_a_dry_run_says_the_same_and_changes_nothing(installed):
    decisions_before(installed, [("a", "first fit")])
    before = installed.warehouse.path.read_bytes()
    said = migrate(installed, [CHAMPION_MODEL, CLEANED_2], dry_run=True)[1]
    assert installed.warehouse.path.read_bytes() == before
    assert not (installed.warehouse.path.parent / "backups").exists()
    assert migrate(installed, [CHAMPION_MODEL, CLEANED_2])[1] == said


def test_a_table_from_the_workbooks_is_taken_over_and_nothing_waits(installed):
    assert installed.warehouse.state().pending(CLEANED) == []
    rows = contents(installed)["cleaned_transactions"]
    _, (done,) = migrate(installed, [RAW, CLEANED_2, MODEL])
    assert (done.contract, done.former, done.why_dropped) == (CLEANED_2, 1, "")
    assert contents(installed)["cleaned_transactions"] == rows
    assert State.load(installed.warehouse.state_path) == installed.warehouse.state()
    assert installed.warehouse.state().pending(CLEANED) == []
    with installed.warehouse.reading() as con:
        assert disagreements(con, {CLEANED.table: CLEANED_2}) == []
    newest = (
        "SELECT month, rows, is_changed, contract, run_id FROM publications ORDER BY publication"
    )
    line = rows_of(installed.warehouse.path, newest)[-1]
    assert line == (None, 0, False, CLEANED_2.label, "migrate")
    with pytest.raises(duckdb.ConstraintException):
        change(installed, "UPDATE cleaned_transactions SET quantity = 100")


def test_what_waits_goes_on_waiting(installed):
    changed = [raw_row(1), raw_row(2), raw_row(3, FEBRUARY, quantity=5)]
    installed.warehouse.publish(RAW, arrow(RAW, changed))
    raw_2 = replace(RAW, version=2)
    migrate(installed, [raw_2, CLEANED_2, MODEL])
    assert installed.warehouse.state().pending(CLEANED_2) == [FEBRUARY]


def test_columns_that_are_new_or_wider_are_taken_over_by_name(installed):
    wider = {"revenue": ("!decimal(38, 4)", "Money."), "store": ("string", "Store.")}
    newer = replace(CLEANED, columns={**CLEANED.columns, **wider}, version=3)
    migrate(installed, [newer])
    assert rows_of(
        installed.warehouse.path, "SELECT DISTINCT store, typeof(revenue) FROM cleaned_transactions"
    ) == [(None, "DECIMAL(38,4)")]


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        (
            replace(CLEANED, rules={"a dozen": "quantity >= 12"}, version=2),
            "a dozen: 2 rows break it",
        ),
        (
            replace(
                CLEANED,
                columns={**CLEANED.columns, "store": ("!string", "Store.")},
                version=2,
            ),
            "store is null: 3 rows break it",
        ),
        (
            replace(
                CLEANED,
                columns={**CLEANED.columns, "quantity": ("!int8", "Units.")},
                version=2,
            ),
            "column quantity: 1 values are no int8",
        ),
    ],
    ids=["rule", "required column", "narrower type"],
)
def test_a_table_from_the_workbooks_that_does_not_fit_is_made_anew(installed, newer, why):
    change(installed, "UPDATE cleaned_transactions SET quantity = 200 WHERE row_number = 2")
    _, (done,) = migrate(installed, [RAW, newer])
    assert done.why_dropped == why
    with installed.warehouse.reading() as con:
        assert "cleaned_transactions" not in Catalog.of(con)
    # So that a run makes it: all of its months wait.
    assert installed.warehouse.state().pending(newer) == [JANUARY, FEBRUARY]


def test_history_without_a_step_is_never_dropped(installed, monkeypatch):
    monkeypatch.setattr("customer_segments.upkeep.migrate.STEPS", {})
    columns = {**MODEL.columns, "seed": ("!int64", "Seed.")}
    fewer = {name: MODEL.columns[name] for name in ("model_version", "cluster")}
    before = contents(installed)
    with pytest.raises(UserError, match=r"kmeans_model holds 1 rows of history.*seed is null"):
        migrate(installed, [CLEANED_2, replace(MODEL, columns=columns, version=2)])
    with pytest.raises(UserError, match="column centre would be lost"):
        migrate(installed, [CLEANED_2, replace(MODEL, columns=fewer, version=2)])
    assert contents(installed) == before


def test_versions_of_before_there_was_a_score_keep_their_hashes(tmp_path):
    installed = Installation.of(install(tmp_path, source_dir=tmp_path))
    rows = made_up([(1.0, 4.0, 9.0), (6.0, 1.0, 5.0)], ["Champions", "Lost"])
    old = [{name: value for name, value in row.items() if name not in NEUTRAL} for row in rows]
    columns = {name: KMEANS_MODEL.columns[name] for name in old[0]}
    former = replace(KMEANS_MODEL, columns=columns, rules={}, version=1)
    installed.warehouse.publish(former, arrow(former, old))
    migrate(installed, [KMEANS_MODEL])
    version = rows[0]["version"]
    kept = version_rows(installed.warehouse.load(KMEANS_MODEL), version)
    assert kept == rows
    assert hash_version(kept) == version


@pytest.mark.parametrize("fingerprint", [CLEANED.fingerprint, "0123456789ab"])
def test_a_newer_warehouse_is_refused(installed, fingerprint):
    change(
        installed,
        f"UPDATE publications SET contract = 'v3-{fingerprint}' "
        "WHERE table_name = 'cleaned_transactions'",
    )
    before = contents(installed)
    with pytest.raises(UserError, match="newer version of customer-segments wrote cleaned_tra"):
        migrate(installed, [RAW, CLEANED_2])
    with pytest.raises(ContractMismatch, match="a newer version of its contract"):
        installed.warehouse.load(CLEANED)
    assert contents(installed) == before


def test_a_ledger_of_before_is_brought_up_with_the_rest(installed):
    decisions_before(installed, [("a", "first fit")])
    change(installed, "ALTER TABLE publications DROP COLUMN model_version")
    lines = rows_of(installed.warehouse.path, "SELECT publication, digest FROM publications")
    _, done = migrate(installed, [CHAMPION_MODEL])
    assert [each.contract.table for each in done] == [PUBLICATIONS.table, "champion_model"]
    now = rows_of(installed.warehouse.path, "SELECT publication, digest FROM publications")
    assert now[:-1] == lines
    assert not installed.warehouse.load(CHAMPION_MODEL).empty


def test_killed_within_it_leaves_what_was_there(installed):
    decisions_before(installed, [("a", "first fit")])
    before = contents(installed)
    process = start(die_within, str(installed.warehouse.path))
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert contents(installed) == before
    assert len(migrate(installed, [CHAMPION_MODEL, CLEANED_2])[1]) == 2


def die_within(path: str) -> None:
    from customer_segments.storage import Warehouse

    settings = install(Path(path).parent, source_dir=Path(path).parent)
    with Warehouse(path).holding() as con:
        changes = plan(con, Installation.of(settings), [CHAMPION_MODEL, CLEANED_2])
        with transaction(con):
            apply(con, changes)
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_failure_within_it_leaves_what_was_there(installed, monkeypatch):
    decisions_before(installed, [("a", "first fit")])
    before = contents(installed)
    monkeypatch.setattr("customer_segments.upkeep.migrate.require_contract", 1 / 1)
    with pytest.raises(TypeError):
        migrate(installed, [CHAMPION_MODEL, CLEANED_2])
    assert contents(installed) == before


def due(installed: Installation) -> list[str]:
    """What waits, but report and offers: nobody has made any for the sample that tests share."""
    steps = of_run(look(installed.renewed()))
    return [f"{step}: {step.why}" for step in steps if step.job != "report"]


def test_a_ledger_without_rules_is_that_of_the_defaults(sample_warehouse, copy_of):
    """As the version before rules wrote it: nothing waits but what is computed otherwise today."""
    installed = Installation.of(copy_of(sample_warehouse))
    lines = "SELECT table_name, month, made_by FROM publications ORDER BY publication"
    with_rules = rows_of(installed.warehouse.path, lines)
    change(installed, "ALTER TABLE publications DROP COLUMN made_by")
    with pytest.raises(ContractMismatch, match=r"publications .*customer-segments migrate"):
        installed.warehouse.state()
    _, (done,) = migrate(installed)
    assert (done.contract, done.former, done.why_dropped) == (PUBLICATIONS, 1, "")
    monthly = {table for table, month, _ in with_rules if month} - {"check_history"}
    monthly -= {contract.table for contract in CONTRACTS.values() if contract.revision}
    assert monthly > {"raw_transactions", "cleaned_transactions", "customer_segments"}
    assert [row for row in rows_of(installed.warehouse.path, lines) if row[0] in monthly] == [
        row for row in with_rules if row[0] in monthly
    ]
    assert State.load(installed.warehouse.state_path) == installed.warehouse.state()
    (score,) = due(installed)
    why = "the rules changed since customer_rfm of 2023-01 was made: "
    assert f"{why}[rfm] or this version of the code" in score


def test_a_whole_installation_of_before(world):
    """As the code of before the gate and of whole quantities wrote it; files to be read again."""
    installed = world.installed
    ((rows,),) = rows_of(installed.warehouse.path, "SELECT count(*) FROM raw_transactions")
    ((champion,),) = rows_of(installed.warehouse.path, "SELECT version FROM champion_model")
    change(
        installed,
        "DROP TABLE champion_model",
        "DELETE FROM publications WHERE table_name = 'champion_model'",
        *(
            f"UPDATE publications SET contract = 'before' WHERE table_name = '{table}'"
            for table in ("raw_transactions", *WHOLE_BEFORE)
        ),
        "ALTER TABLE raw_transactions DROP COLUMN is_uci",
        *(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE ({former}) FROM {table}"
            for table, former in WHOLE_BEFORE.items()
        ),
    )
    decisions_before(installed, [(champion, "first fit")])
    change(
        installed,
        "ALTER TABLE source_sheets DROP COLUMN parser",
        "ALTER TABLE publications DROP COLUMN made_by",
    )
    labels = "SELECT hash(customer_segments) FROM customer_segments ORDER BY 1"
    before = rows_of(installed.warehouse.path, labels)

    done = {each.contract.table: each.why_dropped for each in migrate(installed)[1]}
    assert done == {
        "publications": "",
        "raw_transactions": f"is_uci is null: {rows} rows break it",
        "source_sheets": "parser is null: 3 rows break it",
        "cleaned_transactions": "",
        "rejected_transactions": "",
        "customer_rfm": "",
        "champion_model": "",
    }
    assert due(installed) == ["ingest: nothing was read yet"]
    world.launch("ingest")
    assert rows_of(installed.warehouse.path, "SELECT count(*) FROM source_sheets") == [(3,)]
    # A ledger without rules is that of the defaults, which the shop's are not.
    why = "the rules changed since cleaned_transactions of 2010-01 was made: "
    why += "[layout] or [source] or [cleaning] or the first or last month"
    assert due(installed) == [
        f"score 2010-01 to 2010-03: {why}",
        "serve: the serving copy is not of what the warehouse holds",
    ]
    world.launch("score", (shop.month(0), shop.month(2)))
    assert due(installed) == []
    assert rows_of(installed.warehouse.path, labels) == before
