"""The customers of a month for other tools: one row each, typed, as Parquet and as CSV.

Belongs here: the two files, and which texts a spreadsheet must not take for formulas. Does not:
the workbook.

Texts stand in Parquet exactly as they are. A CSV file has no types, and a spreadsheet runs a text
in it that begins like a formula. So, as OWASP advises, such a text gets an apostrophe in front
and every text is quoted: a file that somebody opens with a double click must not run what some
order form said. Ids that begin with a plus, say, are to be taken from Parquet. Where a list is
separated by semicolons or tabs, as in half of Europe, quotation marks amid a line are none, and a
text is cut in two at what separates there: what follows gets its apostrophe as well.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.private import replacing

if TYPE_CHECKING:
    import pyarrow as pa

# OWASP, "CSV Injection": =, +, -, @, their full-width forms, tab, carriage return, line feed;
# and NUL, which the ASVS (1.2.10) adds.
FORMULA_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n\0"


# Where another locale begins a cell or a row, whatever marks and blanks stand before its sign.
_WITHIN = f'([;\\t\\r\\n][\\s"]*)([{re.escape(FORMULA_STARTS[:8])}])'
_AT_START = f"^([{re.escape(FORMULA_STARTS)}])"


def is_like_formula(text: str) -> bool:
    """Tell whether a spreadsheet that is given this text may take it for a formula."""
    return text.startswith(tuple(FORMULA_STARTS))


def write_parquet(parts: Iterable["pa.Table"], path: Path) -> None:
    """Write customers, in parts, with their types: dates as dates, money as decimals."""
    import pyarrow.parquet as pq

    first, parts = _begun(parts)
    with (
        replacing(path) as draft,
        pq.ParquetWriter(draft, first.schema, compression="zstd") as writer,
    ):
        for part in parts:
            writer.write_table(part)


def parts_of(path: Path) -> Iterator["pa.Table"]:
    """Give the customers of a Parquet file in parts that memory can hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield pa.Table.from_batches([batch])


def write_csv(parts: Iterable["pa.Table"], path: Path) -> int:
    """Write customers, in parts, as UTF-8 with commas and ISO dates; null is nothing, unquoted.

    Units are as people write them, 12 and 0.35.

    Returns the number of texts that got an apostrophe.
    """
    from pyarrow import csv

    guarded, (first, parts) = 0, _begun(parts)
    schema, options = _guarded(first)[0].schema, csv.WriteOptions(quoting_style="needed")
    with replacing(path) as draft, csv.CSVWriter(draft, schema, write_options=options) as writer:
        for part in parts:
            safe, more = _guarded(part)
            writer.write_table(safe)
            guarded += more
    return guarded


def _begun(parts: Iterable["pa.Table"]) -> tuple["pa.Table", Iterable["pa.Table"]]:
    """Return the first part, which has the columns, and all of them."""
    rest = iter(parts)
    first = next(rest)
    return first, chain([first], rest)


def _guarded(customers: "pa.Table") -> tuple["pa.Table", int]:
    """Return customers as a CSV has them, and how many texts got an apostrophe."""
    import pyarrow as pa
    import pyarrow.compute as pc

    guarded = 0
    for index, field in enumerate(customers.schema):
        if field.name == "units":
            customers = customers.set_column(index, "units", customers["units"].cast(pa.float64()))
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = customers.column(index)
            safe = pc.replace_substring_regex(texts, _WITHIN, r"\1'\2")
            safe = pc.replace_substring_regex(safe, _AT_START, r"'\1")
            guarded += pc.sum(pc.not_equal(texts, safe)).as_py() or 0
            customers = customers.set_column(index, field.name, safe)
    return customers, guarded
