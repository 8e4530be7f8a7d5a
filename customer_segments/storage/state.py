"""What the warehouse holds, in short, for those who decide what is due.

Belongs here: the newest publication of each month of each table, what blocking checks said of it,
the files, the champion, the days that snapshots are of; and the small file beside the warehouse
that each publication leaves, since sensors never open the warehouse. Does not: deciding what is due
(``automation.agenda``).
"""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from customer_segments.months import between, is_end
from customer_segments.private import write_text
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.storage.requirements import judgements, require_ledger


@dataclass(frozen=True)
class Held:
    """What a table holds of a month, as the ledger line says that wrote it.

    ``changed`` is the number of the newest line that changed its content.
    """

    publication: int
    changed: int
    rows: int
    digest: str
    model_version: str | None
    made_by: str | None


@dataclass(frozen=True)
class State:
    """What a warehouse holds; empty for one that nothing was published to.

    Parameters
    ----------
    tables
        By table and month (``YYYY-MM-01``; empty where the table has no months).
    judged
        By table, the newest publication that its blocking checks were evaluated on.
    failed
        By table, what a blocking check that did not pass said.
    files
        Content hash by name of the files that ``raw_transactions`` was made of.
    parser
        Version of the reading that made its rows.
    champion, decision
        Version of the model that labels, and number of the newest decision.
    snapshot_dates
        By month, the day that recency counts to in ``customer_rfm``; days are ISO.
    last_day
        Day of the newest line of a known customer in ``cleaned_transactions``; empty for none.
    """

    tables: dict[str, dict[str, Held]] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    parser: str = ""
    champion: str | None = None
    decision: int = 0
    snapshot_dates: dict[str, str] = field(default_factory=dict)
    last_day: str = ""

    def months(self, table: str) -> dict[date, Held]:
        """Return what a table holds by month, in order."""
        held = self.tables.get(table, {})
        return {date.fromisoformat(month): held[month] for month in sorted(held) if month}

    def last(self, table: str) -> Held | None:
        """Return what a table's newest publication wrote; ``None`` if it was never published.

        What a migration did to a table with months has no month, and is none.
        """
        held = self.months(table) or self.tables.get(table, {})
        return max(held.values(), key=lambda each: each.publication, default=None)

    def newest(self, table: str) -> int:
        """Return the number of a table's newest publication; 0 if it was never published."""
        last = self.last(table)
        return last.publication if last else 0

    def filled(self, table: str) -> list[date]:
        """Return the months of which a table has rows, in order."""
        return [month for month, held in self.months(table).items() if held.rows]

    def is_complete(self, month: date, today: date) -> bool:
        """Tell whether the snapshot of a month is there, and of the month's end."""
        held = self.snapshot_dates.get(f"{month}")
        return held is not None and is_end(month, date.fromisoformat(held), today)

    def pending(self, contract: Contract, made_by: str | None = None) -> list[date]:
        """Return the months of a table that were made before their input changed, in order.

        A month that was never published is pending once the table that it is built from has it, or
        has months before and after it: a shop that was closed has a snapshot, too. ``made_by`` is
        the fingerprint of the rules in force: months that others made are pending as well.
        """
        own, upstream = self.months(contract.table), self.months(contract.built_from or "")
        pending, newest_change = [], 0
        for month in between(min(upstream), max(upstream)) if upstream else ():
            changed = upstream[month].changed if month in upstream else 0
            # A snapshot adds up all months before it.
            newest_change = max(newest_change if contract.needs_history else 0, changed)
            held = own.get(month)
            if not (held and held.publication >= newest_change and made_by in (None, held.made_by)):
                pending.append(month)
        return pending

    @classmethod
    def read(cls, con: Connection, before: "State | None" = None) -> "State":
        """Return the state of an open warehouse.

        Days that ``before`` says of tables that did not change since are not looked for again: that
        takes a scan of the largest tables.
        """
        there = Catalog.of(con)
        columns = there.schemas
        if PUBLICATIONS.table not in there:
            return cls()
        require_ledger(there)
        tables: dict[str, dict[str, Held]] = {}
        for table, month, *held in con.raw_sql(
            "SELECT table_name, coalesce(month::VARCHAR, ''), max(publication), "
            "coalesce(max(publication) FILTER (is_changed), 0), "
            "last(rows ORDER BY publication), last(digest ORDER BY publication), "
            "last(model_version ORDER BY publication), last(made_by ORDER BY publication) "
            "FROM publications GROUP BY ALL ORDER BY ALL"
        ).fetchall():
            tables.setdefault(table, {})[month] = Held(*held)
        files, parser, champion, decision = {}, "", None, 0
        # What somebody dropped by hand has its lines in the ledger still; a column of before may
        # be missing.
        if "source_sheets" in columns:
            sheets = "SELECT workbook, any_value(content_hash), max(parser) FROM source_sheets"
            rows = con.raw_sql(f"{sheets} GROUP BY 1 ORDER BY 1").fetchall()
            files = {workbook: content_hash for workbook, content_hash, _ in rows}
            parser = max((version for *_, version in rows), default="")
        if "champion_model" in columns:
            decided = "SELECT arg_max(version, decision), coalesce(max(decision), 0)"
            ((champion, decision),) = con.raw_sql(f"{decided} FROM champion_model").fetchall()
        same = {
            table
            for table, held in (before.tables if before else {}).items()
            if table in columns and held == tables.get(table)
        }
        dates, last_day = {}, ""
        if before and "customer_rfm" in same:
            dates = before.snapshot_dates
        elif "snapshot_date" in columns.get("customer_rfm", ()):
            days = "SELECT snapshot_month, max(snapshot_date) FROM customer_rfm"
            by_month = con.raw_sql(f"{days} GROUP BY 1 ORDER BY 1").fetchall()
            dates = {str(month): str(day) for month, day in by_month}
        if before and "cleaned_transactions" in same:
            last_day = before.last_day
        elif "invoice_date" in columns.get("cleaned_transactions", ()):
            last = "SELECT coalesce(max(invoice_date)::DATE::VARCHAR, '') FROM cleaned_transactions"
            ((last_day,),) = con.raw_sql(f"{last} WHERE customer_id IS NOT NULL").fetchall()
        judged, failed = judgements(con, there)
        return cls(tables, judged, failed, files, parser, champion, decision, dates, last_day)

    @classmethod
    def load(cls, path: Path) -> "State":
        """Return what the file beside a warehouse says; empty where there is none to be read."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValueError):
            # Whoever opens the warehouse next writes it anew.
            return cls()

    def save(self, path: Path) -> None:
        """Write the file beside the warehouse, if it says something else."""
        text = json.dumps(vars(self), default=vars) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
