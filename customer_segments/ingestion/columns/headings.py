"""Headings: which are alike, and which column is under each.

Belongs here: comparing headings, with each other and with ``headings.toml``. Does not: finding the
row in which they stand (``layout``).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import starmap, zip_longest
from typing import Any

from customer_segments.texts import read_toml

# Words of no weight, words that say the same, and the currency of a column of money.
ARTICLES = {"de", "del", "della", "dello", "dell", "do", "da", "dos", "du", "des", "d", "la", "le"}
ARTICLES |= {"l", "of", "the", "der"}
NUMBER = {"no", "n", "nr", "num", "nro", "numero", "number", "nummer", "nbr"}
CURRENCIES = set(read_toml("customer_segments.ingestion", "currencies.toml")["codes"])
TAX = (
    " (excl|incl|excluding|including|ex|inc|eks|ekskl|inkl|exkl|zzgl|hors|con|sin|com|sem|c|s|bez"
    "|iva) (vat|gst|tax|taxes|taxe|mva|moms|mwst|ust|btw|iva|tva|alv|dph|esclusa|inclusa)$"
    "| (kg|lb|l)$"
)
# What several columns may say together without anybody saying so.
WHOLE = ("invoice_date", "customer_id")
LEAST_LEFT = 5
# Of the letters, those that are right: one of eight may be wrong, left out or exchanged.
MISTYPED = 0.87
PIVOTED = r"(?i)^(sum|max|min|avg|average|summe|somme|suma|somma|soma|som) (of|von|de|di|van) "
TABLE = r"^(?:\w+\.(?=\w{3,}$)|(?:dim|fct|fact|str|int|lng|dbl|dtm|dte|cur)(?:_|(?=[A-Z])))"
CAMEL = "(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])"
IN_BRACKETS = r"[(\[{].*?[)\]}]"


def of_row(rows: Sequence[Sequence[str | None]], number: int) -> list[str]:
    """Return the headings of a row; those that it has twice with what stands above their group."""
    cells = [(cell or "").strip() for cell in rows[number - 1]]
    above = [(cell or "").strip() for cell in rows[number - 2][: len(cells)]] if number > 1 else []
    groups = [next((cell for cell in above[n::-1] if cell), "") for n in range(len(above))]
    twice = {cell for cell in cells if cell and cells.count(cell) > 1}
    if not twice and len({*groups} - {""}) > 1:
        return [*starmap(_whose, zip_longest(cells, groups, fillvalue=""))]
    if not twice:
        return cells
    # A heading that is alone of its group may stand above.
    return [
        f"{group} {cell}".strip() if cell in twice else cell or alone
        for cell, group, alone in zip_longest(cells, groups, above, fillvalue="")
    ]


def _whose(cell: str, group: str) -> str:
    """Return ID as Customer ID where it stands below Customer."""
    whole, is_short = f"{group} {cell}", cell and {*_words(cell)} <= NUMBER | {"id"}
    is_known = is_short and any(found(column, [whole]) for column in ("invoice", "customer_id"))
    return whole if is_known else cell


def found(column: str, cells: Sequence[str]) -> list[int]:
    """Return where the surest of a column's headings stand; several are equally sure."""
    for columns in of_exports("columns", cells):
        if column in columns:
            return named(columns[column], cells)
    names, address = _known()["synonyms"].get(column, []), _known()["address"]
    if any(_where(town, cells, _plain) for town in address["towns"]):
        names = [name for name in names if name not in address["parts"]]
    for key in (_plain, _in_any_order, _alone, _left):
        places: dict[str, list[int]] = {}
        for n, cell in enumerate(cells):
            places.setdefault(key(cell), []).append(n)
        places.pop("", None)
        for there in (places[said] for said in map(key, names) if said in places):
            # Total, and beside it Total (formatted).
            return [n for n in there if "formatted" not in cells[n].casefold()] or there
    return []


def named(heading: str, cells: Sequence[str]) -> list[int]:
    """Return where a heading stands that somebody names: as it is written, else nearly so."""
    there = _where(heading.strip(), cells, str.casefold) or _where(heading, cells, _plain)
    # Of a column without a heading, its letters, as spreadsheets have them.
    if there or not (letters := re.fullmatch(r"(?i)\s*column ([a-z]{1,3})\s*", heading)):
        return there
    from openpyxl.utils import column_index_from_string

    place = column_index_from_string(letters[1].upper()) - 1
    return [place] if place < len(cells) and not cells[place] else []


