"""A doctor's look into the warehouse: lock, contracts, months, champion, checks.

Belongs here: findings that need it opened, to read. Does not: files around it (``surroundings``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from customer_segments.automation.agenda import agenda
from customer_segments.automation.looking import facts
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.storage.ledger import code_version, is_there, latest
from customer_segments.storage.state import State
from customer_segments.tables import CONTRACTS
from customer_segments.upkeep.agreement import disagreements
from customer_segments.upkeep.findings import Finding, Level
from customer_segments.upkeep.migrate import plan

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SHOWN = 5
RESTORE = "Restore a backup: `customer-segments restore`."


def warehouse(settings: Settings) -> Iterator[Finding]:
    """Open the warehouse, without waiting, and look at all that it holds."""
    import duckdb

    path = settings.warehouse_path
    if not path.exists():
        # Also says whether the file of months, which may have outlived it, can be read.
        Installation.of(settings)
        yield Finding(
            Level.ODD,
            "warehouse",
            f"There is none at {path} yet.",
            "`customer-segments run` makes it.",
        )
        return
    log = path.with_name(f"{path.name}.wal")
    is_unclosed = log.exists() and log.stat().st_size > 0
    try:
        with Warehouse(path, lock_timeout_seconds=0).reading() as con:
            yield Finding(Level.WELL, "warehouse", f"{path}, {path.stat().st_size / 1e6:,.1f} MB.")
            if is_unclosed:
                yield Finding(
                    Level.ODD,
                    "warehouse",
                    "Something that wrote was killed; what it had finished is in the log beside "
                    "the file.",
                    "Keep both files together: the next run takes the log in.",
                )
            yield from _look_into(con, settings)
    except duckdb.Error as error:
        yield Finding(
            Level.WRONG, "warehouse", f"{path} cannot be read to its end: {error}", RESTORE
        )
    except WarehouseUnavailable as error:
        if not error.holder:
            yield Finding(Level.WRONG, "warehouse", error.problem, RESTORE)
            return
        yield Finding(
            Level.ODD,
            "warehouse",
            f"It is held by another process: {error.holder}.",
            "If that is a run, ask again when it is over. If not, close it: runs wait for it.",
        )


def _look_into(con: "Backend", settings: Settings) -> Iterator[Finding]:
    if not is_there(con, "publications"):
        yield Finding(
            Level.ODD, "warehouse", "Nothing was ever published in it.", "`customer-segments run`"
        )
        return
    yield from _code(con)
    changes = plan(con, CONTRACTS.values())
    if changes:
        yield Finding(
            Level.WRONG,
            "contracts",
            "An earlier version of the code wrote "
            f"{', '.join(change.contract.table for change in changes)}.",
            "`customer-segments migrate` brings them up; with --dry-run it only says how.",
        )
        return
    yield Finding(Level.WELL, "contracts", "Every table is as this version of the code has it.")
    differences = disagreements(con, CONTRACTS)
    for difference in differences[:SHOWN]:
        yield Finding(Level.WRONG, "ledger", f"{difference}.", RESTORE)
    if not differences:
        yield Finding(Level.WELL, "ledger", "Every table holds what the ledger says.")
    yield from _months(con, settings)
    yield from _champion(con)
    yield from _checks(con)


def _code(con: "Backend") -> Iterator[Finding]:
    from packaging.version import Version

    rows = con.raw_sql("SELECT DISTINCT code_version FROM publications").fetchall()
    newest = max((version for (version,) in rows), key=Version, default=code_version())
    if Version(newest) > Version(code_version()):
        yield Finding(
            Level.WRONG,
            "versions",
            f"customer-segments {newest} wrote this warehouse; this is {code_version()}.",
            f"Install {newest} or a later one.",
        )


def _months(con: "Backend", settings: Settings) -> Iterator[Finding]:
    covered = Installation.of(settings).months
    held = [month for month, line in latest(con, "raw_transactions").items() if month and line.rows]
    if not held:
        yield Finding(Level.ODD, "months", "The workbooks have no rows yet.")
        return
    span = f"{min(held):%Y-%m} to {max(held):%Y-%m}"
    if not settings.months_path.exists():
        yield Finding(
            Level.WRONG,
            "months",
            f"The data has {span}, but {settings.months_path} is not there.",
            "`customer-segments run` writes it anew.",
        )
        return
    outside = [month for month in held if not covered.first <= month <= covered.newest]
    if outside and (settings.first_month or settings.last_month):
        yield Finding(
            Level.ODD,
            "months",
            f"The settings leave out {len(outside)} of the months that the data has ({span}).",
        )
    elif outside:
        yield Finding(
            Level.WRONG,
            "months",
            f"The data has {span}, {settings.months_path.name} says {covered.first:%Y-%m} to "
            f"{covered.newest:%Y-%m}.",
            "`customer-segments run` writes it anew; then reload the code location of a UI.",
        )
    else:
        yield Finding(
            Level.WELL,
            "months",
            f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}"
            f"{', and each month to come' if covered.is_open else ''}.",
        )
    for step in agenda(facts(Installation.of(settings), State.read(con), None)):
        yield Finding(Level.ODD, "agenda", f"Due: {step}: {step.why}.", "`customer-segments run`")


def _champion(con: "Backend") -> Iterator[Finding]:
    if not (is_there(con, "champion_model") and is_there(con, "kmeans_model")):
        yield Finding(Level.ODD, "champion", "There is no model yet.", "`customer-segments run`")
        return
    rows = con.raw_sql(
        "SELECT version, version IN (SELECT version FROM kmeans_model) "
        "FROM champion_model ORDER BY decision DESC LIMIT 1"
    ).fetchall()
    if not rows:
        yield Finding(Level.ODD, "champion", "No model was chosen yet.", "`customer-segments run`")
        return
    ((champion, is_known),) = rows
    if not is_known:
        yield Finding(
            Level.WRONG,
            "champion",
            f"{champion} is to label, but kmeans_model does not have it.",
            "`customer-segments models list`, then `promote` one of them; or restore a backup.",
        )
        return
    yield Finding(Level.WELL, "champion", f"{champion} labels.")


def _checks(con: "Backend") -> Iterator[Finding]:
    """Say what the newest verdict of each check on each month is, if verdicts are kept."""
    if not is_there(con, "check_history"):
        return
    rows = con.raw_sql(
        "SELECT table_name, check_name, month, level, said FROM check_history QUALIFY evaluated_at "
        "= max(evaluated_at) OVER (PARTITION BY table_name, check_name, month) "
        "ORDER BY level <> 'error', evaluated_at DESC, month DESC"
    ).fetchall()
    bad = [row for row in rows if row[3] in ("warn", "error")]
    for table, check, month, level, said in bad[:SHOWN]:
        of = f" of {month:%Y-%m}" if month else ""
        yield Finding(
            Level.WRONG if level == "error" else Level.ODD,
            "checks",
            f"{table}{of}, {check}: {said}",
        )
    if len(bad) > SHOWN:
        yield Finding(
            Level.ODD, "checks", f"And {len(bad) - SHOWN:,} more.", "See the table check_history."
        )
    if rows and not bad:
        yield Finding(Level.WELL, "checks", f"{len(rows):,} verdicts, all well.")
