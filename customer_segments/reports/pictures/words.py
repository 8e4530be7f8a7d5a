"""Figures as words: shares, counts, months, as titles and captions say them.

Belongs here: how a figure is written. Does not: which figures are said.
"""

from collections.abc import Sequence
from datetime import date


def percent(share: float) -> str:
    """Return a share in whole per cent; a little is not none, and almost all is not all."""
    if 0 < share < 0.005:
        return "less than 1%"
    if 0.995 <= share < 1:
        return "more than 99%"
    return f"{share:.0%}"


def number(value: float) -> str:
    """Return a figure as plainly as it allows: 5,476, 14, 2.5."""
    return f"{value:,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:,.1f}"


def counted(count: float, noun: str) -> str:
    """Return a count with its noun, singular or plural."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def month_name(month: date) -> str:
    """Return a month as ``December 2011``."""
    return f"{month:%B %Y}"


def listed(parts: Sequence[str]) -> str:
    """Return parts as an enumeration."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
