"""What checks judged, kept: a row per check, month and evaluation.

Belongs here: the table ``check_history``, and handing results to Dagster and to it alike. Does
not: judging (each stage's ``checks`` and ``monitoring``).
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments.monitoring.verdicts import Judged
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.storage.ledger import is_there, latest
from customer_segments.storage.publish import publish
from customer_segments.tables import CHECK_HISTORY

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Written by the checks of all tables, so no asset of its own makes it.
check_history = dg.AssetSpec(
    CHECK_HISTORY.table,
    group_name="monitoring",
    description="What checks judged: a row per check, month and evaluation. Checks write it.",
    **asset_attributes(CHECK_HISTORY),
)


def reported(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse, judged: Iterable[Judged]
) -> Iterator[dg.AssetCheckResult]:
    """Remember what the checks said that the run asked for, and hand it on to Dagster."""
    wanted = [
        each
        for each in judged
        if dg.AssetCheckKey(dg.AssetKey(each.asset), each.check)
        in context.selected_asset_check_keys
    ]
    with warehouse.writing() as con:
        publish(con, CHECK_HISTORY, _rows(con, wanted, context.run.run_id))
    yield from (each.result() for each in wanted)


def _rows(con: "Backend", judged: list[Judged], run_id: str):
    """Return the rows to add, as an Arrow table."""
    number, now = _newest(con), datetime.now(UTC).replace(tzinfo=None)
    rows = []
    for each in judged:
        written = _publications(con, each.asset)
        for verdict in each.verdicts:
            number += 1
            rows.append(
                {
                    "verdict": number,
                    "evaluated_at": now,
                    "run_id": run_id,
                    "table_name": each.asset,
                    "check_name": each.check,
                    "month": verdict.month,
                    "level": verdict.level.value,
                    "said": verdict.said,
                    "figures": json.dumps(dict(verdict.figures), default=str),
                    "publication": written.get(verdict.month, written.get(None)),
                }
            )
    return CHECK_HISTORY.arrow(rows)


def _newest(con: "Backend") -> int:
    if not is_there(con, CHECK_HISTORY.table):
        return 0
    ((newest,),) = con.raw_sql("SELECT coalesce(max(verdict), 0) FROM check_history").fetchall()
    return newest


def _publications(con: "Backend", table: str) -> dict[date | None, int]:
    """Return the newest publication of each month of a table, and under ``None`` of all."""
    numbers = {month: line.publication for month, line in latest(con, table).items()}
    return numbers | ({None: max(numbers.values())} if numbers else {})
