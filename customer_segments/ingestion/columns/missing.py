"""What to do about a sheet that lacks a column: which export to choose, what to put together.

Belongs here: telling it by the headings that are there. Does not: looking for columns (``layout``).
"""

import re
from collections.abc import Sequence

from customer_segments.ingestion.columns.headings import parts
from customer_segments.texts import read_toml

SHAPES = read_toml(__package__, "missing.toml")["shapes"]
# What headings of the columns that are needed look like.
LOOKS = read_toml(__package__, "missing.toml")["looks"]
# What their cells look like, where no heading tells.
HOLDS = read_toml(__package__, "missing.toml")["holds"]
ANY = "."
MOST_COLUMNS, LONGEST = 16_384, 200
OTHERS = "what has no sales belongs in another folder (or name the sheets that count)."


def advice(
    missing: Sequence[str],
    known: Sequence[str],
    cells: Sequence[str],
    below: Sequence[Sequence[str | None]],
) -> str:
    """Return what to do where columns are ``missing``.

    ``known`` are those that were found, ``cells`` the headings, ``below`` the rows under them.
    """
    if missing == ["price"] and (places := parts("amount", cells)):
        both = ", ".join(f'"{cells[place]}"' for place in places)
        return (
            f"If the first of these is what customers owe and the second what is taken off, say "
            f"[[layout]] columns = {{ amount = [{both}] }}; payments are no credit notes: leave "
            "their rows out, by [cleaning] statuses and the column that says what a row is."
        )
    if missing == ["customer_id"] and (head := _head(cells, below)):
        from openpyxl.utils import get_column_letter

        place, name = head
        return (
            f"If customers such as {name!r} stand on rows of their own above their lines, say "
            f'[[layout]] columns = {{ customer_id = "column {get_column_letter(place + 1)}" }} and '
            "fill_down = true."
        )
    # What a line of the policy can name.
    names = [cell if len(cell) <= LONGEST and '"' not in cell else "" for cell in cells]
    likely = {name: _likely(name, names) for name in missing}
    likely |= {
        name: _holding(name, names, below) for name in HOLDS if name in likely and not likely[name]
    }
    for shape in SHAPES:
        if shape["headings"] == ANY and all(likely.values()):
            continue
        looks = [cell for cell in cells if re.search(shape["headings"], cell)]
        has = {*shape.get("missing", missing)} <= {*missing} and {*shape.get("has", [])} <= {*known}
        if has and len(looks) >= shape.get("least", 1):
            return f"{shape['advice']}".format(heading=looks[0])
    columns = ", ".join(f'{name} = "{likely[name] or "its heading"}"' for name in missing)
    told = f"Name the column in customer_segments.toml: [[layout]] columns = {{ {columns} }}"
    told += ", if that is it" if any(likely.values()) else ""
    if missing == ["customer_id"] and not likely["customer_id"]:
        told += "; if none tells customers apart, export it with an e-mail address or a number"
    (one, *more) = [cell for cell in cells if cell] or [""]
    marks = re.sub(r"[\w\s'\"()]", "", one)
    if not more and marks:
        told = (
            "Each row is one cell, in quotation marks as a whole: take these away, or split it in "
            "a spreadsheet (Data > Text to Columns), and save it again"
            if max(marks, key=marks.count) in ",;"
            else "Say what stands between the cells, for example [[layout]] separator = "
            f'"{max(marks, key=marks.count)}"'
        )
    return f"{told}; {OTHERS}"


def _likely(column: str, cells: Sequence[str]) -> str | None:
    """Return the first heading that looks like a column's."""
    looks = (cell for cell in cells if re.search(LOOKS[column], cell))
    return next((cell for cell in looks if not re.search(LOOKS["other"], cell)), None)


def _holding(
    column: str, cells: Sequence[str], below: Sequence[Sequence[str | None]]
) -> str | None:
    """Return the first heading below which all cells look like a column's."""
    for place, heading in enumerate(cells):
        held = [cell for row in below for cell in row[place : place + 1] if cell]
        if heading and held and all(re.search(HOLDS[column], cell) for cell in held):
            return heading
    return None


def _head(cells: Sequence[str], below: Sequence[Sequence[str | None]]) -> tuple[int, str] | None:
    """Return place and text of a cell that is alone of its row, in a column without a heading."""
    # As far as a spreadsheet has letters.
    cells = cells[:MOST_COLUMNS]
    for row in below:
        filled = [(place, cell.strip()) for place, cell in enumerate(row) if cell and cell.strip()]
        if len(filled) == 1 and filled[0][0] < len(cells) and not cells[filled[0][0]]:
            return filled[0]
    return None
