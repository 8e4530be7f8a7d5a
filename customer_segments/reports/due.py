"""Which month's report a command has to make, asked of the warehouse by whoever may open it.

Belongs here: the newest month with labels, and whether its report is of what is there now. Does
not: making it (``assets``), what the sensor goes by (``automation.reporting``).
"""

from datetime import date

from customer_segments import months
from customer_segments.reports.background import labelled_months, state_of
from customer_segments.reports.files import report_path, state_in
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse


def newest_labelled(settings: Settings) -> date | None:
    """Return the newest covered month in which somebody is labelled; ``None`` for none."""
    if not settings.warehouse_path.exists():
        return None
    covered = months.load(settings)
    with _warehouse(settings).reading() as con:
        labelled = [month for month in labelled_months(con) if covered.clip(month, month)]
    return max(labelled, default=None)


def report_due(settings: Settings) -> date | None:
    """Return that month if its report is missing, or was made from something else."""
    month = newest_labelled(settings)
    if month is None:
        return None
    with _warehouse(settings).reading() as con:
        state = state_of(con, month)
    return month if state_in(report_path(settings.reports_path, month)) != state else None


def _warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
