"""Files whose customers are in no other file: another retailer's, or told by other ids.

Belongs here: which files those are, and the doubts. Does not: ids within a file (``customers``).
"""

from collections.abc import Iterator
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.doubt import Doubt, doubt, layout_for
from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.columns.layout import shown
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.texts import few

# Fewer customers may all be new ones.
LEAST = 100
# Customers who should be in both, going by those who came again; none is by no chance.
EXPECTED = 20
# From the end of some files to the start of those that follow.
DAYS_APART = 92
# Ids of each of two columns, of which so many may be alike by chance; and of a file's, of a kind.
LEAST_IDS, FEW_SHARED, NEARLY_ALL = 20, 0.01, 0.9
# Of a file's order numbers, those that are customers in others.
MOST = 0.5


def other_retailer(found: Evidence) -> Iterator[Doubt]:
    """Doubt files that share no customer with the others, of the same time or right after it.

    To a new shop, or one to which few come again, each month brings new customers as well: as many
    as came in the first and in the second half of the files should be in both.
    """
    rows = found.raw
    known = rows.filter(rows.customer_id.notnull(), rows.invoice_date.notnull())
    days = known.select("workbook", "customer_id", day=known.invoice_date.date()).distinct()
    group_of = _groups(found, days)
    if len(set(group_of.values())) < 2:
        return
    groups = _figures(found, days, group_of)
    most, *others = sorted(groups, key=lambda group: (-group["customers"], group["name"]))
    for group in others:
        files = [file for file, name in group_of.items() if name == group["name"]]
        fewest = min(group["customers"], most["customers"])
        again = min(each["again"] / each["customers"] for each in (most, group))
        apart = max(most["start"], group["start"]) - min(most["end"], group["end"])
        is_near = apart.days <= DAYS_APART
        if fewest >= LEAST and again * fewest >= EXPECTED and is_near:
            facts = {"files": few(files), "expected": again * fewest}
            yield doubt("other_retailer", **group | facts)


def _groups(found: Evidence, days: Table) -> dict[str, str]:
    """Return files by the first of all that they share customers with, one by way of another."""
    first = days.group_by("customer_id").agg(first=_.workbook.min())
    pairs = days.inner_join(first, "customer_id").select("workbook", "first").distinct()
    group_of: dict[str, str] = {}

    def first_of(file: str) -> str:
        while (other := group_of.setdefault(file, file)) != file:
            file = other
        return file

    for pair in found.fetched(pairs.order_by("workbook", "first")):
        one, other = sorted((first_of(pair["workbook"]), first_of(pair["first"])))
        group_of[other] = one
    return {file: first_of(file) for file in group_of}


def _figures(found: Evidence, days: Table, group_of: dict[str, str]) -> list[dict[str, Any]]:
    """Return each group's customers, how many came in both halves of its time, and that time."""
    named = [{"workbook": file, "name": name} for file, name in group_of.items()]
    days = days.inner_join(ibis.memtable(named), "workbook")
    customers = days.group_by("name", "customer_id").agg(first=_.day.min(), last=_.day.max())
    time = customers.group_by("name").agg(start=_.first.min(), end=_.last.max())
    both = customers.inner_join(time, "name")
    age, last_age, length = (
        both[day].delta(both.start, unit="day") for day in ("first", "last", "end")
    )
    came_again = (age * 2 < length) & (last_age * 2 >= length)
    grouped = both.group_by("name", "start", "end")
    return found.fetched(grouped.agg(customers=both.count(), again=came_again.sum()))


def several_ids(found: Evidence) -> Iterator[Doubt]:
    """Look for sheets that tell customers by different columns, and share none with the others."""
    named = [(row, row["headings"].get("customer_id")) for row in found.sheets]
    by_heading = [{name: row[name] for name in SHEET} | {"heading": of} for row, of in named if of]
    if len({row["heading"] for row in by_heading}) < 2:
        yield from _several_kinds(found)
        return
    rows = found.raw.filter(found.raw.customer_id.notnull())
    ids = rows.inner_join(ibis.memtable(by_heading), SHEET).select("customer_id", "heading")
    each = ids.distinct().group_by("customer_id").agg(heading=_.heading.min(), of=_.count())
    counted = each.group_by("heading").agg(ids=_.count(), shared=(each.of > 1).sum())
    (total,) = found.fetched(counted.agg(least=_.ids.min(), shared=_.shared.sum(), of=_.count()))
    is_shared = total["shared"] and total["shared"] > FEW_SHARED * total["least"]
    if total["of"] < 2 or total["least"] < LEAST_IDS or is_shared:
        return
    headings = sorted({row["heading"] for row in by_heading})
    facts = {"headings": " and ".join(map(repr, map(shown, headings))), **total}
    for heading in headings:
        # Where the others have the column, too, it tells customers throughout.
        others = [row for row in by_heading if row["heading"] != heading]
        unused = (found.unused.get((row["workbook"], row["sheet"]), []) for row in others)
        if all(heading in names for names in unused):
            concerned = [row["workbook"] for row in others]
            change = layout_for(concerned, found.files, columns={"customer_id": heading})
            yield doubt("several_ids", change, **facts)
            return
    yield doubt("several_ids.none", **facts)


def swapped_ids(found: Evidence) -> Iterator[Doubt]:
    """Look for files whose order numbers are customers in others: an order has one customer."""
    if len(found.files) < 2:
        return
    pairs = found.some.filter(_.customer_id.notnull(), _.invoice.notnull())
    pairs = pairs.select("workbook", "customer_id", "invoice").distinct()
    each = pairs.group_by("workbook").agg(
        pairs=_.count(), customers=_.customer_id.nunique(), numbers=_.invoice.nunique()
    )
    each = each.filter(_.pairs == _.customers, _.numbers < _.pairs, _.numbers >= LEAST_IDS)
    others = found.ids.select(invoice="customer_id", beside="workbook")
    met = pairs.select("workbook", "invoice").distinct().inner_join(others, "invoice")
    met = met.filter(_.workbook != _.beside).group_by("workbook").agg(met=_.count())
    swapped = each.inner_join(met, "workbook").filter(_.met >= MOST * _.numbers)
    for row in found.fetched(swapped.order_by("workbook").limit(1)):
        file = row["workbook"]
        said = next(sheet["headings"] for sheet in found.sheets if sheet["workbook"] == file)
        columns = {"customer_id": said.get("invoice", ""), "invoice": said.get("customer_id", "")}
        change = layout_for([file], found.files, columns=columns)
        yield doubt("several_ids.swapped", change, file=shown(file), **row | columns)


def _several_kinds(found: Evidence) -> Iterator[Doubt]:
    """Look for files that tell customers by addresses or names, and others by numbers."""
    ids = found.some.filter(_.customer_id.notnull()).select("workbook", "customer_id")
    kind = ibis.cases(
        (_.customer_id.contains("@"), "addresses"),
        (_.customer_id.re_search("[0-9]"), "numbers"),
        else_="names",
    )
    each = ids.distinct().group_by("workbook", kind=kind).agg(ids=_.count())
    each = each.mutate(of=each.ids.sum().over(ibis.window(group_by="workbook")))
    told = found.fetched(
        each.filter(_.ids >= LEAST_IDS, _.ids >= NEARLY_ALL * _.of).order_by("workbook")
    )
    files = {row["kind"]: shown(row["workbook"]) for row in told}
    if len(files) > 1:
        headings = " and ".join(f"{kind} in {file}" for kind, file in files.items())
        yield doubt("several_ids.none", headings=headings, level="stops")
