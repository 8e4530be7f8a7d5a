"""The columns that people see: what each is called, how it is written, how wide it is.

Belongs here: formats, and columns as ``columns.toml`` has them, once, for report, workbook and
terminal. Does not: the figures (``figures``), laying tables out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from customer_segments.outputs.words import UNKNOWN, plain, short, signed
from customer_segments.texts import read_toml


class Format(NamedTuple):
    """How a figure is written: Excel's number format, and as text."""

    excel: str
    text: Callable[[Any], str] = str
    is_number: bool = True


def _whole(value: float) -> str:
    """Return a whole number; a median of an even number of them may be a half."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _change(count: float) -> str:
    return signed(f"{count:+,.0f}") if count else "\N{PLUS-MINUS SIGN}0"


TEXT, GENERAL = Format("@", is_number=False), Format("General", is_number=False)
WHOLE, TENTHS = Format("#,##0", _whole), Format("#,##0.0", _whole)
DATE = Format("yyyy-mm-dd", lambda day: f"{day:%Y-%m-%d}")
MONEY = Format("#,##0.00", plain)
SHARE = Format("0.0%", lambda share: signed(f"{share:.1%}"))
FORMATS = {"text": TEXT, "general": GENERAL, "whole": WHOLE, "tenths": TENTHS, "date": DATE}
FORMATS |= {"money": MONEY, "share": SHARE, "change": Format("+#,##0;-#,##0;0", _change)}


@dataclass(frozen=True)
class Column:
    """A column of figures: ``name`` is the figure's in a row.

    ``heading`` and ``width``, in characters, are a workbook's, in which there is room; ``short``
    is the heading in report and terminal.
    """

    name: str
    heading: str
    format: Format
    width: float
    short: str = ""

    def text(self, row: dict[str, Any], *, is_short: bool = False) -> str:
        """Return the figure of a row as text, money in short if so wanted; unknown, a dash."""
        value = row.get(self.name)
        if value is None:
            return UNKNOWN
        return short(value) if is_short and self.format is MONEY else self.format.text(value)


def columns_of(names: str, **headings: str) -> tuple[Column, ...]:
    """Return the columns of these names; some under other headings, where a table needs them."""
    chosen = []
    for name in names.split():
        column, said = _columns()[name], headings.get(name)
        chosen.append(replace(column, heading=said, short=said) if said else column)
    return tuple(chosen)


def in_currency(columns: Iterable[Column], currency: str) -> list[Column]:
    """Return columns, those of money with their currency behind the heading, if it is known."""
    return [
        replace(column, heading=f"{column.heading}, {currency}")
        if currency and column.format is MONEY
        else column
        for column in columns
    ]


@cache
def _columns() -> dict[str, Column]:
    return {
        name: Column(name, heading, FORMATS[written], *rest)
        for group in read_toml(__package__, "columns.toml").values()
        for name, (heading, written, *rest) in group.items()
    }
