"""The two checks that every table has: its contract, and reconciliation with what it is made from.

Belongs here: judging published tables in the two ways that all of them share. Does not: what
should equal what (each stage's ``checks`` says so as Ibis expressions), what is usual (each
stage's ``monitoring``).
"""

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.monitoring.verdicts import Judged, Level, Verdict
from customer_segments.storage.audit import row_breaches
from customer_segments.storage.contracts import Contract, quoted
from customer_segments.storage.requirements import require_contract, require_sources

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SHOWN_DIFFERENCES = 10


def spine_specs(*contracts: Contract) -> list[dg.AssetCheckSpec]:
    """Return the two checks that every table of the spine has; a failure stops the run."""
    return [
        spec
        for contract in contracts
        for spec in (
            dg.AssetCheckSpec(
                "contract",
                asset=contract.table,
                blocking=True,
                description="Columns, types, rules, key and months of the published table.",
            ),
            dg.AssetCheckSpec(
                "reconciliation",
                asset=contract.table,
                blocking=True,
                description="Rows and money agree, exactly, with what the table is made from.",
            ),
        )
    ]


def all_passed(judged: list[Judged]) -> bool:
    """Tell whether tables are such that it makes sense to look further."""
    return all(each.level is Level.OK for each in judged)


def judge_contract(con: "Backend", contract: Contract) -> Judged:
    """Audit the published table against its contract."""
    try:
        require_contract(con, contract)
    except UserError as error:
        return _whole(contract, "contract", str(error))
    breaches = row_breaches(con, contract, quoted(contract.table))
    rules = [
        *(f"{name} is not null" for name in contract.required),
        *(rule.name for rule in contract.rules),
        f"key ({', '.join(contract.key)}) is unique",
    ]
    return _whole(
        contract,
        "contract",
        "; ".join(map(str, breaches)),
        f"Every row keeps all {len(rules)} rules.",
        {breach.rule: breach.rows for breach in breaches},
        {
            "rules": dg.MetadataValue.md("\n".join(f"- {rule}" for rule in rules)),
            "breaches": dg.MetadataValue.md("\n".join(f"- {b.rule}" for b in breaches) or "none"),
        },
    )


def judge_reconciliation(
    con: "Backend",
    contract: Contract,
    expected: Table,
    actual: Table,
    pending: list[date] | tuple[()] = (),
) -> Judged:
    """Compare two relations that should hold the same rows.

    Parameters
    ----------
    expected, actual
        Figures by key, the key first; same columns and types.
    pending
        Months that the key is of and that wait for a run since their input changed: left out.
    """
    try:
        for relation in (expected, actual):
            require_sources(con, f"The reconciliation of {contract.table}", relation)
    except UserError as error:
        return _whole(contract, "reconciliation", str(error))
    if pending:
        expected = expected.filter(~expected[expected.columns[0]].isin(pending))
        actual = actual.filter(~actual[actual.columns[0]].isin(pending))
    rows = con.to_pyarrow(actual).to_pylist()
    wanted, found = _as_text(con.to_pyarrow(expected).to_pylist()), _as_text(rows)
    differ = [f"expected {row}" for row in sorted(wanted - found)[:SHOWN_DIFFERENCES]]
    differ += [f"found {row}" for row in sorted(found - wanted)[:SHOWN_DIFFERENCES]]
    numeric = [name for name in actual.columns if actual[name].type().is_numeric()]
    totals = {name: sum(row[name] or 0 for row in rows) for name in numeric}
    waiting = f" {len(pending)} months wait for a run, their input changed." if pending else ""
    figures = {name: str(total) for name, total in totals.items()}
    return _whole(
        contract,
        "reconciliation",
        f"Differs: {'; '.join(differ)}{waiting and '.'}{waiting}" if differ else "",
        f"Agrees: {', '.join(f'{name} {total:,}' for name, total in totals.items())}.{waiting}",
        figures,
        figures | {"pending_months": ", ".join(f"{month:%Y-%m}" for month in pending) or "none"},
    )


def _whole(
    contract: Contract,
    check: str,
    said: str,
    all_is_well: str = "",
    figures: dict | None = None,
    metadata: dict | None = None,
) -> Judged:
    verdict = Verdict.of(None, Level.ERROR if said else Level.OK, said, figures or {})
    return Judged(
        contract.table, check, (verdict,), all_is_well=all_is_well, metadata=metadata or {}
    )


def _as_text(rows: list[dict]) -> set[tuple[str, ...]]:
    """Return rows as text, decimals in full."""
    return {tuple(f"{name}={value}" for name, value in row.items()) for row in rows}
