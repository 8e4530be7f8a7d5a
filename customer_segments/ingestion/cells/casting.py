"""Cells -> typed rows, inside the engine.

Belongs here: what the cells of a row mean together, by the forms of their columns. Does not: what
needs sight of other rows (``settling``). A cell that cannot be its column's type does not stop the
file: the row says which column and what the cell said, and cleaning rejects it.
"""

from collections.abc import Mapping

import ibis
from ibis.expr.types import Table, Value

from customer_segments.ingestion.cells import dates, numbers, times
from customer_segments.ingestion.cells.forms import Form
from customer_segments.ingestion.cells.identifiers import with_identifiers
from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.policy.layout import Layout
from customer_segments.policy.rules import Source as Rules
from customer_segments.tables.money import LINE, PRICE, QUANTITY

# To be changed with what a cell means: files parsed by another version are parsed anew.
PARSER = "16"
ROW = ("row_number", "invoice", "stock_code", "description", "quantity", "invoice_date", "price")
TYPED = (*ROW, "customer_id", "country", "status", "unreadable_column", "unreadable_text")
# Line revenue beyond this is a misread cell: it would not fit its type either.
LARGEST_LINE = 10**14 - 1
# What a line without a discount says, if it says anything.
NO_DISCOUNT = ("-", "--", "n/a", "na", "none", "nan", "null", "no", "nil")
# What a row says of a line or an order, but for numbers.
OF_LINES = ("invoice_date", "invoice", "stock_code", "description")
# Stand on the first line of an order where a listing merges cells.
FILLED_DOWN = ("invoice", "invoice_date", "time", "customer_id", "country", "status", "currency")


def filled_down(cells: Table, is_carried: bool = False) -> Table:
    """Give each line of an order what its first line alone says.

    ``is_carried`` is whether an order's first line may leave that to the order above, too.
    """
    cells = _below_heads(cells)
    cells = _below_orders(cells) if is_carried and "invoice" in cells.columns else cells
    there = [column for column in FILLED_DOWN if column in cells.columns]
    head = cells["invoice" if "invoice" in there else "invoice_date"]
    in_order = ibis.window(order_by="row_number")
    before = head.lag().over(in_order)
    is_first = head.notnull() & (before.isnull() | (head != before))
    # One after the other: the lines between belong to the first above them.
    cells = cells.mutate(starts=is_first.cast("int64"))
    so_far = ibis.cumulative_window(order_by="row_number")
    cells = cells.mutate(order=cells.starts.sum().over(so_far))
    of_order = ibis.window(group_by="order")
    filled = {name: cells[name].fill_null(cells[name].max().over(of_order)) for name in there}
    return cells.mutate(**filled).drop("order", "starts")


def _below_orders(cells: Table) -> Table:
    """Give orders the day that stands above them, and the customer, if each stands once.

    Where an order may be a guest's, customers who buy again stand again.
    """
    so_far = ibis.cumulative_window(order_by="row_number")
    named = cells.customer_id
    cells = cells.mutate(
        days=cells.invoice_date.count().over(so_far),
        names=named.count().over(so_far),
        is_once=(named.count() == named.nunique()).over()
        & (cells.invoice.count() == cells.count()).over(),
    )
    day = cells.invoice_date.max().over(ibis.window(group_by="days"))
    name = cells.customer_id.max().over(ibis.window(group_by="names"))
    return cells.mutate(
        invoice_date=cells.invoice_date.fill_null(day),
        customer_id=ibis.ifelse(
            cells.is_once, cells.customer_id.fill_null(name), cells.customer_id
        ),
    ).drop("days", "names", "is_once")


def _below_heads(cells: Table) -> Table:
    """Give lines the customer that stands on a row of its own above them, and take these rows out.

    So do the rows of a customer's total, which have a name and nothing but numbers, too.
    """
    others = [name for name in OF_LINES if name in cells.columns]
    is_head = cells.customer_id.notnull() & ibis.and_(*(cells[name].isnull() for name in others))
    cells = cells.mutate(is_head=is_head)
    so_far = ibis.cumulative_window(order_by="row_number")
    cells = cells.mutate(head=cells.is_head.cast("int64").sum().over(so_far))
    of_head = ibis.window(group_by="head")
    name = cells.customer_id.max(where=cells.is_head).over(of_head)
    cells = cells.mutate(customer_id=cells.customer_id.fill_null(name))
    return cells.filter(~cells.is_head).drop("is_head", "head")


