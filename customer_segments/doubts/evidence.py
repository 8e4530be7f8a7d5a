"""What doubts are judged by: the settled rows, what cleaning makes of them, and the sheets.

Belongs here: the relations, and the queries that several doubts need. Does not: the doubts.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.cleaning.rules import classified
from customer_segments.ingestion.columns.headings import CURRENCIES
from customer_segments.ingestion.columns.layout import shown, where
from customer_segments.ingestion.orders.keys import KEY, SHEET, with_keys
from customer_segments.policy import Policy
from customer_segments.storage.connection import Connection
from customer_segments.storage.relations import fetched, kept, named
from customer_segments.tables.money import SUM
from customer_segments.texts import few

if TYPE_CHECKING:
    import pyarrow as pa

# A currency in the heading of money: Price (EUR), Total £.
CURRENCY = rf"[€£$¥₹]|\b(?:{'|'.join(sorted(CURRENCIES)).upper()})\b"
# Customers with the most orders that are looked at.
FIRST = 12
# Of more rows, those of a part of the customers tell how orders are made up.
ENOUGH_ROWS = 500_000


@dataclass(frozen=True)
class Evidence:
    """What doubts are judged by.

    ``raw`` and ``sheets`` are as ``RAW_TRANSACTIONS`` and ``SOURCE_SHEETS`` have them, the latter
    by file and sheet, with ``headings`` by column and ``ignored`` ones; ``rows`` are ``raw`` with
    ``reason``, ``is_credit`` and ``revenue``.
    ``is_bounded`` where settings name the first or the last month: rows beyond are left out on
    purpose.
    """

    con: Connection
    raw: Table
    rows: Table
    sheets: list[dict[str, Any]]
    policy: Policy
    is_bounded: bool = False

    @classmethod
    def of(
        cls, con: Connection, raw: Table, sheets: "pa.Table", policy: Policy, bounds: Iterable = ()
    ) -> "Evidence":
        """Return the evidence of settled rows; ``bounds`` are the months that settings name."""
        rows = _classified(con, raw, policy, "classified")
        in_order = sorted(sheets.to_pylist(), key=itemgetter(*SHEET))
        for sheet in in_order:
            read_as = json.loads(sheet["read_as"]).items()
            sheet["headings"] = {column: read["heading"] for column, read in read_as}
            sheet["ignored"] = json.loads(sheet["ignored_columns"])
        return cls(con, raw, rows, in_order, policy, any(bounds))

    def fetched(self, figures: Table) -> list[dict[str, Any]]:
        """Return the few rows of a query."""
        return fetched(self.con, figures)

    @cached_property
    def parts(self) -> int:
        """Into how many parts the customers are divided, of which ``some`` is one."""
        return sum(of["rows"] for of in self.outcome.values()) // ENOUGH_ROWS + 1

    @cached_property
    def some(self) -> Table:
        """``rows``, or of many those of some customers."""
        if self.parts == 1:
            return self.rows
        some = self.raw.filter(self.raw.customer_id.hash() % self.parts == 0)
        return _classified(self.con, kept(self.con, some, "some"), self.policy, "classified_some")

    @property
    def looked_at(self) -> str:
        """What to say where some customers were looked at."""
        return f" One customer in {self.parts:,} was looked at." if self.parts > 1 else ""

    @cached_property
    def files(self) -> list[str]:
        """Names of all files."""
        return list(dict.fromkeys(sheet["workbook"] for sheet in self.sheets))

    @cached_property
    def headings(self) -> dict[tuple[str, str], dict[str, str]]:
        """Headings by column, by sheet."""
        return {(sheet["workbook"], sheet["sheet"]): sheet["headings"] for sheet in self.sheets}

    @cached_property
    def unused(self) -> dict[tuple[str, str], list[str]]:
        """Headings that are not used, by sheet.

        That of the status is read, and is not used before the policy says which statuses count.
        """
        found = {}
        for sheet in self.sheets:
            rules = self.policy.cleaning
            status = None if rules.statuses or rules.credit_statuses else "status"
            if names := [*sheet["ignored"], *filter(None, [sheet["headings"].get(status)])]:
                found[sheet["workbook"], sheet["sheet"]] = names
        return found

    @property
    def unused_names(self) -> list[str]:
        """The same headings of all sheets, each once, in their order."""
        return sorted({name for names in self.unused.values() for name in names})

    @cached_property
    def currencies(self) -> dict[str, list[tuple[str, str]]]:
        """Sheets by the currency of their money, as far as the files say."""
        found: dict[str, list[tuple[str, str]]] = {}
        for sheet in self.sheets:
            money = [sheet["headings"].get(column) for column in ("price", "amount")]
            headed = re.findall(CURRENCY, " ".join(filter(None, money)))
            for name in sheet["currencies"].split(", ") if sheet["currencies"] else headed[:1]:
                found.setdefault(name, []).append((sheet["workbook"], sheet["sheet"]))
        return found

    @cached_property
    def products(self) -> Table:
        """Rows, money of either sign and net revenue by reason, code and description.

        Of the one pass over all rows that several doubts need.
        """
        each = self.rows.group_by("reason", "stock_code", "description").agg(
            rows=_.count(),
            money=_.revenue.abs().cast("float64").sum().fill_null(0),
            revenue=_.revenue.cast(SUM).sum().fill_null(0),
        )
        return kept(self.con, each, "products_by_reason")

    @cached_property
    def ids(self) -> Table:
        """Each customer id, with the first file that has it and its ``rows``."""
        ids = self.raw.filter(self.raw.customer_id.notnull()).group_by("customer_id")
        ids = ids.agg(workbook=_.workbook.min(), rows=_.count())
        return kept(self.con, ids, "customer_ids")

    @cached_property
    def days(self) -> list[dict[str, Any]]:
        """By sheet, its dated rows, their days, numbers of days in a month, first and last day."""
        dated = self.raw.filter(_.invoice_date.notnull()).mutate(day=_.invoice_date.date())
        each = dated.group_by(*SHEET).agg(
            rows=_.count(),
            days=_.day.nunique(),
            numbers=_.day.day().nunique(),
            day=_.day.min(),
            last=_.day.max(),
        )
        return self.fetched(each.order_by(SHEET))

    @cached_property
    def outcome(self) -> dict[str | None, dict[str, Any]]:
        """Rows, money of either sign and net revenue by reason; ``None`` for those kept."""
        by_reason = self.products.group_by("reason").agg(
            rows=_.rows.sum().cast("int64"), money=_.money.sum(), revenue=_.revenue.sum().cast(SUM)
        )
        return {row["reason"]: row for row in self.fetched(by_reason)}

    @cached_property
    def customers(self) -> list[dict[str, Any]]:
        """How many customers there are, how many with one order, and those with the most.

        A row for each of the first by orders, with ``customers``, ``single``, ``all_orders`` and
        ``all_lines`` of all beside its ``customer_id``, ``orders`` and ``lines``.
        """
        rows = self.rows
        is_sold = rows.reason.isnull() & ~rows.is_credit & (rows.revenue >= 0)
        sales = rows.filter(is_sold, rows.customer_id.notnull())
        per_order = with_keys(sales).group_by(KEY).agg(lines=_.count())
        each = per_order.group_by(customer_id="customer").agg(orders=_.count(), lines=_.lines.sum())
        each = each.mutate(
            customers=each.count().over(),
            single=(each.orders == 1).sum().over(),
            all_orders=each.orders.sum().over(),
            all_lines=each.lines.sum().over(),
        )
        most = ibis.greatest(each.orders / each.all_orders, each.lines / each.all_lines)
        return self.fetched(each.order_by(most.desc(), "customer_id").limit(FIRST))

    def first(self, rows: Table, column: str) -> dict[str, Any]:
        """Return where the first of some rows stands, what it says, and how many they are.

        ``rows``, ``values`` (distinct ones of the column), ``where`` (file and sheet), ``column``
        (the same with its heading), ``row_number``, ``example`` and ``shown``, as messages have it;
        empty where there is no such row.
        """
        (found,) = self.fetched(rows.agg(rows=rows.count(), values=rows[column].nunique()))
        if not found["rows"]:
            return {}
        place = [*SHEET, "row_number"]
        first = rows.select(*place, example=rows[column]).order_by(place).limit(1)
        (said,) = self.fetched(first)
        of = said["workbook"], said["sheet"]
        heading, sheet = self.headings[of].get(column, column), where(*of)
        said |= {"where": sheet, "column": f"{sheet}, column {heading!r}"}
        return found | said | {"shown": shown(str(said["example"] or "nothing"))}


def _classified(con: Connection, raw: Table, policy: Policy, name: str) -> Table:
    (months,) = fetched(con, raw.agg(first=raw.month.min(), last=raw.month.max()))
    return named(con, classified(raw, policy.cleaning, **months), name)


def said_where(places: Iterable[tuple[str, str]]) -> str:
    """Return how messages name a few sheets."""
    return few([where(*place) for place in places], "; ")
