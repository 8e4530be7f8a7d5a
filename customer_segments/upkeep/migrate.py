"""Bringing the tables of an older warehouse up to the contracts of this version.

Belongs here: finding what differs, deciding what becomes of it, doing it in one transaction; a
step per table and former version, whose rows cannot be made anew, as an Ibis expression over the
old table. Does not: the backup before it (``backup``).

Whoever changes the contract of a table that holds history (``WriteMode.INSERT_NEW``) raises its
version and adds a step here, unless all that is new are columns that may be null.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import ibis
import ibis.expr.datatypes as dt

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model.features import NEUTRAL
from customer_segments.policy import Policy
from customer_segments.storage import Contract, WriteMode
from customer_segments.storage.audit import column_breaches, row_breaches
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection, transaction
from customer_segments.storage.contracts import quoted, version_of
from customer_segments.storage.ledger import PUBLICATIONS, add_migration, newest
from customer_segments.storage.requirements import require_contract, require_in_file
from customer_segments.storage.state import State
from customer_segments.tables import CONTRACTS
from customer_segments.upkeep.backup import write_backup


class Change(NamedTuple):
    """What a migration does to one table, which a former version of its contract wrote.

    ``why_dropped`` says why its rows cannot be kept, so that the next run makes them anew; it is
    empty where they are.
    """

    contract: Contract
    former: int
    rows: int
    why_dropped: str


def migrate(
    installed: Installation,
    contracts: Iterable[Contract] = tuple(CONTRACTS.values()),
    *,
    dry_run: bool = False,
) -> tuple[Path | None, list[Change]]:
    """Bring the warehouse up, after a backup; return the backup's file and what was done.

    No backup is made where there is nothing to do, or a dry run only reads what there is. If
    anything fails, nothing is changed: with a UserError as ``plan`` raises it, or if the backup
    cannot be made.
    """
    with installed.warehouse.reading() as con:
        changes = plan(con, installed, contracts)
    if dry_run or not changes:
        return None, changes
    with installed.warehouse.holding() as con:
        # Planned anew: somebody may have written since.
        changes = plan(con, installed, contracts)
        backup, _ = write_backup(con, installed, label="before-migrate")
        with transaction(con):
            apply(con, changes)
        State.read(con).save(installed.warehouse.state_path)
    return backup, changes


def plan(con: Connection, installed: Installation, contracts: Iterable[Contract]) -> list[Change]:
    """Return what has to be done, with the converted rows staged as temporary tables.

    Works on a connection that only reads, too; skips what is not there or as its contract says. A
    UserError says that a newer version wrote a table, that one with history cannot be kept, or
    that one is in the lake.
    """
    held = Catalog.of(con)
    if PUBLICATIONS.table not in held:
        return []
    # The ledger first: the lines of the others' migration are written into the new one.
    there = [each for each in (PUBLICATIONS, *contracts) if each.table in held]
    labels = {contract.table: _label(con, held, contract) for contract in there}
    newer = [each.table for each in there if version_of(labels[each.table]) > each.version]
    if newer:
        raise UserError(
            f"A newer version of customer-segments wrote {', '.join(newer)} of this warehouse.",
            "Nothing was changed. Install that version or a later one; a migration never goes "
            "back. `customer-segments restore` brings back a backup of before.",
        )
    others = [
        contract
        for contract in there
        if column_breaches(contract, held.schemas[contract.table])
        or not contract.is_labelled(labels[contract.table])
    ]
    require_in_file(con, others)
    return [_planned(con, installed, each, version_of(labels[each.table])) for each in others]


def apply(con: Connection, changes: list[Change]) -> None:
    """Do what was planned on the same connection, inside a transaction that the caller holds."""
    for change in changes:
        contract, table = change.contract, quoted(change.contract.table)
        con.raw_sql(f"DROP TABLE {table}")
        if change.why_dropped:
            con.con.execute("DELETE FROM publications WHERE table_name = ?", [contract.table])
            continue
        con.raw_sql(contract.ddl())
        con.raw_sql(f"INSERT INTO {table} BY NAME SELECT * FROM {quoted(_staging(contract))}")
        if contract is not PUBLICATIONS:
            add_migration(con, contract)
            require_contract(con, Catalog.of(con), contract)


def _staging(contract: Contract) -> str:
    """Return the name of the temporary table that holds the converted rows."""
    return f"migrated_{contract.table}"


def _label(con: Connection, held: Catalog, contract: Contract) -> str:
    """Return the label of the contract that wrote a table, as its newest ledger line tells it."""
    if contract is PUBLICATIONS:
        # It has no line of itself; its columns tell.
        return "" if column_breaches(contract, held.schemas[contract.table]) else contract.label
    return newest(con, contract.table, "contract") or ""


def _planned(con: Connection, installed: Installation, contract: Contract, former: int) -> Change:
    """Convert a table's rows into a temporary table, and say what that came to."""
    rows = int(con.table(contract.table).count().execute())
    stepped = con.table(contract.table)
    for version in range(former, contract.version):
        if step := STEPS.get((contract.table, version)):
            stepped = step(stepped, installed)
    holds_history = contract.write_mode is WriteMode.INSERT_NEW
    types = {name: dtype.copy(nullable=True) for name, dtype in contract.schema.items()}
    wrong = _losses(con, stepped, types)
    if holds_history:
        wrong += [f"column {name} would be lost" for name in stepped.columns if name not in types]
    if not wrong:
        there = {name: stepped[name] for name in stepped.columns}
        cast = {name: there.get(name, ibis.null()).cast(dtype) for name, dtype in types.items()}
        converted = stepped.select(**cast)
        con.create_table(_staging(contract), converted, schema=ibis.schema(types), temp=True)
        breaches = row_breaches(con, contract, quoted(_staging(contract)))
        wrong = [f"{breach.rule}: {breach.rows:,} rows break it" for breach in breaches]
    if wrong and holds_history:
        raise UserError(
            f"{contract.table} holds {rows:,} rows of history that cannot be brought up to "
            f"version {contract.version} of its contract: {'; '.join(wrong)}.",
            "Nothing was changed. This version of the code lacks a step for it: report it, and "
            "go on with the version that wrote the warehouse.",
        )
    return Change(contract, former, rows, "; ".join(wrong))


