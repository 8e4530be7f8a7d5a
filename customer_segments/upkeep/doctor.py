"""What is wrong with an installation, in plain words, and what to do about it.

Belongs here: going through all parts, and findings that need the warehouse opened, to read: lock,
contracts, months, champion, checks, what is due. Does not: what is around it (``surroundings``).
Each part is guarded: a doctor that falls over a broken installation is of no use.
"""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import ibis

from customer_segments.automation.agenda import of_run
from customer_segments.automation.facts import facts
from customer_segments.errors import UserError
from customer_segments.installation import Installation, settings_here
from customer_segments.outputs.queries import findings_of
from customer_segments.quality.evaluation import Level
from customer_segments.shown import advice
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection, WarehouseUnavailable
from customer_segments.storage.ledger import code_version, disagreements
from customer_segments.storage.state import State
from customer_segments.tables import CONTRACTS
from customer_segments.texts import counted
from customer_segments.upkeep import surroundings
from customer_segments.upkeep.backup import log_of
from customer_segments.upkeep.migrate import plan
from customer_segments.upkeep.surroundings import Finding, odd, well, wrong

SHOWN = 5
RESTORE = "Restore a backup: `customer-segments restore`."
RUN = "`customer-segments run`"
ALLOW = "Allow reading and writing there to the user that runs this."


def examine() -> list[Finding]:
    """Look at everything; opens the warehouse only to read, and waits for nobody."""
    findings: list[Finding] = []

    def guarded(topic: str, do: Callable[..., Any], *arguments: Any) -> Any:
        try:
            done = do(*arguments)
            if isinstance(done, Iterator):
                findings.extend(done)
            return done
        except UserError as error:
            findings.append(wrong(topic, error.problem, error.remedy))
        except PermissionError as error:
            findings.append(wrong(topic, f"{error.filename} may not be read.", ALLOW))
        except Exception as error:
            findings.append(wrong(topic, f"It could not be looked at: {error!r}.", "Report it."))

    guarded("versions", surroundings.versions)
    settings = guarded("settings", settings_here)
    guarded("Dagster", surroundings.dagster, settings)
    if settings:
        for topic, look in surroundings.BY_SETTINGS.items():
            guarded(topic, look, settings)
        if installed := guarded("rules", Installation.of, settings):
            guarded("source", surroundings.source, installed)
            guarded("warehouse", _warehouse, installed)
    return findings


def verdict(findings: list[Finding]) -> tuple[str, bool]:
    """Return a sentence about all findings, and whether nothing is wrong."""
    bad, strange = (sum(f.level is level for f in findings) for level in (Level.ERROR, Level.WARN))
    if bad:
        return f"{bad} {'thing is' if bad == 1 else 'things are'} wrong.", False
    return (f"Nothing is wrong; {strange} to know." if strange else "All is well."), True


def _warehouse(installed: Installation) -> Iterator[Finding]:
    """Open the warehouse, without waiting, and look at all that it holds."""
    path = installed.warehouse.path
    if not path.exists():
        yield odd("warehouse", f"There is none at {path} yet.", f"{RUN} makes it.")
        return
    is_unclosed = log_of(path).exists() and log_of(path).stat().st_size > 0
    try:
        lake = installed.warehouse.lake
        with Warehouse(path, lock_timeout_seconds=0, lake=lake).reading() as con:
            yield well("warehouse", f"{path}, {path.stat().st_size / 1e6:,.1f} MB.")
            if is_unclosed:
                said = "Something that wrote was killed; what it had finished is in the log beside"
                remedy = "Keep both files together: the next run takes the log in."
                yield odd("warehouse", f"{said} the file.", remedy)
            yield from _look_into(con, installed)
    except duckdb.Error as error:
        yield wrong("warehouse", f"{path} cannot be read to its end: {error}", RESTORE)
    except WarehouseUnavailable as error:
        remedy = "If that is a run, ask again when it is over. If not, close it: runs wait for it."
        if error.holder:
            yield odd("warehouse", f"It is held by another process: {error.holder}.", remedy)
        else:
            yield wrong("warehouse", error.problem, error.remedy)


