"""The layout of a sheet: which columns, under which headings.

Belongs here: matching a header row with ``headings.toml`` and with what ``[[layout]]`` says. Does
not: reading files, or what a cell may hold (``forms``).
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from customer_segments.errors import UserError
from customer_segments.policy.layout import Layout

# Rows in which the header is looked for.
HEADER_SEARCH_ROWS = 30
# More of a cell or a list is no help in a message.
SHOWN_CHARACTERS = 500
NEEDED = {
    "customer_id": "the customer",
    "invoice_date": "the date",
    "price": "money (a price, or an amount)",
}
COLUMNS = (
    *("invoice", "stock_code", "description", "quantity", "invoice_date", "time", "price"),
    *("amount", "customer_id", "country", "discount", "status", "currency"),
)


class NoTransactions(UserError):  # noqa: N818 - a state, not a fault in the code
    """A sheet has no header of transactions."""


class Header(NamedTuple):
    """Where each column stands in a sheet.

    Parameters
    ----------
    row
        Number of the header's row, from 1.
    positions
        Position in the sheet by column, from 0.
    headings
        Heading by column.
    ignored
        Headings of columns that are not used.
    is_filled_down
        Whether the export has what holds for a whole order on its first line alone.
    """

    row: int
    positions: dict[str, int]
    headings: dict[str, str]
    ignored: tuple[str, ...]
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

    Raises
    ------
    UserError
        If the layout names a heading or a row that is not there, or a column stands there twice.
    """
    if layout.header_row is not None:
        if layout.header_row > len(rows):
            raise UserError(
                f"{where}: there is no row {layout.header_row} for a header among its first "
                f"{len(rows)}.",
                "Mend header_row of its [[layout]].",
            )
        return _header(rows, layout.header_row, layout, where)
    for number, row in enumerate(rows[:HEADER_SEARCH_ROWS], 1):
        # A title above the header has few cells.
        if sum(bool(cell and cell.strip()) for cell in row) >= len(NEEDED):
            header = _header(rows, number, layout, where)
            if not _missing(header):
                return header
    return None


def header_of(names: Sequence[str], layout: Layout, where: str) -> Header:
    """Return where the columns of a table stand whose columns have names of their own.

    Raises
    ------
    UserError
        If one that is needed is not there; or as ``match_header`` does.
    """
    header = match_header([names], layout.model_copy(update={"header_row": 1}), where)
    if header is None or _missing(header):
        raise require_columns([names], layout, where)
    return header


def require_columns(
    rows: Sequence[Sequence[str | None]], layout: Layout, where: str
) -> NoTransactions:
    """Return what to say of a sheet in which no header was found: what is missing, and where."""
    headers = [_header(rows, number, layout, where) for number in range(1, len(rows) + 1)]
    best = max(headers, key=lambda header: (len(header.positions), -header.row), default=None)
    row = rows[best.row - 1] if best else []
    given = ", ".join(repr(cell) for cell in row if cell) or "nothing"
    missing = _missing(best) if best else list(NEEDED)
    number = f"row {best.row}" if best and best.positions else "its first row"
    return NoTransactions(
        f"{where}: no column was found for {' and '.join(NEEDED[name] for name in missing)}; "
        f"{number} has {shown(given)}.",
        "Name the column in customer_segments.toml, for example [[layout]] columns = "
        f'{{ {missing[0]} = "its heading" }}; a sheet with other content belongs in another file.',
    )


def _missing(header: Header) -> list[str]:
    found = {"price" if column == "amount" else column for column in header.positions}
    return [column for column in NEEDED if column not in found]


def _header(
    rows: Sequence[Sequence[str | None]], number: int, layout: Layout, where: str
) -> Header:
    """Match one row."""
    cells = [(cell or "").strip() for cell in rows[number - 1]]
    plain = [_plain(cell) for cell in cells]
    named = {str(name): heading for name, heading in layout.columns.items()}
    positions: dict[str, int] = {}
    for column in COLUMNS:
        said = named.get(column)
        if said is None:
            candidates = _candidates(column, plain)
        elif said:
            candidates = [n for n, cell in enumerate(plain) if cell == _plain(said)]
            if not candidates and layout.header_row is not None:
                raise UserError(
                    f"{where}: row {number} has no column {said!r}, as its [[layout]] says.",
                    f"It has {shown(', '.join(filter(None, cells)))}.",
                )
        else:
            candidates = []
        candidates = [n for n in candidates if n not in positions.values()]
        if len(candidates) > 1:
            names = ", ".join(repr(cells[n]) for n in candidates)
            raise UserError(
                f"{where}: column {column} stands there {len(candidates)} times ({shown(names)}).",
                "Keep the one that counts, or name it in the columns of a [[layout]].",
            )
        if candidates:
            positions[column] = candidates[0]
    # The total of a line or an order says nothing that quantity and price do not.
    if "price" in positions and "amount" not in layout.columns:
        positions.pop("amount", None)
    if not layout.discount:
        positions.pop("discount", None)
    return Header(
        row=number,
        positions=positions,
        headings={column: cells[position] for column, position in positions.items()},
        ignored=tuple(cell for n, cell in enumerate(cells) if cell and n not in positions.values()),
        is_filled_down=layout.fill_down or any(_export(plain, "fill_down")),
    )


def _candidates(column: str, plain: list[str]) -> list[int]:
    """Return where the surest of a column's headings stand."""
    for columns in _export(plain, "columns"):
        if column in columns:
            return [n for n, cell in enumerate(plain) if cell == _plain(columns[column])]
    for name in _known()["synonyms"].get(column, []):
        if name in plain:
            return [n for n, cell in enumerate(plain) if cell == name]
    return []


def _export(plain: list[str], key: str) -> list[Any]:
    """Return what is said of the known export that headings are of, if they are of one."""
    return [
        export[key]
        for export in _known()["exports"].values()
        if key in export and {*export["has"]} <= {*plain}
    ]


def _plain(heading: str) -> str:
    without = re.sub(r"[(\[{].*?[)\]}]", "", heading) or heading
    letters = unicodedata.normalize("NFKD", without.casefold().replace("ß", "ss"))
    return "".join(letter for letter in letters if letter.isalnum())


@cache
def _known() -> dict[str, dict[str, Any]]:
    """Return the synonyms of each column, and the exports with headings of their own."""
    known = tomllib.loads(Path(__file__).with_name("headings.toml").read_text(encoding="utf-8"))
    for column, names in known["synonyms"].items():
        known["synonyms"][column] = [*map(_plain, names)]
    for export in known["exports"].values():
        export["has"] = [*map(_plain, export["has"])]
    return known