def is_nearly(column: str, cell: str) -> bool:
    """Tell whether a heading may be one of a column's with letters mistyped: Quanity."""
    names = {_plain(name) for name in _known()["synonyms"][column]}
    known = [name for name in names if len(name) >= LEAST_LEFT]
    return bool(get_close_matches(_plain(cell), known, n=1, cutoff=MISTYPED))


def parts(column: str, cells: Sequence[str]) -> list[int]:
    """Return where the headings stand that say together what a column says, if they are there."""
    for names in _known()["parts"].get(column, []):
        places = [_where(name, cells, _plain) for name in names]
        if all(len(there) == 1 for there in places):
            return [there[0] for there in places]
    return []


def places(
    column: str, said: str | list[str] | None, cells: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return where a column may stand, and where what it is read together with."""
    if said is None:
        candidates = found(column, cells)
        together = parts(column, cells) if column in WHOLE else []
        # No column says it all, or one of these was taken for it.
        return (together[:1], together[1:]) if {*candidates} <= {*together} else (candidates, [])
    if isinstance(said, str):
        return (named(said, cells) if said else []), []
    together = [place for heading in said for place in named(heading, cells)[:1]]
    return (together[:1], together[1:]) if len(together) == len(said) else ([], [])


def has(key: str, cells: Sequence[str]) -> bool:
    """Tell whether headings are of a known export of which something holds."""
    return any(of_exports(key, cells))


def _where(heading: str, cells: Sequence[str], key: Callable[[str], str]) -> list[int]:
    said = key(heading)
    return [n for n, cell in enumerate(cells) if said and key(cell) == said]


def of_exports(key: str, cells: Sequence[str]) -> list[Any]:
    """Return what is said of the known export that headings are of, if they are of one."""
    plain = {_plain(cell) for cell in cells}
    return [
        export[key]
        for export in _known()["exports"].values()
        if key in export and {_plain(heading) for heading in export["has"]} <= plain
    ]


@cache
def _plain(heading: str) -> str:
    return re.sub(r"(?<=.)(nummer|number|numero|nro|nr|no)$", "no", "".join(_words(heading)))


@cache
def _in_any_order(heading: str) -> str:
    """Return a heading's words but for articles, in one order: N° de client is "client no"."""
    words = _words(heading)
    return " ".join(sorted({*words} - ARTICLES or words))


@cache
def _alone(heading: str) -> str:
    """Return a heading without tax, unit, table, type: Pris eks. mva, €/kg, o.sku, strName."""
    return re.sub(TAX, "", " ".join(_words(re.sub(TABLE, "", heading))))


@cache
def _left(heading: str) -> str:
    """Return what a wrong encoding leaves of a heading, enough of it: St?ckzahl, Quantit."""
    left = re.sub("[^0-9a-z]", "", heading.casefold())
    return left if len(left) >= LEAST_LEFT else ""


@cache
def _words(heading: str) -> tuple[str, ...]:
    # Sales[Customer ID], as Power BI has it.
    heading = re.sub(r"^'?[\w ]+'?\[([^\]]{2,})\]$", r"\1", heading)
    without = re.sub(IN_BRACKETS, "", heading) or heading
    # As pivot tables have it: Sum of Sales, Somme de Montant.
    without = re.sub(PIVOTED, "", without)
    # unitPriceGBP is unit price GBP.
    without = re.sub(CAMEL, " ", without)
    letters = unicodedata.normalize("NFKD", without.casefold().replace("ß", "ss"))
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"[^\W_]+", letters.replace("#", " no "))
    if len(words) > 1 and words[-1] in CURRENCIES:
        words.pop()
    return tuple("no" if word in NUMBER and len(words) > 1 else word for word in words)


@cache
def known_words() -> frozenset[str]:
    """Return the words of all headings that are not ASCII, in small letters."""
    names = [name for names in _known()["synonyms"].values() for name in names]
    words = re.findall(r"[^\W\d_]{3,}", " ".join(names).lower())
    return frozenset(word for word in words if not word.isascii())


def _known() -> Mapping[str, Any]:
    """Return the synonyms of each column, and the exports with headings of their own."""
    return read_toml(__package__, "headings.toml")
