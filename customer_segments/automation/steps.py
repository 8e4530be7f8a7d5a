"""What the agenda is decided from, and what it consists of.

Belongs here: facts and steps, as data. Does not: deciding (``agenda``), looking (``looking``).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from customer_segments.installation import Installation
from customer_segments.storage.state import State

Range = tuple[date, date]


@dataclass(frozen=True)
class Step:
    """A job that is due, over which months, and why."""

    job: str
    why: str
    months: Range | None = None
    basis: str = ""

    @property
    def key(self) -> str:
        """What tells this step from one of other months or of other causes."""
        return hashlib.sha256(f"{self.job} {self.months} {self.basis}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Job and months, such as ``score 2011-06 to 2011-12``."""
        return f"{self.job} {said(self.months)}" if self.months else self.job


@dataclass(frozen=True)
class Facts:
    """What the agenda is decided from.

    Parameters
    ----------
    state
        What the warehouse holds.
    files
        Content hash by name of the input files; ``None`` while one is still being written.
    reports
        By month that has a report, what the report was made from.
    parser
        Version of the reading in this code.
    """

    installed: Installation
    state: State
    files: Mapping[str, str] | None
    reports: Mapping[date, str] = field(default_factory=dict)
    parser: str = ""


def said(months: Range) -> str:
    """Return a range of months as people write it."""
    first, last = months
    return f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"
