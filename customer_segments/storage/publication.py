"""What one write published, for whoever reports it.

Belongs here: what follows from ledger lines and what they replaced. Does not: writing
(``publish``), the ledger itself (``ledger``).
"""

from dataclasses import dataclass
from datetime import date

from customer_segments.storage.content import Content
from customer_segments.storage.ledger import LedgerLine


@dataclass(frozen=True)
class Publication:
    """What one write published: a ledger line per month, and what the months held before.

    Parameters
    ----------
    sql
        The query that made the rows.
    sources
        Columns and types of the tables that the query reads, by table name.
    """

    table: str
    lines: list[LedgerLine]
    replaced: dict[date | None, Content]
    sql: str
    sources: dict[str, dict[str, str]]

    @property
    def rows(self) -> int:
        """Rows written, over all months."""
        return sum(line.rows for line in self.lines)

    @property
    def raw_version(self) -> str:
        """Version of raw_transactions that it was made from."""
        return self.lines[0].raw_version

    @property
    def changed_months(self) -> list[date]:
        """Months whose content differs from what was there before."""
        return [line.month for line in self.lines if line.is_changed and line.month]

    @property
    def tables_read(self) -> set[str]:
        """Tables of the warehouse that the query reads; none if rows were handed over."""
        return {name for name in self.sources if not name.startswith("ibis_")}

    @property
    def restated(self) -> list[tuple[LedgerLine, Content]]:
        """Months that held other rows before, each with what it held."""
        return [
            (line, before)
            for line in self.lines
            if line.is_changed and (before := self.replaced.get(line.month, Content())).rows
        ]