def typed_rows(
    cells: Table,
    forms: Mapping[str, Form],
    layout: Layout,
    rules: Rules,
    utc: bool = False,
    is_credit: bool = False,
) -> Table:
    """Give every cell its column's type: columns ``TYPED`` and ``CONTACT``.

    ``cells`` have ``row_number``, ``overfull`` (what is wrong with the line as a whole, if
    anything) and those columns that the sheet has, as text or typed; ``forms`` are of those that
    are text, ``utc`` is whether times that bear no zone are UTC's, and ``is_credit`` whether all
    lines are of credit notes, whatever their sign. A row whose cells are not all readable has
    ``unreadable_column`` (the first of them) and ``unreadable_text``.
    """
    columns = set(cells.columns)
    cells = _with_moment(with_identifiers(cells, rules), forms, layout, rules, utc)

    def text(column: str) -> Value:
        return cells[column].cast("string") if column in columns else _NULL

    quantity, money = quantity_of(cells, forms), "price" if "price" in columns else "amount"
    price = number(cells, money, forms, PRICE if money == "price" else LINE)
    if money == "amount":
        if "quantity" in columns:
            # Money that was given back may be of no quantity.
            is_back = (cells.quantity.isnull() | (quantity == 0)) & (price < 0)
            quantity = ibis.ifelse(is_back, 1, quantity).cast(QUANTITY)
        price = (price.cast("decimal(38, 10)") / quantity.nullif(0)).cast(PRICE)
    bad: list[tuple[Value, str]] = []
    if "discount" in columns and layout.discount:
        said = text("discount").strip()
        discount = number(cells, "discount", forms, PRICE)
        bad = [(discount.isnull() & ~said.lower().isin(NO_DISCOUNT), "discount")]
        # A line without one has none; what is taken off may bear a minus.
        discount = discount.fill_null(0).abs()
        if layout.discount == "amount":
            discount = discount / quantity.abs().nullif(0)
        else:
            if layout.discount == "percent":
                discount = ibis.ifelse(said.endswith("%"), discount, discount / 100)
            bad += [(discount > 1, "discount")]
            discount = price * discount
        price = (price - discount).cast(PRICE)
    if layout.minor_units:
        price = (price / 100).cast(PRICE)
    if is_credit:
        quantity, price = -quantity.abs(), price.abs()
    revenue = quantity.cast("float64") * price.cast("float64")
    price = ibis.ifelse((revenue.abs() <= LARGEST_LINE) | revenue.isnull(), price, ibis.null(PRICE))
    values = {"quantity": quantity, "invoice_date": cells.moment, "price": price}
    bad += [(value.isnull(), money if name == "price" else name) for name, value in values.items()]
    texts = ("invoice", "stock_code", "description", "customer_id", "country", "status", *CONTACT)
    typed = cells.select(
        "row_number",
        **values,
        **{name: text(name) for name in texts},
        unreadable_column=ibis.cases((cells.overfull.notnull(), "line"), *bad),
        unreadable_text=ibis.cases(
            (cells.overfull.notnull(), cells.overfull),
            *((is_null, text(name)) for is_null, name in bad),
        ),
    )
    # A line that is broken says nothing: its cells stand under the wrong headings.
    broken = typed.unreadable_column == "line"
    return typed.mutate(
        **{
            name: ibis.ifelse(broken, ibis.null(typed[name].type()), typed[name])
            for name in ("quantity", "price", "customer_id")
        }
    ).select(*TYPED, *CONTACT)


_NULL = ibis.null("string")


def number(cells: Table, column: str, forms: Mapping[str, Form], kind: str) -> Value:
    """Return the numbers of a column; null where a cell says none."""
    cell = cells[column]
    if not cell.type().is_string():
        return cell.try_cast(kind)
    form = forms[column]
    cell = numbers.without_unit(cell) if form.has_unit else cell
    return numbers.read(cell, form.is_plain, form.decimal, kind, percent=column == "discount")


def quantity_of(cells: Table, forms: Mapping[str, Form]) -> Value:
    """Return the quantities: one of each where there is no such column."""
    has_any = "quantity" in cells.columns
    given = number(cells, "quantity", forms, QUANTITY) if has_any else ibis.literal(1)
    return given.cast(QUANTITY)


def _with_moment(
    cells: Table, forms: Mapping[str, Form], layout: Layout, rules: Rules, utc: bool
) -> Table:
    cell, zone = cells.invoice_date, rules.time_zone
    own_zone = layout.time_zone or ("UTC" if utc else None)
    kind = cell.type()
    if kind.is_timestamp() and kind.timezone:
        return cells.mutate(moment=times.timezone(zone, cell).cast(dates.TIMESTAMP))
    if not kind.is_string():
        return cells.mutate(moment=cell.try_cast(dates.TIMESTAMP))
    form = forms["invoice_date"]
    is_plain = form.is_plain
    if "time" in cells.columns:
        # What is a date alone has no time in it.
        day = cell.strip().re_replace("[ T]0?0:00(:00)?$", "")
        clock = cells.time.cast("string").re_extract("([0-9]{1,2}:[0-9:]+.*)$", 1)
        # A slot, 9:00-10:00, is no zone.
        clock = clock.re_replace("^([0-9]{1,2}:[0-9]{2}) ?[-\u2013] ?[0-9]{1,2}:[0-9]{2}$", r"\1")
        cell = ibis.ifelse(cells.time.isnull(), day, (day + " " + clock).strip())
        is_plain = False
    return times.with_moment(cells, cell, form.kinds, is_plain, form.order, zone, own_zone)