def _losses(con: Connection, old: ibis.Table, types: Mapping[str, dt.DataType]) -> list[str]:
    """Return which columns hold values that, cast to their new type and back, are others."""
    changed = {
        name: ~old[name].try_cast(dtype).try_cast(old[name].type()).identical_to(old[name])
        for name, dtype in types.items()
        if name in old.columns
    }
    lost = old.agg(**{name: each.sum().coalesce(0) for name, each in changed.items()})
    said = "column {}: {:,.0f} values are no {}"
    counts = con.execute(lost).iloc[0].items()
    return [said.format(name, count, types[name]) for name, count in counts if count]


def champion_model_2(old: ibis.Table, _: Installation) -> ibis.Table:
    """Tell what each decision was before there was a gate.

    A champion was then either the first fit or chosen by name, and a decision was recorded only
    where it changed the champion: so the one before is the one of the row before, and whoever
    was chosen is the challenger. Figures were not measured; they stay null.
    """
    previous = old.version.lag().over(order_by=old.decision)
    is_first_fit = previous.isnull() & (old.reason == "first fit")
    return old.mutate(
        previous_version=previous,
        challenger=ibis.ifelse(previous.isnull(), ibis.null("string"), old.version),
        verdict=ibis.ifelse(is_first_fit, "first fit", "chosen"),
    )


def publications_2(old: ibis.Table, installed: Installation) -> ibis.Table:
    """Tell by which rules months were made before the rules were data: by the defaults.

    What a launch departed by held for that launch, so that nothing else can be said. The first
    and the last month are those of today. A policy that says the same as the defaults then makes
    nothing anew, and one that does not makes just those months due.
    """
    defaults = replace(installed, policy=Policy())
    rules = [
        (contract.table, defaults.made_by(replace(contract, revision=0)))
        for contract in CONTRACTS.values()
        if contract.sections and contract.write_mode is not WriteMode.INSERT_NEW
    ]
    return old.mutate(made_by=old.table_name.cases(*rules, else_=ibis.null("string")))


# By table and the version that a step starts from; it ends at the next.
STEPS: Mapping[tuple[str, int], Callable[[ibis.Table, Installation], ibis.Table]] = {
    ("champion_model", 1): champion_model_2,
    # Versions of before there were units, bounds and a score have none.
    ("kmeans_model", 1): lambda old, _: old.mutate(**NEUTRAL),
    ("publications", 1): publications_2,
}
