"""The layout of a sheet: which columns, under which headings.

Belongs here: matching a header row with known headings and with what ``[[layout]]`` says. Does not:
which headings are alike (``headings``), reading files, or what a cell may hold (``forms``).
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, get_args

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.headings import found, has, of_exports, of_row, places
from customer_segments.ingestion.columns.missing import advice
from customer_segments.policy.layout import Columns, Contact, Layout

# Rows in which the header is looked for.
HEADER_SEARCH_ROWS = 30
# More of a cell or a list is no help in a message.
SHOWN_CHARACTERS = 500
NEEDED = {
    "customer_id": "the customer",
    "invoice_date": "the date",
    "price": "money (a price, or an amount)",
}
COLUMNS, CONTACT = get_args(Columns), get_args(Contact)
OPTIONAL = ("country", "status", "currency")  # of several with such a heading none is used
# The amount where there is a price as well: it is held against quantity times price, and not used.
LINE_TOTAL = "line_total"
# What else is there: to be held against ids, or to stand in for what is empty, the surest first.
OTHER, MOST_OTHERS = "other_", 30
NAMES = ("name", "first_name")
STAND_INS = {
    "customer_id": ("customer_id", "email", "phone", "company", "name"),
    "invoice_date": ("invoice_date",),
    "price": ("price", "amount"),
}
# The second of the headings that a column is read from, and the third.
PART = "part_{}_of_{}"
PARTS = "part_"


class NoTransactions(UserError):  # noqa: N818 - a state, not a fault in the code
    """A sheet has no header of transactions."""


class Header(NamedTuple):
    """Where each column stands in a sheet."""

    # Number of the header's row, from 1.
    row: int
    # By column: position in the sheet, from 0, and heading; and the headings that are not used.
    positions: dict[str, int]
    headings: dict[str, str]
    ignored: tuple[str, ...]
    # Whether the export has what holds for a whole order on its first line alone.
    is_filled_down: bool


def shown(text: str) -> str:
    """Return how messages show a file name or another foreign text: on one line, not endless."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def where(workbook: str, sheet: str) -> str:
    """Return how messages name a sheet."""
    return f"{shown(workbook)}, sheet {sheet!r}"


def layout_of(layouts: Iterable[Layout], file: str) -> Layout:
    """Return what the policy says of a file; nothing special where it does not name it."""
    named = (each for each in layouts if fnmatch(file.casefold(), each.files.casefold()))
    return next(named, Layout())


def match_header(rows: Sequence[Sequence[str | None]], layout: Layout, where: str) -> Header | None:
    """Find the header among the first rows of a sheet; ``None`` if it has no transactions.

    A UserError says that the layout names a heading or a row that is not there, or that a column
    stands there twice.
    """
    if layout.header_row is not None:
        if layout.header_row > len(rows):
            raise UserError(
                f"{where}: there is no row {layout.header_row} for a header among its first "
                f"{len(rows)}.",
                "Mend header_row of its [[layout]].",
            )
        return _header(rows, layout.header_row, layout, where)
    best = None
    for number, row in enumerate(rows[:HEADER_SEARCH_ROWS], 1):
        # A title above the header has few cells; one that lists what was chosen has some.
        if sum(bool(cell and cell.strip()) for cell in row) >= len(NEEDED):
            try:
                header = _header(rows, number, layout, where)
            except UserError:
                if best:
                    break
                raise
            if not _missing(header) and (not best or len(_known(header)) > len(_known(best))):
                best = header
    return best


def header_of(names: Sequence[str], layout: Layout, where: str) -> Header:
    """Return where the columns of a table stand whose columns have names of their own.

    A UserError says that one that is needed is not there; else as ``match_header`` raises it.
    """
    header = match_header([names], layout.model_copy(update={"header_row": 1}), where)
    if header is None or _missing(header):
        raise require_columns([names], layout, where)
    return header


