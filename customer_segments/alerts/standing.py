"""What goes on beside runs: sensors and schedules that fail, months that are overdue.

Belongs here: reading Dagster's records of ticks and of freshness. Does not: what runs tell
(``causes``). Nothing here is a single event: it lasts, and is told once a day, or once a month.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.scheduler.instigation import InstigatorType, TickStatus

from customer_segments.alerts.causes import root_cause
from customer_segments.alerts.message import Alert, Level, without_rows
from customer_segments.automation.freshness import DUE_ASSETS, SINCE_THE_FIRST
from customer_segments.installation import Installation
from customer_segments.months import month_of, shift
from customer_segments.settings import Settings

# A tick is written down when it starts, and as a failure when it ends.
LOOK_BACK = timedelta(hours=1)
MAX_TICKS = 20


def failing_ticks(instance: dg.DagsterInstance, since: datetime, now: datetime) -> Iterator[Alert]:
    """Return an alert for each error of each sensor and schedule, the same for a whole day.

    Parameters
    ----------
    since
        When alerting began; ticks before that are not told.
    """
    if instance.schedule_storage is None:
        return  # An instance in memory: it has no daemon, and so no ticks.
    after = max(since, now - LOOK_BACK).timestamp()
    for state in instance.all_instigator_state():
        for tick in instance.get_ticks(
            state.instigator_origin_id,
            state.selector_id,
            after=after,
            limit=MAX_TICKS,
            statuses=[TickStatus.FAILURE],
        ):
            kind = "schedule" if tick.instigator_type is InstigatorType.SCHEDULE else "sensor"
            said = root_cause(tick.tick_data.error)
            cause = hashlib.sha256(said.encode()).hexdigest()[:16]
            at = datetime.fromtimestamp(tick.timestamp, UTC)
            yield Alert(
                key=f"tick:{tick.instigator_name}:{cause}:{at:%Y-%m-%d}",
                level=Level.ERROR,
                title=f"The {kind} {tick.instigator_name} fails",
                said=without_rows(said),
                facts=(("Since", f"{at:%Y-%m-%d %H:%M} UTC, the first failure that was seen"),),
                remedy=f"Until this is mended, the {kind} starts no run. It is told once a day.",
                path="/automation",
            )


def overdue_months(
    instance: dg.DagsterInstance, settings: Settings, now: datetime
) -> Iterator[Alert]:
    """Return an alert for each asset that Dagster's freshness finds overdue, once a month.

    By the state that its daemon keeps: without ``make ui`` nobody evaluates it, and the check
    ``awaited_month`` says so when somebody ingests.
    """
    installed = Installation.of(settings)
    if not installed.months.is_open:
        return
    for key, record in instance.get_freshness_state_records(sorted(DUE_ASSETS)).items():
        if record.freshness_state is FreshnessState.FAIL:
            asset, month = (
                key.to_user_string(),
                last_due_month(now, installed.policy.source.time_zone),
            )
            yield Alert(
                key=f"overdue:{asset}:{month:%Y-%m}",
                level=Level.ERROR,
                title=f"{asset} is overdue for {month:%Y-%m}",
                said=(
                    f"Nothing was materialized since {month:%Y-%m} is over: it should have been "
                    "by 5 o'clock on the 3rd."
                ),
                facts=(("Asset", asset), ("Month", f"{month:%Y-%m}")),
                remedy=(
                    "Look whether the schedule monthly_refresh and the sensors are on and whether "
                    f"a run failed, or start `customer-segments run`. Input: {settings.input_dir}."
                ),
                path=f"/assets/{asset}",
            )


def last_due_month(now: datetime, time_zone: str) -> date:
    """Return the newest month whose deadline has passed."""
    local = now.astimezone(ZoneInfo(time_zone))
    return shift(month_of((local - SINCE_THE_FIRST).date()), -1)