def _look_into(con: Connection, installed: Installation) -> Iterator[Finding]:
    if "publications" not in Catalog.of(con):
        yield odd("warehouse", "Nothing was ever published in it.", RUN)
        return
    yield from _code(con)
    if changes := plan(con, installed, CONTRACTS.values()):
        tables = ", ".join(change.contract.table for change in changes)
        remedy = "`customer-segments migrate` brings them up; with --dry-run it only says how."
        yield wrong("contracts", f"An earlier version of the code wrote {tables}.", remedy)
        return
    yield well("contracts", "Every table is as this version of the code has it.")
    differences = disagreements(con, CONTRACTS)
    yield from (wrong("ledger", f"{difference}.", RESTORE) for difference in differences[:SHOWN])
    if not differences:
        yield well("ledger", "Every table holds what the ledger says.")
    state = State.read(con)
    yield from _months(state, installed)
    yield from _champion(con, state)
    if said := advice(installed, state):
        yield odd("champion", said)
    yield from _checks(con)
    # The files are looked at by the next run: they may be many, and large.
    for step in of_run(facts(installed, state, None)):
        yield odd("agenda", f"Due: {step}: {step.why}.", RUN)


def _code(con: Connection) -> Iterator[Finding]:
    from packaging.version import Version

    rows = con.raw_sql("SELECT DISTINCT code_version FROM publications").fetchall()
    newest = max([code_version(), *(version for (version,) in rows)], key=Version)
    if newest != code_version():
        said = f"customer-segments {newest} wrote this warehouse; this is {code_version()}."
        yield wrong("versions", said, f"Install {newest} or a later one.")


def _months(state: State, installed: Installation) -> Iterator[Finding]:
    covered, path = installed.months, installed.settings.months_path
    held = state.filled("raw_transactions")
    if not held:
        yield odd("months", "The workbooks have no rows yet.")
        return
    span = f"{held[0]:%Y-%m} to {held[-1]:%Y-%m}"
    outside = [month for month in held if not covered.clip(month, month)]
    if not path.exists() or (outside and not any(installed.settings.bounds)):
        said = f"The data has {span}, which {path.name} does not say."
        yield wrong("months", said, f"{RUN} writes it anew; then reload a UI's code location.")
    elif outside:
        left_out = counted(len(outside), "month")
        yield odd("months", f"The settings leave out {left_out} of the data's {span}.")
    else:
        more = ", and each month to come" if covered.is_open else ""
        yield well("months", f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}{more}.")


def _champion(con: Connection, state: State) -> Iterator[Finding]:
    if state.champion is None or "kmeans_model" not in Catalog.of(con):
        yield odd("champion", "No model was chosen yet.", RUN)
        return
    known = "SELECT 1 FROM kmeans_model WHERE version = ? LIMIT 1"
    if con.con.execute(known, [state.champion]).fetchall():
        yield well("champion", f"{state.champion} labels.")
    else:
        said = f"{state.champion} is to label, but kmeans_model does not have it."
        remedy = "`customer-segments models list`, then `promote` one of them; or restore a backup."
        yield wrong("champion", said, remedy)


def _checks(con: Connection) -> Iterator[Finding]:
    """Say what the newest verdict of each check on each month is, where it stands out."""
    if "check_history" not in Catalog.of(con):
        return
    newest_first = findings_of().order_by("level", ibis.desc("month", nulls_first=True))
    bad = con.to_pyarrow(newest_first).to_pylist()
    for row in bad[:SHOWN]:
        of = f" of {row['month']:%Y-%m}" if row["month"] else ""
        said = f"{row['table_name']}{of}, {row['check_name']}: {row['said']}"
        yield Finding(Level(row["level"]), "checks", said)
    if len(bad) > SHOWN:
        yield odd("checks", f"And {len(bad) - SHOWN:,} more.", "See the table check_history.")
    if not bad:
        yield well("checks", "None stands out.")
