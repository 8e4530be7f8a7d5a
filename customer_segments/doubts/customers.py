"""Doubts about customers: whether an id is one customer, and a customer one id.

Belongs here: what is judged by ids and by how many orders each has. Does not: ids that stand for
nobody (the policy has a list).
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import StringValue

from customer_segments.doubt import Change, Doubt, Level, doubt
from customer_segments.doubts.evidence import Evidence
from customer_segments.doubts.totals import TOTAL
from customer_segments.ingestion.cells.identifiers import NOBODY, number_of
from customer_segments.ingestion.columns.layout import shown
from customer_segments.texts import few

# What a spreadsheet makes of a long number; the sign, or the decimals, tell it from hexadecimal ids
# like 12E4.
E_NOTATION = r"^([0-9]+[Ee]\+|[0-9]+[.,][0-9]+[Ee]\+?)[0-9]+$"
# C-00123 and 123.
PREFIXED = "^([A-Za-z]{0,6}[-_ ]?)[0-9]*[1-9][0-9]*$"
# #20001; 20,001 and 20.001, as numbers are grouped.
GROUPED = "^#[0-9]+$|^[0-9]{1,3}([., ][0-9]{3})+$"
# 010-1234-5678, (030) 123456.
PHONE = "^[(+]?[0-9][0-9 ()./-]{5,}[0-9]$"
# René and Rene, Ltd and Ltd.: of names, and no addresses or numbers.
NAMED, PLAIN_NAME = r"^[^@]*\pL{2}[^@]*$", "^[0-9A-Za-z ]*$"
# Smith, Anna
TURNED = r"^\pL[^,]*, *\pL"
# A spreadsheet holds 15 digits of a number and makes the others zeros; so many ids do not end in
# zero by chance.
# Letters may stand before the zeros: C00012.
BEFORE = "^[^0-9]*"
LONG, LEAST_LONG = r"^[0-9]{16,}$", 10
# Of ids: in a large base of ids that people type, two are alike by chance.
FEW_IDS = 0.001
# An id with so large a share of the orders, and so many times those of any other, is a till; with
# half as many times it may be the largest customer.
LARGE, TIMES, LEAST_ORDERS = 0.10, 10, 30
# 99999, 11111, 12345: typed where a till asks for a number.
TYPED = r"^([1-9])\1{3,}$|^12345(6|67|678)?$"
# Numbers and e-mail addresses, and the share of ids that are of them where a word is told apart.
TOLD, NEARLY_ALL = "[0-9@]", 0.98
# So few ids with so many orders each are no customers.
FEW, FEW_ORDERS = 12, 100
# So many customers do not all buy once.
LEAST_CUSTOMERS, SINGLE = 300, 0.995
NAME_IT: Change = {"layout": [{"columns": {"customer_id": "HEADING"}}]}


@ibis.udf.scalar.builtin
def strip_accents(text: dt.string) -> dt.string:
    """Return a text without accents."""


IDENTIFIERS = {"customer_id": "customers", "invoice": "orders", "stock_code": "products"}


def lost_digits(found: Evidence) -> Iterator[Doubt]:
    """Look for numbers that a spreadsheet rounded: what differed in the last digits is now one."""
    for column, what in IDENTIFIERS.items():
        rows = found.raw
        # Few texts have it, and looking for it costs a tenth of the pattern.
        has_sign = rows[column].contains("E") | rows[column].contains("e")
        if cut := found.first(rows.filter(has_sign, rows[column].re_search(E_NOTATION)), column):
            level: Level = "stops" if column == "customer_id" else "warns"
            yield doubt("lost_digits.notation", level=level, name=column, what=what, **cut)
    ids = found.ids.filter(found.ids.customer_id.re_search(LONG))
    ends = ids.customer_id.endswith("0")
    (long,) = found.fetched(ids.agg(ids=ids.count(), zeros=ends.sum().fill_null(0)))
    if long["ids"] == long["zeros"] >= LEAST_LONG:
        rows = found.raw.semi_join(ids, "customer_id")
        yield doubt("lost_digits.zeros", **found.first(rows, "customer_id"))


def padded_ids(found: Evidence) -> Iterator[Doubt]:
    """Look for ids that are one customer but for zeros in front, or for capital letters."""
    ids = found.ids.customer_id
    (has,) = found.fetched(
        found.ids.agg(
            zeros=ids.re_search(f"{BEFORE}0").any(),
            small_letters=(ids != ids.upper()).any(),
            names=number_of(ids).notnull().any(),
            prefixes=ids.re_extract(PREFIXED, 1).nunique(where=ids.re_search(PREFIXED)),
            bare=ids.re_search("^[0-9]+$").any(),
            turned=ids.re_search(TURNED).any(),
            odd=(ids.re_search(NAMED) & ~ids.re_search(PLAIN_NAME)).any(),
            signs=ids.re_search(f"{GROUPED}|{PHONE}").any(),
        )
    )
    if has["signs"]:
        digits = ids.re_replace("[^0-9]", "")
        signless = ibis.ifelse(ids.re_search(f"{GROUPED}|{PHONE}"), digits, ids)
        yield from _alike(found, signless, "signs beside the digits", id_signs="drop")
    if has["bare"] and has["prefixes"] == 2:  # of several, each has numbers of its own
        number = ibis.ifelse(ids.re_search(PREFIXED), ids.re_replace("^[^1-9]*", ""), ids)
        yield from _alike(found, number, "letters in front", id_signs="drop")
    if has["odd"]:
        words = strip_accents(ids).re_replace(r"[^\pL0-9]+", " ").strip().split(" ")
        words = words.sort() if has["turned"] else words
        key = ibis.ifelse(ids.re_search(NAMED), words.join(" "), ids)
        yield from _alike(found, key, "accents, signs and the order of names")
    if has["zeros"]:
        # anna01@example.com is not anna1@example.com.
        unpadded = ibis.ifelse(ids.contains("@"), ids, ids.re_replace(f"({BEFORE})0+", r"\1"))
        yield from _alike(found, unpadded, "zeros in front", leading_zeros="drop")
    if has["small_letters"]:
        yield from _alike(found, ids.upper(), "capital letters", letter_case="ignore")
    if has["names"]:
        # 12003 Total is none of them.
        number = ibis.ifelse(ids.re_search(TOTAL), NOBODY, number_of(ids).fill_null(ids))
        yield from _alike(found, number, "names beside the number", customer_names="drop")


def _alike(found: Evidence, key: StringValue, what: str, **source: str) -> Iterator[Doubt]:
    """Look for ids that have a key in common; ``source`` is the setting by which they are one."""
    ids = found.ids.mutate(key=key).filter(key.notnull(), key != "")
    alike = ids.group_by("key").agg(
        ids=ids.count(),
        one=ids.customer_id.min(),
        other=ids.customer_id.max(),
        workbook=ids.workbook.argmin(ids.customer_id),
        beside=ids.workbook.argmax(ids.customer_id),
    )
    (total,) = found.fetched(
        alike.agg(keys=alike.count(), ids=alike.ids.sum(), alike=(alike.ids > 1).sum())
    )
    if not total["alike"]:
        return
    (first,) = found.fetched(alike.filter(alike.ids > 1).order_by("key").limit(1))
    files = dict.fromkeys(shown(first[name]) for name in ("workbook", "beside"))
    few = total["alike"] < FEW_IDS * total["keys"]
    facts = {"files": " and ".join(files), "what": what} | first | total
    change, case = ({"source": source}, "padded_ids") if source else (None, "padded_ids.signs")
    yield doubt(case, change, level="warns" if few else "stops", **facts)


def outlying_customer(found: Evidence) -> Iterator[Doubt]:
    """Look for ids with an outlying share of the orders: tills, guests, tests."""
    if not found.customers or found.customers[0]["all_orders"] < LEAST_ORDERS:
        return
    (of_ids,) = found.fetched(found.ids.agg(told=found.ids.customer_id.re_search(TOLD).mean()))
    nobody = [*found.policy.source.no_customer]
    for row in found.customers:
        # Web Shop, xxx: a word among numbers is no customer like the others.
        is_word = of_ids["told"] > NEARLY_ALL and not re.search(TOLD, row["customer_id"])
        is_word |= bool(re.search(TYPED, row["customer_id"]))
        larges, least = ((LARGE / 5, LARGE), TIMES / 4) if is_word else ((LARGE,), TIMES / 2)
        shares = product(("orders", "lines"), larges)
        times = max(_times(found.customers, row, *each) for each in shares)
        if times < least:
            continue
        rows = found.raw
        first = found.first(rows.filter(rows.customer_id == row["customer_id"]), "customer_id")
        first = first or {"column": "column customer_id", "shown": shown(row["customer_id"])}
        # Of several, the last says all.
        nobody = [*nobody, row["customer_id"]]
        level: Level = "stops" if is_word or times >= TIMES else "warns"
        facts = first | row
        change = {"source": {"no_customer": nobody}}
        yield doubt("outlying_customer.one", change, level=level, times=times, **facts)


def few_customers(found: Evidence) -> Iterator[Doubt]:
    """Look for a handful of ids that have all orders: shops, tills, channels."""
    if not found.customers:
        return
    first = found.customers[0]
    if first["customers"] > FEW or first["all_orders"] < FEW_ORDERS * first["customers"]:
        return
    ids = [row["customer_id"] for row in found.customers[:FEW]]
    if all(re.search(E_NOTATION, name) for name in ids):
        # They lost their digits, as is said of them.
        return
    names, files = few([*map(shown, ids)]), few([*map(shown, found.files)])
    yield doubt("outlying_customer.few", NAME_IT, names=names, files=files, **first)


def _times(customers: list[dict[str, Any]], one: dict[str, Any], of: str, large: float) -> float:
    """Return how many times as much one customer has as any that has no large share."""
    shares = [row[of] / row[f"all_{of}"] for row in customers]
    rest = max((share for share in shares if share < large), default=0)
    own = one[of] / one[f"all_{of}"]
    return own / rest if own >= large and rest else 0


def one_order_each(found: Evidence) -> Iterator[Doubt]:
    """Look whether nobody comes back: the id is that of an order, a visit or an address."""
    if not found.customers:
        return
    first = found.customers[0]
    if first["customers"] < LEAST_CUSTOMERS or first["single"] < SINGLE * first["customers"]:
        return
    unused = ", ".join(found.unused_names)
    facts = {"files": few([*map(shown, found.files)]), "one": shown(first["customer_id"])}
    facts["others"] = f" ({shown(unused)} are not used)" if unused else ""
    yield doubt("one_order_each", NAME_IT, **first | facts)
