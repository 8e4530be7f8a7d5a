"""What checks said, kept: the table ``check_history``, a row per check, month and evaluation.

Belongs here: the copy for SQL of what Dagster is told, tied to the publications that were judged.
Does not: judging (``judge``, ``spine``), telling Dagster (``runner``).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments.installation import Installation
from customer_segments.quality.evaluation import Result
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.storage.ledger import is_there, latest
from customer_segments.storage.publish import publish
from customer_segments.tables import CHECK_HISTORY

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Publications by table and month; under ``None`` the table's newest.
Judged = Mapping[str, Mapping[date | None, int]]


def build_defs(_installed: Installation) -> dg.Definitions:
    """Return the table's asset: the checks of all tables write it, none of its own makes it."""
    check_history = dg.AssetSpec(
        CHECK_HISTORY.table,
        group_name="quality",
        description="What checks said: a row per check, month and evaluation. Checks write it.",
        **asset_attributes(CHECK_HISTORY),
    )
    return dg.Definitions(assets=[check_history])


def publications(con: "Backend", tables: Iterable[str]) -> Judged:
    """Return what is judged: read with it, since somebody may publish before it is remembered."""
    found: dict[str, dict[date | None, int]] = {}
    for table in tables:
        numbers = {month: line.publication for month, line in latest(con, table).items()}
        found[table] = numbers | ({None: max(numbers.values())} if numbers else {})
    return found


def remember(
    con: "Backend", results: Iterable[Result], judged: Judged, run_id: str, made_by: str
) -> None:
    """Add what checks said, inside a transaction; ``made_by`` is the fingerprint of thresholds."""
    number, now = 0, datetime.now(UTC).replace(tzinfo=None)
    if is_there(con, CHECK_HISTORY.table):
        newest = con.raw_sql("SELECT coalesce(max(verdict), 0) FROM check_history")
        ((number,),) = newest.fetchall()
    rows = [
        {
            "evaluated_at": now,
            "run_id": run_id,
            "table_name": result.table,
            "check_name": result.check,
            "month": each.month,
            "level": each.level.value,
            "said": each.said,
            "figures": json.dumps(dict(each.figures), default=str),
            "publication": judged[result.table].get(each.month, judged[result.table].get(None)),
        }
        for result in results
        for each in result.evaluations
    ]
    numbered = [{"verdict": at, **row} for at, row in enumerate(rows, number + 1)]
    publish(con, CHECK_HISTORY, CHECK_HISTORY.arrow(numbered), run_id=run_id, made_by=made_by)