def require_columns(rows: Sequence[Sequence[str | None]], layout: Layout, where: str) -> UserError:
    """Return what to say of a sheet in which no header was found: what is missing, and where."""
    headers = [_header(rows, number, layout, where) for number in range(1, len(rows) + 1)]
    best = max(headers, key=lambda header: (len(_known(header)), -header.row), default=None)
    row = rows[best.row - 1] if best else []
    if refused := of_exports("refused", [cell or "" for cell in row]):
        return UserError(f"{where}: {refused[0]['is']}.", refused[0]["advice"])
    given = ", ".join(repr(cell) for cell in row if cell) or "nothing"
    missing = _missing(best) if best else list(NEEDED)
    known = _known(best) if best else []
    cells = [(cell or "").strip() for cell in row]
    told = advice(missing, known, cells, rows[best.row :] if best else [])
    number = f"row {best.row}" if best and known else "its first row"
    # A note has no such headings.
    is_export = len(known) >= len(NEEDED)
    return (UserError if is_export else NoTransactions)(
        f"{where}: no column was found for {' and '.join(NEEDED[name] for name in missing)}; "
        f"{number} has {shown(given)}.",
        told,
    )


def _known(header: Header) -> list[str]:
    return [column for column in header.positions if not column.startswith((OTHER, PARTS))]


def _missing(header: Header) -> list[str]:
    found = {"price" if column == "amount" else column for column in header.positions}
    return [column for column in NEEDED if column not in found]


def _header(
    rows: Sequence[Sequence[str | None]], number: int, layout: Layout, where: str
) -> Header:
    """Match one row."""
    cells = of_row(rows, number)
    positions: dict[str, int] = {}
    headings = dict[Any, Any].fromkeys(CONTACT, "") | layout.columns | layout.contact
    for column in (*COLUMNS, *CONTACT):
        candidates, others = places(column, headings.get(column), cells)
        asked = headings.get(column) or []
        if asked and not candidates and layout.header_row is not None:
            raise UserError(
                f"{where}: row {number} has no column {asked!r}, as its [[layout]] says.",
                f"It has {shown(', '.join(filter(None, cells)))}.",
            )
        positions |= {PART.format(n, column): place for n, place in enumerate(others, 2)}
        if column in COLUMNS:  # an address may be the customer's id as well
            candidates = [n for n in candidates if n not in positions.values()]
        if len(candidates) > 1 and (asked or column not in OPTIONAL):
            names = ", ".join(repr(cells[n]) for n in candidates)
            raise UserError(
                f"{where}: column {column} stands there {len(candidates)} times ({shown(names)}).",
                "Keep the one that counts"
                + (
                    ", or name it in columns of a [[layout]]; if each row has one, make them one."
                    if len({cells[n] for n in candidates}) > 1
                    else ": give the others another heading."
                ),
            )
        if len(candidates) == 1:
            positions[column] = candidates[0]
    _choose_money(positions, layout)
    positions = {
        column: place
        for column, place in positions.items()
        if not column.startswith(PARTS) or column.rpartition("_of_")[2] in positions
    }
    used = {place for column, place in positions.items() if column != LINE_TOTAL}
    taken = {place for column, place in positions.items() if column not in CONTACT}
    others = [n for n, cell in enumerate(cells) if cell and n not in taken]
    beside = [n for n in others if _is_beside(cells[n])]
    is_known = "invoice" in {*positions, *layout.columns}
    others = beside if is_known else list(dict.fromkeys([*beside, *others]))
    positions |= {f"{OTHER}{n}": n for n in others[:MOST_OTHERS]}
    # A column without a heading is called as the layout calls it.
    said = {column: cells[n] or str(headings.get(column)) for column, n in positions.items()}
    for column, place in positions.items():
        if column.startswith(PARTS):
            said[column.rpartition("_of_")[2]] += f" + {cells[place]}"
    return Header(
        row=number,
        positions=positions,
        headings=said,
        ignored=tuple(cell for n, cell in enumerate(cells) if cell and n not in used),
        is_filled_down=layout.fill_down or has("fill_down", cells),
    )


@cache
def _is_beside(heading: str) -> bool:
    return any(found(kind, [heading]) for kind in chain(NAMES, *STAND_INS.values()))


def _choose_money(positions: dict[str, int], layout: Layout) -> None:
    """Leave one column of money, the price where nobody says another, and a discount if asked."""
    if "price" in positions and "amount" in positions:
        if layout.columns.get("amount") and not layout.columns.get("price"):
            positions.pop("price")
        else:
            positions[LINE_TOTAL] = positions.pop("amount")
    if not layout.discount:
        positions.pop("discount", None)
