"""What every table's asset check does: audit the contract, reconcile with what it is made from.

Belongs here: judging published tables in the two ways that all of them share. Does not: what
should equal what (each stage's ``checks`` says so as Ibis expressions).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.storage.audit import row_breaches
from customer_segments.storage.contracts import Contract, quoted
from customer_segments.storage.publish import require_contract, require_sources

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


def selected(
    context: dg.AssetCheckExecutionContext, results: Iterable[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckResult]:
    """Hand on the results of those checks that the run asks for."""
    for result in results:
        asset = dg.AssetKey.from_coercible(result.asset_key or ())
        if dg.AssetCheckKey(asset, result.check_name or "") in context.selected_asset_check_keys:
            yield result


def contract_result(con: "Backend", contract: Contract) -> dg.AssetCheckResult:
    """Audit the published table against its contract."""
    try:
        require_contract(con, contract)
    except UserError as error:
        return dg.AssetCheckResult(
            asset_key=contract.table, check_name="contract", passed=False, description=str(error)
        )
    breaches = row_breaches(con, contract, quoted(contract.table))
    rules = [
        *(f"{name} is not null" for name in contract.required),
        *(rule.name for rule in contract.rules),
        f"key ({', '.join(contract.key)}) is unique",
    ]
    return dg.AssetCheckResult(
        asset_key=contract.table,
        check_name="contract",
        passed=not breaches,
        description="; ".join(map(str, breaches)) or f"Every row keeps all {len(rules)} rules.",
        metadata={
            "rules": dg.MetadataValue.md("\n".join(f"- {rule}" for rule in rules)),
            "breaches": dg.MetadataValue.md("\n".join(f"- {b.rule}" for b in breaches) or "none"),
        },
    )


def reconciliation_result(
    con: "Backend",
    contract: Contract,
    expected: Table,
    actual: Table,
    pending: list[date] | tuple[()] = (),
) -> dg.AssetCheckResult:
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
        return dg.AssetCheckResult(
            asset_key=contract.table,
            check_name="reconciliation",
            passed=False,
            description=str(error),
        )
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
    agree = ", ".join(f"{name} {totals[name]:,}" for name in numeric)
    return dg.AssetCheckResult(
        asset_key=contract.table,
        check_name="reconciliation",
        passed=not differ,
        description=("Differs: " + "; ".join(differ) if differ else f"Agrees: {agree}.") + waiting,
        metadata={name: str(totals[name]) for name in numeric}
        | {"pending_months": ", ".join(f"{month:%Y-%m}" for month in pending) or "none"},
    )


def _as_text(rows: list[dict]) -> set[tuple[str, ...]]:
    """Return rows as text, decimals in full."""
    return {tuple(f"{name}={value}" for name, value in row.items()) for row in rows}
