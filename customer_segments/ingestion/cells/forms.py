"""The form of a column's cells: order of day and month, decimal mark, zone. Settled for the whole.

Belongs here: counting what all cells of a column look like, and deciding how they are read; what
two readings fit is a doubt. Does not: a cell's value (``times``, ``numbers``).
"""

from collections.abc import Mapping
from datetime import date
from functools import cache, reduce
from typing import Any, NamedTuple

import ibis
from ibis.expr.types import Table, Value

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.cells import dates, numbers
from customer_segments.ingestion.files.grid import cells_of
from customer_segments.policy.layout import Layout

NUMBERS = ("quantity", "price", "amount", "discount")
# Kinds of which a message shows a cell.
EXAMPLES = ("numeric", "day_first", "month_first", "point_or_group", "comma_or_group", "comma")
# What a workbook may have formulas for, and of how many rows they have to be without a value: a few
# may be errors that Excel itself shows, and customers are missing from many rows.
CALCULATED = {"price": 0.05, "amount": 0.05}
CALCULATED |= dict.fromkeys(("quantity", "customer_id", "invoice_date"), 0.95)
# Ends of the names of columns that are looked at, or read together with them.
COUNTED = (*CALCULATED, "discount", "currency")
# Of a column's cells, those that have a unit where quantities have one.
MOST = 0.99


class Form(NamedTuple):
    """How the cells of a column are read."""

    # In words, for who asks: "decimal comma".
    said: str = ""
    # What kinds of dates there are; and whether all cells are as the engine writes them.
    kinds: tuple[str, ...] = ()
    is_plain: bool = False
    # Of day, month and year: ``dmy``, ``mdy`` or ``ymd``, and whether another fits as well; and
    # decimal mark: ".", "," or "mixed".
    order: str = "dmy"
    is_open: bool = False
    decimal: str = "."
    # Whether quantities say what they are in: 3 pcs.
    has_unit: bool = False


@cache
def counting(schema: ibis.Schema) -> str:
    """Return the query of one row by which the forms of a sheet's columns are settled.

    ``<column>:<kind>`` says how many cells are of a kind, ``<column>:<kind>:example`` one of them;
    ``rows`` are all, ``no_<column>`` those without it; ``a_currency`` and ``other_currency``
    are of the money, of which ``named`` cells name one and ``nameless`` do not.
    """
    # Each part reads all that it is given.
    cells = cells_of(ibis.schema({n: kind for n, kind in schema.items() if n.endswith(COUNTED)}))
    schema = cells.schema()
    money = "price" if "price" in schema else "amount"
    without = {f"no_{name}": cells[name].isnull().sum() for name in CALCULATED if name in schema}
    parts = [cells.agg(without, rows=cells.count())]
    for column in ("invoice_date", *NUMBERS):
        if column in schema and schema[column].is_string():
            # Few texts are different ones, and it is the looking that takes its time.
            there = cells.filter(cells[column].notnull())
            each = there.group_by(column).agg(times=there.count())
            parts.append(looked_at(each, column))
    by = "currency" if "currency" in schema else money
    if schema[by].is_string():
        each = cells.filter(cells[by].notnull()).group_by(by).agg(times=ibis._.count())
        name = each[by].strip().upper() if by == "currency" else numbers.currencies(each[by])
        each = each.mutate(name=name)
        # Of an order's currency the other lines may say nothing; of nothing, there is no currency.
        is_nameless = each.name.isnull() & each[by].re_search("[1-9]") & (by == money)
        figures = {
            "a_currency": each.name.min(),
            "other_currency": each.name.max(),
            "named": each.times.sum(where=each.name.notnull()),
            "nameless": each.times.sum(where=is_nameless),
        }
        parts.append(each.agg(**figures))
    return str(ibis.to_sql(reduce(Table.cross_join, parts), "duckdb"))


def looked_at(texts: Table, column: str, by: tuple[str, ...] = ()) -> Table:
    """Count the kinds of a column's cells, apart ``by`` columns.

    ``texts`` are the column's, with how many ``times`` each is there.
    """
    of = dates if column == "invoice_date" else numbers
    texts = of.parts(texts, column)
    cell, times = texts[column], texts.times
    counts: dict[str, Value] = {f"{column}:all": times.sum().fill_null(0).cast("int64")}
    for kind, is_it in of.kinds(texts).items():
        counts[f"{column}:{kind}"] = times.sum(where=is_it).fill_null(0).cast("int64")
        if kind in EXAMPLES:
            counts[f"{column}:{kind}:example"] = cell.max(where=is_it)
    if column == "quantity":
        counts["quantity:unit"] = times.sum(where=texts.unit.notnull()).fill_null(0).cast("int64")
        counts |= {"quantity:a_unit": texts.unit.min(), "quantity:other_unit": texts.unit.max()}
    if column == "invoice_date":
        counts |= {f"{column}:{kind}": count for kind, count in dates.spread(texts).items()}
    return texts.aggregate(counts, by=by)


def settled(
    counts: Mapping[str, Any], layout: Layout, place: str, headings: Mapping[str, str], today: date
) -> tuple[dict[str, Form], list[Doubt]]:
    """Decide on the form of each text column, by what ``looked_at`` came to.

    ``place`` is file and sheet, for messages; ``headings`` are by column, and ``today``
    is the retailer's.
    """
    forms: dict[str, Form] = {}
    doubts: list[Doubt] = []
    of: dict[str, dict[str, Any]] = {}
    for name, count in counts.items():
        column, is_kind, kind = name.partition(":")
        if is_kind:
            of.setdefault(column, {})[kind] = count
    # What one column of numbers proves holds for those of the same file that prove nothing.
    proven = {numbers.proven(of[name]) for name in NUMBERS if name in of} - {None}
    others = proven.pop() if len(proven) == 1 else None
    named = {counts.get(name) for name in ("a_currency", "other_currency")} - {None}
    currency = named.pop() if len(named) == 1 else None
    for column, kinds in of.items():
        where = f"{place}, column {headings[column]!r}"
        # A few with or without a unit are errors in writing.
        has_unit = kinds.get("unit", 0) > (1 - MOST) * kinds["all"]
        is_plain = kinds["plain"] == kinds["all"] and not kinds.get("unit")
        if column == "invoice_date":
            order, doubted = dates.order(kinds, layout, where, today)
            # What is mixed in itself no other file can tell.
            is_mixed = min(kinds["day_first"], kinds["month_first"]) or kinds["iso"]
            is_open = bool(doubted) and not is_mixed and dates.is_one(kinds, "numeric")
            said = dates.said(kinds, order)
            forms[column] = Form(said, dates.found(kinds), is_plain, order, is_open)
        else:
            of_money = (currency or "") if column in ("price", "amount") else None
            decimal, doubted = numbers.decimal_mark(kinds, layout, others, where, of_money)
            said = numbers.said(kinds, decimal)
            forms[column] = Form(said, (), is_plain, decimal=decimal, has_unit=has_unit)
        doubts += [doubted] if doubted else []
        if forms[column].has_unit:
            is_nameless = kinds["unit"] < MOST * kinds["all"]
            if is_nameless or kinds["a_unit"] != kinds["other_unit"]:
                doubts.append(doubt("several_units", where=where, **kinds))
    return forms, doubts
