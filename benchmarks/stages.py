"""Where the time of a run went, from Dagster's own records.

Belongs here: steps of the runs that filled a warehouse; a stage is a step, or all that make
nothing: the checks. Does not: measuring (``sides``). Import this only after all measuring: it loads
Dagster (``sides`` says why that matters).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from customer_segments.commands.launching import PROCESS_TAG
from customer_segments.instance import dagster_home
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_SEGMENTS, RAW_TRANSACTIONS

CHECKS = "checks"
# Steps that make files of a month, and no table.
REPORTS = ("segment_workbook", "segment_report")
TYPES = dg.DagsterEventType


class Step(NamedTuple):
    """A step of a run: the stage that it belongs to, and its start and end (epoch)."""

    name: str
    stage: str
    started: float
    ended: float


def stage_seconds(warehouse: Path, since: float = 0) -> tuple[dict[str, float], float]:
    """Return seconds by stage, checks last, and when the first step started (epoch).

    Steps before ``since`` (epoch) do not count.
    """
    stages: dict[str, float] = {}
    steps = [step for step in steps_of(warehouse) if step.started >= since]
    for step in steps:
        stages[step.stage] = stages.get(step.stage, 0.0) + step.ended - step.started
    return dict(sorted(stages.items(), key=lambda item: item[0] == CHECKS)), steps[0].started


def steps_of(warehouse: Path) -> list[Step]:
    """Return the steps of the runs that filled a warehouse, in order.

    Its ledger says which runs these are, and their commands which runs came with them; others in
    the same instance do not count.
    """
    steps: list[Step] = []
    started, stage = 0.0, CHECKS
    for when, event in _events(warehouse):
        if event.event_type == TYPES.STEP_START:
            started, stage = when, CHECKS
        elif event.event_type == TYPES.ASSET_MATERIALIZATION:
            stage = event.step_key or CHECKS
        elif event.event_type == TYPES.STEP_SUCCESS:
            steps.append(Step(event.step_key or "", stage, started, when))
    return steps


def row_counts(warehouse: Path) -> dict[str, int]:
    """Return what the run read, kept and labelled."""
    rows: dict[str, int] = {}
    with Warehouse(warehouse).reading() as con:
        for contract in (RAW_TRANSACTIONS, CLEANED_TRANSACTIONS, CUSTOMER_SEGMENTS):
            rows[contract.table] = int(con.table(contract.table).count().execute())
        labelled = con.table(CUSTOMER_SEGMENTS.table)
        return {
            "rows read": rows[RAW_TRANSACTIONS.table],
            "rows kept": rows[CLEANED_TRANSACTIONS.table],
            "customers": int(labelled.customer_id.nunique().execute()),
            "snapshots": int(labelled.snapshot_month.nunique().execute()),
        }


def _events(warehouse: Path) -> Iterator[tuple[float, dg.DagsterEvent]]:
    """Give the events of the commands that filled a warehouse, in order, a step at a time."""
    with Warehouse(warehouse).reading() as con:
        filled = list(con.table(PUBLICATIONS.table).run_id.execute().unique())
    os.environ["DAGSTER_HOME"] = str(dagster_home())
    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records(dg.RunsFilter(run_ids=filled))
        # A report fills no table. Numbers of processes come again, but not so soon.
        of_commands = dg.RunsFilter(
            tags={PROCESS_TAG: [record.dagster_run.tags[PROCESS_TAG] for record in records]},
            created_after=min(record.create_timestamp for record in records),
        )
        runs = {*filled, *(run.run_id for run in instance.get_runs(of_commands))}
        entries = [entry for run in runs for entry in instance.all_logs(run)]
    for entry in sorted(entries, key=lambda entry: entry.timestamp):
        if entry.dagster_event:
            yield entry.timestamp, entry.dagster_event
