"""How money, changes and moves are written in the report.

Belongs here: a figure as text. Does not: which figures are said (``wording``, ``remarks``).
"""

from collections.abc import Sequence

from customer_segments.reports.moves import CAME, Move

MILLION = 1_000_000


def amount(money: float) -> str:
    """Return money for a sentence: 16.41 million, 559,263."""
    if abs(money) >= MILLION:
        return f"{money / MILLION:,.2f} million"
    return plain(money)


def plain(money: float) -> str:
    """Return money in whole units, without a minus before a zero."""
    return signed(f"{round(money) or 0:,}")


def signed(figure: str) -> str:
    """Return a figure with a minus that is as wide as a plus, and no hyphen."""
    return figure.replace("-", "\N{MINUS SIGN}")


def than(difference: int, then: str) -> str:
    """Return a comparison of counts: 28 more than a month before, as many as a year before."""
    if not difference:
        return f"as many as {then}"
    return f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than {then}"


def went(moves: Sequence[Move]) -> str:
    """List where customers of a segment went."""
    return "; ".join(f"{m.customers:,} to {m.target}{_money(m.before)}" for m in moves)


def came(moves: Sequence[Move]) -> str:
    """List where customers of a segment came from."""
    return "; ".join(
        f"{m.customers:,} new{_money(m.brought, 'brought')}"
        if m.direction == CAME
        else f"{m.customers:,} from {m.origin}{_money(m.before)}"
        for m in moves
    )


def _money(money: float, said: str = "had brought") -> str:
    return f" ({said} {plain(money)})" if round(money) else ""
