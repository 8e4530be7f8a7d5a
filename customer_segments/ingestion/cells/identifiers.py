"""Identifiers of customers, orders, products: one spelling of each.

Belongs here: what a cell says, and which customer is nobody. Does not: which ids look alike but
may be others (``doubts``).
"""

import re
from collections.abc import Callable

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import StringValue, Table, Value

from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.policy.rules import Source as Rules

IDENTIFIERS = ("invoice", "stock_code", "customer_id", "country", "status", *CONTACT)
USUAL = "^[0-9A-Za-z]+(?: [0-9A-Za-z]+)*$"
# An e-mail address, roughly.
_ADDRESS = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
# A name beside a number: 20001 - Smith & Co, C-20001: Smith, 20001 Smith; Smith & Co (20001).
_NUMBER = "([A-Za-z]{0,4}[-_]?[0-9]{3,})"
NAME_BEHIND = rf"^{_NUMBER}(?:-\pL{{3}}|(?:\s*[:|;,/]|\s+[-–—:|;,/])?\s+\pL)"  # noqa: RUF001 - dashes on purpose
NAME_BEFORE = rf"^\pL.*\s[(\[]{_NUMBER}[)\]]$"
# C-20001; 20,001; (030) 123-456: letters in front of digits, and signs among them.
SIGNED = r"^[A-Za-z]{0,6}[-_ #(+]{0,2}[0-9][0-9 ,./()-]*$"
# Unicode's white space, and what has no width: a copy from a web page or a PDF brings them along.
BLANKS = (
    r"\t\n\x0B\f\r\x1C-\x1F \x85\xA0"
    "\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


NOBODY = ibis.null("string")


@ibis.udf.scalar.builtin
def nfc_normalize(text: dt.string) -> dt.string:
    """Return a text whose accents stand on their letters."""


def with_identifiers(cells: Table, rules: Rules) -> Table:
    """Trim every kind of blank; a number that came as 13085.0 is 13085.

    Step by step, for a query with each text inside the others has no end.
    """
    columns = [name for name in IDENTIFIERS if name in cells.columns]
    cells = cells.mutate(**{name: _text(cells[name]) for name in columns})
    # Most are told at one look to be as they should.
    cells = cells.mutate(**{f"{name} is usual": cells[name].re_search(USUAL) for name in columns})

    def taken(name: str, step: Callable[[StringValue], Value]) -> Value:
        return ibis.ifelse(cells[f"{name} is usual"], cells[name], step(cells[name]))

    for step in (_unquoted, _trimmed, _whole):
        cells = cells.mutate(**{name: taken(name, step) for name in columns})
    if "customer_id" in columns:
        # A customer may be called Guest: only numbers are as they should.
        digits = any(re.fullmatch(r"[1-9*][0-9*]*", name) for name in rules.no_customer)
        is_usual = ibis.literal(False) if digits else cells.customer_id.re_search("^[1-9][0-9]*$")
        cells = cells.mutate(**{"customer_id is usual": is_usual})
        for spell in (_written_alike, _somebody(rules), _spelt(rules)):
            cells = cells.mutate(customer_id=taken("customer_id", spell))
    return cells


def _text(cell: Value) -> StringValue:
    if not cell.type().is_floating():
        return cell.cast("string")
    whole = cell.try_cast("int64")
    said = ibis.ifelse(whole.cast("float64") == cell, whole.cast("string"), cell.cast("string"))
    return ibis.ifelse(cell.isnan(), NOBODY, said)


def _unquoted(text: StringValue) -> Value:
    """Return ="00123" and '00123, by which a spreadsheet leaves digits alone, without the sign.

    So is 'P17' in single quotation marks.
    """
    is_quoted = text.startswith("=") | text.startswith("'")
    plain = text.re_replace("^(?:=\"(.*)\"|'([0-9].*?)'?|'(.*)')$", r"\1\2\3")
    return ibis.ifelse(is_quoted, plain, text)


def _trimmed(text: StringValue) -> Value:
    is_padded = text.re_search(f"^[{BLANKS}]|[{BLANKS}]$")
    trimmed = text.re_extract(f"(?s)^[{BLANKS}]*(.*?)[{BLANKS}]*$", 1)
    return ibis.ifelse(is_padded, trimmed, text).nullif("")


def _whole(text: StringValue) -> Value:
    # 13085,0 where a comma is the decimal mark; 13,000 is grouped.
    digits = text.re_extract(r"^([0-9]+)(?:\.0+|,00?)$", 1).nullif("")
    return ibis.ifelse(text.endswith("0"), digits.fill_null(text), text)


def _written_alike(text: StringValue) -> Value:
    """Return a name as it is written with one character or two, one blank or two."""
    is_odd = text.re_search(f"[^ -~]|[{BLANKS}]{{2}}")
    return ibis.ifelse(is_odd, nfc_normalize(text.re_replace(f"[{BLANKS}]+", " ")), text)


def _somebody(rules: Rules) -> Callable[[StringValue], Value]:
    """Return what makes nobody of a placeholder."""
    # 00000 is 0, and * any text.
    names = (".*".join(map(re.escape, name.split("*"))) for name in rules.no_customer)
    nobody = ["0+" if name == "0" else name for name in names]
    if not nobody:
        return lambda text: text
    pattern = f"^(?i:{'|'.join(nobody)})$"
    return lambda text: ibis.ifelse(text.re_search(pattern), NOBODY, text)


def _spelt(rules: Rules) -> Callable[[StringValue], Value]:
    """Return what writes e-mail addresses without case, and others as the rules say."""

    def spelt(text: StringValue) -> Value:
        # Anna Smith <anna@example.com>, mailto:anna@example.com, gid://shopify/Customer/20001, and
        # {6F9619FF-8B86-D011-B42D-00C04FC964FF}
        text = text.re_replace(
            r"^(?:.*<([^@\s<>]+@[^@\s<>]+)>|gid://.*/([0-9]+)|mailto:(.*)|\{([0-9A-Fa-f-]{36})\})$",
            r"\1\2\3\4",
        )
        is_address = text.contains("@") & text.re_search(_ADDRESS)
        text = ibis.ifelse(is_address, text.lower(), text)
        if rules.id_signs == "drop":
            text = ibis.ifelse(text.re_search(SIGNED), text.re_replace("[^0-9]", ""), text)
        if rules.customer_names == "drop":
            text = number_of(text).fill_null(text)
        if rules.letter_case == "ignore":
            text = text.upper()
        if rules.leading_zeros == "drop":
            # One digit stays: 000 is a customer, unless it is among the placeholders.
            text = text.re_replace("^([^0-9@]*)0+([0-9A-Za-z][^@]*)$", r"\1\2")
        return text

    return spelt


def number_of(text: StringValue) -> StringValue:
    """Return the number beside which a name stands: 20001 - Smith & Co; null if there is none."""
    numbers = (text.re_extract(pattern, 1).nullif("") for pattern in (NAME_BEHIND, NAME_BEFORE))
    return ibis.coalesce(*numbers)
