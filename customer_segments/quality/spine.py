"""The two checks that tables of the spine have: contract, and agreement with what they are of.

Belongs here: judging published tables in the two ways that all of them share. Does not: what
should equal what (each stage's ``judges`` says so as Ibis expressions), what is usual (``judge``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.quality.evaluation import Evaluation, Level, Result
from customer_segments.storage.audit import row_breaches
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, WriteMode, quoted
from customer_segments.storage.ledger import latest
from customer_segments.storage.requirements import require_contract, require_sources
from customer_segments.storage.state import State

SHOWN_DIFFERENCES = 10
# What is wrong, if anything; figures; what to say if nothing is; metadata.
Findings = tuple[str, dict[str, Any], str, dict[str, Any]]
DESCRIPTIONS = {
    "contract": "Columns, types, rules, key and months of the published table.",
    "reconciliation": "Rows and money agree, exactly, with what the table is made from.",
}


@dataclass(frozen=True)
class Spine:
    """Tables that are audited, and what they should add up to; a failure stops the run.

    Parameters
    ----------
    contracts
        Tables that are made, and reconciled, together.
    expected, actual
        Figures by key, the key first; same columns and types.
    also_waiting
        Returns months that wait for a run, beside those whose input changed: they are left out,
        and the key is of months then.
    """

    contracts: tuple[Contract, ...]
    expected: Table
    actual: Table
    also_waiting: Callable[[State], Iterable[date]] = lambda state: ()

    def results(
        self,
        con: Connection,
        there: Catalog,
        state: State,
        covered: tuple[date, date] | None = None,
        run_id: str | None = None,
    ) -> list[Result]:
        """Audit the published tables, of monthly ones the months covered, and reconcile them.

        All months are: snapshots add them up, and would be wrong by what went missing in any. What
        the run ``run_id`` wrote itself was audited as it was written.
        """
        agrees = self._reconciled(con, there, state)
        return [
            Result(
                contract.table,
                check,
                (Evaluation(None, Level.ERROR if said else Level.OK, said, figures),),
                well=well,
                metadata=metadata,
                blocking=True,
            )
            for contract in self.contracts
            for check, (said, figures, well, metadata) in {
                "contract": audited(con, there, contract, covered, run_id),
                "reconciliation": agrees,
            }.items()
        ]

    def _reconciled(self, con: Connection, there: Catalog, state: State) -> Findings:
        names = " and ".join(contract.table for contract in self.contracts)
        try:
            for relation in (self.expected, self.actual):
                require_sources(there, f"The reconciliation of {names}", relation)
        except UserError as error:
            return str(error), {}, "", {}
        monthly = [c for c in self.contracts if c.write_mode is WriteMode.REPLACE_MONTHS]
        pending = {month for contract in monthly for month in state.pending(contract)}
        pending.update(self.also_waiting(state))
        sides: list[Table] = [self.expected, self.actual]
        if pending:
            sides = [each.filter(~each[each.columns[0]].isin(sorted(pending))) for each in sides]
        expected, rows = (con.to_pyarrow(each).to_pylist() for each in sides)
        wanted, found = _as_text(expected), _as_text(rows)
        differ = [f"expected {row}" for row in sorted(wanted - found)[:SHOWN_DIFFERENCES]]
        differ += [f"found {row}" for row in sorted(found - wanted)[:SHOWN_DIFFERENCES]]
        totals = {
            name: sum(row[name] or 0 for row in rows)
            for name, dtype in self.actual.schema().items()
            if dtype.is_numeric()
        }
        waiting = f" {len(pending)} months wait for a run, their input changed." if pending else ""
        shown = ", ".join(f"{name} {total:,}" for name, total in totals.items())
        return (
            f"Differs: {'; '.join(differ)}{waiting and '.'}{waiting}" if differ else "",
            {name: str(total) for name, total in totals.items()},
            f"Agrees: {shown}.{waiting}",
            {"pending_months": ", ".join(f"{m:%Y-%m}" for m in sorted(pending)) or "none"},
        )


def audited(
    con: Connection,
    there: Catalog,
    contract: Contract,
    covered: tuple[date, date] | None = None,
    run_id: str | None = None,
) -> Findings:
    """Audit a published table against its contract; of one that is monthly the months covered.

    What the run ``run_id`` wrote itself was audited as it was written, and is not read again.
    """
    try:
        require_contract(con, there, contract)
    except UserError as error:
        return str(error), {}, "", {}
    rows = quoted(contract.table)
    if covered and contract.write_mode is WriteMode.REPLACE_MONTHS:
        month = quoted(contract.month_column or "")
        rows = f"(FROM {rows} WHERE {month} BETWEEN DATE '{covered[0]}' AND DATE '{covered[1]}')"
    breaches = [] if _wrote(con, contract, covered, run_id) else row_breaches(con, contract, rows)
    rules = [
        *(f"{name} is not null" for name in contract.required),
        *contract.rules,
        f"key ({', '.join(contract.key)}) is unique",
    ]
    return (
        "; ".join(map(str, breaches)),
        {breach.rule: breach.rows for breach in breaches},
        f"Every row keeps all {len(rules)} rules.",
        {"rules": dg.MetadataValue.md("\n".join(f"- {rule}" for rule in rules))},
    )


def _wrote(
    con: Connection, contract: Contract, covered: tuple[date, date] | None, run_id: str | None
) -> bool:
    """Tell whether a run wrote all that is to be audited, which it did with an audit."""
    if contract.write_mode is WriteMode.INSERT_NEW:
        return False
    first, last = covered or (date.min, date.max)
    lines = latest(con, contract.table).items()
    wrote = {line.run_id for month, line in lines if first <= (month or first) <= last}
    return wrote == {run_id}


def _as_text(rows: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Return rows as text, decimals in full."""
    return {tuple(f"{name}={value}" for name, value in row.items()) for row in rows}
