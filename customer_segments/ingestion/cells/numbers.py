"""Numbers as files write them: which kinds of text there are, and what each says.

Belongs here: decimal marks, thousands, currency signs, signs. Does not: which columns are numbers
(``layout``).
"""

from collections.abc import Mapping
from typing import Any

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from customer_segments.doubt import Doubt, doubt
from customer_segments.policy.layout import Layout
from customer_segments.texts import read_toml

# Signs and ISO 4217 codes, in front or behind; in Japanese code pages a backslash is the yen.
_CURRENCY = (
    r"(?:[A-Z]{1,3} ?\$|[$£€¥₹₽₺₩฿₫₴₦₱₪₡₲₸₼₾₵円원元\\]|[A-Z]{3}|kr\.?|zł|Kč|Ft|lei|Rs\.?|Rp\.?|RM"
    r"|S?Fr\.?|S/\.?|TL|kn|KM|din\.?|[Ee]uros?|руб\.?|р\.|грн\.?|лв\.?)"  # noqa: RUF001 - Cyrillic on purpose
)
_BLANKS = "[\\s\u00a0\u2007\u2009\u202f'\u2019]"
_SIGNED_TWICE = "[-+\u2212\u2013(].*[-+\u2212\u2013(]|^[^(]*\\)|\\([^)]*$"
# Inside a number, blanks stand before three digits: 1 234 567,50.
_BROKEN = rf"[0-9][.,]?{_BLANKS}+[0-9.,]"
_GROUPED_BY_BLANKS = rf"^[^0-9]*[0-9]{{1,3}}({_BLANKS}[0-9]{{3}})+([.,][0-9]*)?[^0-9]*$"
# Which kind has three digits behind what is no decimal mark, by the decimal mark.
_GROUPS = {".": "comma_or_group", ",": "point_or_group"}
PLAIN = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
# A number with whatever stands around it; the digits are the first group.
_SIGN, _OPENING = "[-+\u2212\u2013]?", "[-+\u2212\u2013(]?"
_WHOLE = rf"^\(?{_SIGN}{_CURRENCY}?{_OPENING}([0-9][0-9.,]*|[.,][0-9]+){_CURRENCY}?{_SIGN}%?\)?$"
_GROUPED = {
    ".": r"^([0-9]+|[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,2}(,[0-9]{2})*,[0-9]{3})?(\.[0-9]*)?$",
    ",": r"^([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)?(,[0-9]*)?$",
}
_MIXED = "mixed"
# Blocks of letters. Not \pL: the engine would make its automaton anew at each of fifty places.
_LETTERS = "A-Za-zª²³µºÀ-ÖØ-öø-\u1fff\u2c00-\u2dff\u3005\u3040-\ud7ff\uf900-\ufdff\uff66-\uffdc"
# What a quantity is counted or weighed in: 3 pcs, 1.5 kg, 2 x.
_UNIT = rf"^(.*[0-9)])\s*(×|[{_LETTERS}]{{1,12}}\.?)$"  # noqa: RUF001 - the sign on purpose
_TIMES = "[x\u00d7]"
_PER_UNIT = r"\s*/[^0-9]{1,10}$"
WHOLE = {
    name.upper() for name in read_toml("customer_segments.ingestion", "currencies.toml")["whole"]
}
# So many numbers below a thousand among those above have no decimals, and these have none either.
MANY_SHORT, LEAST_SHORT = 0.2, 10


def parts(texts: Table, column: str) -> Table:
    """Add to a column's texts what their kinds are told by."""
    text = texts[column].strip()
    if column == "quantity":
        # pc and pcs, Stk. and Stk are one.
        unit = text.re_extract(_UNIT, 2).lower().re_replace(r"s?\.?$", "")
        unit = unit.nullif("").fill_null(text.re_extract(f"^({_TIMES}) ?[0-9]", 1)).nullif("")
        texts, text = texts.mutate(unit=unit), without_unit(text)
    return texts.mutate(text=text, digits=_digits(text))


def kinds(texts: Table) -> dict[str, BooleanValue]:
    """Return which kinds the texts with their ``parts`` are of, for counting."""
    text, digits = texts.text, texts.digits
    point = digits.re_search(r"^([0-9]*|[0-9,]*,[0-9]{3})\.([0-9]{0,2}|[0-9]{4,})$") | (
        digits.re_search(r"^0*\.[0-9]+$|,.*\.|,.*,|^[0-9]{4,}\.[0-9]+$")
    )
    comma = digits.re_search(r"^([0-9]*|[0-9.]*\.[0-9]{3}),([0-9]{0,2}|[0-9]{4,})$") | (
        digits.re_search(r"^0*,[0-9]+$|\..*,|\..*\.|^[0-9]{4,},[0-9]+$")
    )
    return {
        "plain": text.re_search(PLAIN),
        "whole": text.re_search("^[-+]?[0-9]+$"),
        "point": point,
        "comma": comma & ~point,
        "point_or_group": digits.re_search(r"^[1-9][0-9]{0,2}\.[0-9]{3}$"),
        "comma_or_group": digits.re_search(r"^[1-9][0-9]{0,2},[0-9]{3}$"),
        "short": digits.re_search("^[0-9]{1,3}$"),
        "long": digits.re_search("^[0-9]{4,}$"),
        "thousandths": digits.re_search("^[1-9][0-9]{0,2}[.,]000$"),
    }


def proven(counts: Mapping[str, Any]) -> str | None:
    """Return the decimal mark that the cells of a column prove, if they do."""
    few = 0.01 * (counts["point"] + counts["comma"])
    has_point, has_comma = counts["point"] > few, counts["comma"] > few
    return None if has_point == has_comma else "." if has_point else ","


