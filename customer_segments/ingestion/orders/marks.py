"""What the rows of a sheet say of its prefixes and codes: whose ways of writing they are.

Belongs here: whether letters in front of invoice numbers mark credit notes, whether codes are
UCI's. Does not: what follows for a row (``cleaning``).
"""

import ibis
from ibis import _
from ibis.expr.types import BooleanValue, StringValue, Table

from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.policy.rules import UCI_CODES

# A discount is called D by others, too, who take it off their sales.
COMMON = "D"
# What stands in front of an invoice number.
PREFIX = r"^([^0-9]+)"


def prefix(number: StringValue) -> StringValue:
    """Return the letters in front of an upper-case number, empty where there are none."""
    # What sorts between 0 and the character after 9 has none; to know that takes no expression.
    has_digit = (number >= "0") & (number < ":")
    return ibis.ifelse(has_digit, "", number.re_extract(PREFIX, 1))


def negative_prefixes(orders: Table) -> Table:
    """Return ``place`` and ``prefix`` of invoices most of whose rows have negative quantities."""
    by_prefix = orders.group_by("place", prefix=prefix(orders.number)).agg(
        rows=_.rows.sum(), negative=_.negative.sum()
    )
    mostly = by_prefix.filter(by_prefix.prefix != "", by_prefix.negative * 2 > by_prefix.rows)
    return mostly.select("place", "prefix")


def uci_sheets(rows: Table) -> Table:
    """Return the sheets that use UCI's codes as UCI does.

    Of the rows with such a code and a description, and of the codes, half at least say what UCI
    says: another shop's S and M are sizes.
    """
    code, said = rows.stock_code.upper(), rows.description.strip().upper()
    own = ibis.cases(*((_matches(code, code_of), code_of) for code_of in UCI_CODES))
    # Most rows have none: what follows is for those that have.
    codes = [code_of for code_of in UCI_CODES if "*" not in code_of]
    starts = [code.startswith(each[:-1]) for each in UCI_CODES if each.endswith("*")]
    rows = rows.filter(ibis.or_(code.isin(codes), *starts), said != "")
    described = rows.select(*SHEET, code=own, said=said)
    is_alike = ibis.cases(
        *(
            (described.code == code_of, _matches(described.said, description))
            for code_of, (_what, description) in UCI_CODES.items()
        )
    )
    by_code = described.mutate(is_alike=is_alike).group_by(*SHEET, "code")
    by_code = by_code.agg(rows=_.count(), alike=_.is_alike.sum())
    by_code = by_code.mutate(is_alike=_.alike * 2 >= _.rows)
    sheets = by_code.group_by(SHEET).agg(
        rows=_.rows.sum(),
        alike=_.alike.sum(),
        codes=_.count(),
        codes_alike=_.is_alike.sum(),
        telling=(_.is_alike & (_.code != COMMON)).sum(),
    )
    is_uci = (sheets.alike * 2 >= sheets.rows) & (sheets.codes_alike * 2 >= sheets.codes)
    return sheets.filter(is_uci, sheets.telling > 0).select(SHEET)


def _matches(text: StringValue, pattern: str) -> BooleanValue:
    """Tell whether a text is as a pattern says, in which `*` stands for anything."""
    if "*" not in pattern:
        return text == pattern
    start, *middle, end = pattern.split("*")
    within = [text.contains(part) for part in middle]
    return ibis.and_(text.startswith(start), text.endswith(end), *within)
