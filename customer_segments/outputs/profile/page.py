"""The profile of tables as one page that needs nothing but a browser.

Belongs here: exact figures of a table, over all its rows, counted in the engine; the sample of rows
that leaves it; laying both out, with a library's report on the sample.

Ibis has ``describe`` and DuckDB ``SUMMARIZE``. The first leaves out dates, the second estimates
distinct values and quartiles, and neither tells more than one frequent value. The report is skrub's
``TableReport``: histograms, associations and the rows themselves, in HTML that carries its scripts
and pictures. It is made by the people around scikit-learn and adds two small packages to what is
locked. ydata-profiling, the other one people know, cannot be installed beside pandas 3 and
matplotlib 3.11. What is shown comes from files of who knows whom: the page's own policy (CSP) lets
it load nothing from anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import NumericColumn, StructValue, Table, Value

from customer_segments.outputs.templates import rendered
from customer_segments.private import write_text
from customer_segments.storage import Contract
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.requirements import require_sources
from customer_segments.tables.money import as_floats
from customer_segments.texts import read_text

QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
MOST_FREQUENT = 5


@dataclass(frozen=True)
class Profile:
    """What is known of a table, and a sample of its rows (all if they are few).

    ``columns`` has per column ``missing`` and ``distinct`` values; ``min``, ``max`` and, of
    numbers, ``mean`` and quartiles; ``top``, the most frequent values with their rows. ``months``
    and, of rejected rows, ``reasons`` are pairs with their rows.
    """

    contract: Contract
    rows: int
    columns: dict[str, dict[str, Any]]
    months: list[tuple[Any, int]]
    reasons: list[tuple[Any, int]]
    sample: pd.DataFrame


def profile(con: Connection, contract: Contract, *, sample_rows: int, seed: int) -> Profile:
    """Profile a table; ``sample_rows`` at most leave the engine, the same for the same ``seed``.

    A UserError says that the table is missing, or not as it is declared.
    """
    table = contract.relation
    require_sources(Catalog.of(con), "data_profile", table)
    # One row with all figures of all columns: the table is read once.
    figures = {name: _figures(table[name]) for name in table.columns}
    (columns,) = con.to_pyarrow(table.agg(**figures, rows_=table.count())).to_pylist()
    rows = columns.pop("rows_")
    for name, own in columns.items():
        own["top"] = _frequencies(con, table[name], MOST_FREQUENT)
    return Profile(
        contract,
        rows,
        columns,
        months=sorted(_frequencies(con, table["month"])),
        reasons=_frequencies(con, table["reason"]) if "reason" in table.columns else [],
        sample=con.execute(sample(table, contract.key, rows=sample_rows, seed=seed)),
    )


def sample(table: Table, key: tuple[str, ...], *, rows: int, seed: int) -> Table:
    """Return rows at random, the same each time: those whose key has the smallest hashes.

    Decimals become float64, for whoever draws them.
    """
    parts = [ibis.literal(str(seed)), *(table[name].cast("string") for name in key)]
    chosen = table.order_by(ibis.literal("\n").join(parts).hash(), *key)
    return as_floats(chosen.limit(rows))


def write_page(
    profiles: Sequence[Profile], path: Path, *, sample_rows: int, is_sample: bool
) -> None:
    """Write the page; of ``sample_rows`` at most per table, and maybe of the bundled sample."""
    facts = {
        "profiles": profiles,
        "reports": {each.contract.table: _report(each) for each in profiles},
        "made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "sample_rows": sample_rows,
        "is_sample": is_sample,
        "shown": shown,
    }
    write_text(path, rendered(read_text(__package__, "page.html.j2"), facts))


def shown(found: Any) -> str:
    """Return a value as a person writes it; texts as they are, in full up to 200 characters."""
    match found:
        case bool():
            return "yes" if found else "no"
        case int():
            return f"{found:,}"
        case Decimal():
            return f"{found:,.6f}".rstrip("0").rstrip(".")
        case float():
            return f"{found:,.4f}".rstrip("0").rstrip(".")
        case datetime():
            return found.isoformat(" ", "seconds")
        case date():
            return found.isoformat()
        case _:
            text = str(found)
            return text if len(text) <= 200 else f"{text[:200]}…"


def _figures(column: Value) -> StructValue:
    figures = {"missing": column.isnull().sum().fill_null(0), "distinct": column.nunique()}
    if not column.type().is_boolean():
        figures |= {"min": column.min(), "max": column.max()}
    if isinstance(column, NumericColumn) and column.type().is_numeric():
        number = column.cast("float64")
        figures |= {"mean": number.mean()}
        figures |= {quartile: number.quantile(at) for quartile, at in QUARTILES.items()}
    return ibis.struct(figures)


def _frequencies(con: Connection, column: Value, most: int | None = None) -> list[tuple[Any, int]]:
    """Return values with their rows, the most frequent first; a missing value is none."""
    counts = column.value_counts(name="rows_")
    value = counts[column.get_name()]
    ordered = counts.filter(value.notnull()).order_by(counts.rows_.desc(), value)
    found = con.to_pyarrow(ordered.limit(most) if most else ordered)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def _report(each: Profile) -> str:
    """Return the library's report on the sample, as part of a page."""
    if each.sample.empty:
        return ""
    import matplotlib
    from skrub import TableReport

    # skrub draws by pyplot: never on a screen, which a run has none of.
    matplotlib.use("agg")
    return TableReport(each.sample, verbose=0, open_tab="distributions").html_snippet()