def decimal_mark(
    counts: Mapping[str, Any], layout: Layout, others: str | None, where: str, money: str | None
) -> tuple[str, Doubt | None]:
    """Decide on the decimal mark of a column; ``others`` is what those of the same file prove.

    ``money`` is the currency of a column of money, as far as its cells say it.
    """
    unsure = counts["point_or_group"] + counts["comma_or_group"]
    if layout.decimal:
        return layout.decimal, None
    if mark := proven(counts):
        return mark, None
    groups = [mark for mark in (".", ",") if counts[_GROUPS[mark]]]
    if money is not None and len(groups) == 1 and not counts["point"] + counts["comma"]:
        least = max(LEAST_SHORT, MANY_SHORT * unsure)
        is_whole = counts["short"] >= least and not counts["long"]
        if is_whole or money.upper() in WHOLE:
            return groups[0], None
    # 2.000 and 5.000 throughout, beside a decimal comma: few shops sell thousands alone.
    is_thousands = money is None and groups == [others] and counts["thousandths"] == counts["all"]
    if counts["point"] and counts["comma"]:
        if not unsure:
            return _MIXED, None
    elif not unsure or (others and not counts["point"] and not is_thousands):
        return others or ".", None
    kind = "point_or_group" if counts["point_or_group"] else "comma_or_group"
    example, beside = counts[f"{kind}:example"], ""
    if counts["comma"]:
        beside = f", and others are as {counts['comma:example']!r}"
    facts = {"where": where, "unsure": unsure, "example": example, "beside": beside}
    if is_thousands:
        decimal = "," if others == "." else "."
        return decimal, doubt("ambiguous_decimals.thousands", others=others, **facts)
    return ".", doubt("ambiguous_decimals", **facts)


def said(counts: Mapping[str, Any], decimal: str) -> str:
    """Return in words how a column of numbers is read."""
    if counts["whole"] == counts["all"]:
        return "whole numbers"
    return {".": "decimal point", ",": "decimal comma", _MIXED: "decimal point or comma"}[decimal]


def read(
    cell: StringValue, is_plain: bool, decimal: str, kind: str, percent: bool = False
) -> Value:
    """Return the number that a cell says, rounded to its type's decimals; null if it says none.

    ``is_plain`` is whether all cells of the column are as the engine writes numbers, ``percent``
    whether 20% is one.
    """
    text = cell.strip()
    if is_plain and decimal != ",":
        return text.try_cast(kind)
    null = ibis.null(kind)
    digits = _digits(text)
    as_point = _value(digits, ".", kind)
    as_comma = _value(digits, ",", kind)
    if decimal == _MIXED:
        number = ibis.ifelse(digits.re_search(",[0-9]*$"), as_comma, as_point)
    else:
        number = as_comma if decimal == "," else as_point
    is_negative = _without_dash(text).re_search(
        "^[^0-9]*\\(.*\\)$|^[^0-9]*[-\u2212\u2013]|[-\u2212\u2013]$"
    )
    signed = ibis.ifelse(is_negative, -number, number).cast(kind)
    hundredth = (signed / 100).cast(kind) if percent else null
    signed = ibis.ifelse(text.endswith("%"), hundredth, signed)
    return ibis.ifelse(
        text.re_search(PLAIN) & text.re_search("[eE]"), text.try_cast(kind), signed.fill_null(null)
    )


def without_unit(text: StringValue) -> StringValue:
    """Return 3 pcs and x3 as 3."""
    return text.strip().re_replace(_UNIT, r"\1").re_replace(f"^{_TIMES} ?", "")


def currencies(cell: StringValue) -> StringValue:
    """Return the currency sign or code that stands beside a number; null if there is none."""
    text = cell.strip().re_replace(_BLANKS, "").re_replace(_PER_UNIT, "")
    beside = rf"^\(?{_SIGN}({_CURRENCY})?{_OPENING}[0-9.,]+({_CURRENCY})?{_SIGN}\)?$"
    named = ibis.coalesce(*(text.re_extract(beside, group).nullif("") for group in (1, 2)))
    return named.replace("\\", "¥")


def _digits(text: StringValue) -> StringValue:
    text = _without_dash(text)
    digits = text.re_replace(_BLANKS, "").re_extract(_WHOLE, 1)
    is_one = ~text.re_search(_BROKEN) | text.re_search(_GROUPED_BY_BLANKS)
    return ibis.ifelse(is_one & ~text.re_search(_SIGNED_TWICE), digits, "")


def _without_dash(text: StringValue) -> StringValue:
    """Return 12,- as 12, 12.50/kg as 12.50, ="12.50" without the signs, and 12.50 CR as 12.50-.

    So is 7,950/-, as Indians write that there are no paise, 7,950.00.
    """
    text = text.re_replace("^(?:'|=\")(.*?)[\"']?$", r"\1").re_replace(" ?/[-=]+$", ".00")
    text = text.re_replace(_PER_UNIT, "")
    text = text.re_replace(r"(?i)([0-9)]) ?dr\.?$", r"\1").re_replace(
        r"(?i)([0-9]) ?cr\.?$", r"\1-"
    )
    return text.re_replace("([0-9])[.,][-\u2013\u2014]{1,2}", r"\1")


def _value(digits: StringValue, decimal: str, kind: str) -> Value:
    group = "," if decimal == "." else "."
    number = digits.replace(group, "").replace(decimal, ".").try_cast(kind)
    return ibis.ifelse(digits.re_search(_GROUPED[decimal]), number, ibis.null(kind))
