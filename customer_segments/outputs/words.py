"""Figures as words: shares, counts, money, months, as people read them.

Belongs here: how a figure is written. Does not: which figures are said.
"""

from datetime import date

from customer_segments.texts import plural

UNKNOWN = "\N{EN DASH}"
LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def percent(share: float) -> str:
    """Return a share in whole per cent; a little is not none, and almost all is not all."""
    if 0 < share < 0.005:
        return "less than 1%"
    if 0.995 <= share < 1:
        return "more than 99%"
    return f"{share:.0%}"


def number(value: float) -> str:
    """Return a figure as plainly as it allows: 5,476, 14, 491.5, 3.20 billion."""
    if abs(value) >= 1e9:
        return amount(value)
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def counted(count: float, noun: str) -> str:
    """Return a count with its noun, singular or plural."""
    return f"{number(count)} {plural(count, noun)}"


def amount(money: float) -> str:
    """Return money for a sentence: 16.41 million, 559,263."""
    for unit, word in LARGE:
        if abs(money) >= unit:
            return f"{signed(f'{money / unit:,.2f}')} {word}"
    return plain(money)


def in_currency(figure: str, currency: str) -> str:
    """Return money as it is written with its currency, if that is known: GBP 5,476, €5,476."""
    gap = " " if currency[-1:].isalpha() else ""
    return f"{currency}{gap}{figure}"


def short(value: float) -> str:
    """Return a figure as there is room for it on an axis: 30, 1,000,000, 20M, 4.06T."""
    if abs(value) < 1e7:
        return f"{value:,.0f}"
    unit, word = next((unit, word) for unit, word in LARGE if abs(value) >= unit)
    return f"{round(value / unit, 2):,g}{word[0].upper()}"


def plain(money: float) -> str:
    """Return money in whole units, without a minus before a zero."""
    return signed(f"{round(money) or 0:,}")


def signed(figure: str) -> str:
    """Return a figure with a minus that is as wide as a plus, and no hyphen."""
    return figure.replace("-", "\N{MINUS SIGN}")


def month_name(month: date) -> str:
    """Return a month as ``December 2011``."""
    return f"{month:%B %Y}"


def day_name(day: date) -> str:
    """Return a day as ``9 December 2011``."""
    return f"{day.day} {month_name(day)}"
