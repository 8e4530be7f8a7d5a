"""Names and texts full of quotation marks and SQL, through the whole graph."""

import ast
import re
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import customer_segments
from customer_segments.installation import Installation
from customer_segments.model.names import describe, name_clusters
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.ingestion.workbooks import HEADER, dated, write
from customer_segments_tests.installations import execute, install

# Quoted names of contracts' tables and columns, their rules, question marks, and dates as such.
LOOKED_AT = {
    *("relation", "table", "columns", "key", "month", "months[0]", "months[1]", "upstream"),
    *("revenue", "model", "where", "repeated", "found", "placeholders", "change", "names"),
    *("values", "written", "days", "last"),
    *("sheets", "decided", "mode", "same(contract.key)", "same(contract.schema.names)"),
    "'sum(rows)::BIGINT' if is_new else 'last(rows ORDER BY publication)'",
    # Queries that Ibis wrote, or of files and columns whose names are quoted in them.
    *(
        "sql",
        "grid.sql",
        "read",
        "query",
        "is_text",
        "columns",
        "row",
        "lengths",
        "totals",
        "one",
        "' UNION ALL '.join(queries)",
        "counted",
    ),
    *("_select(contract, files)", "held", "what", "newest"),
    *("', '.join(_COLUMNS)", "f'REPLACE ({decimals})' if decimals else ''"),
    "', '.join((f'count(*) FILTER ({sql})' for sql in conditions.values()))",
}
EVIL = "'; DROP TABLE raw_transactions; --"
RUNNERS = {"raw_sql", "sql", "execute", "executemany"}


def test_evil_folders_files_sheets_and_cells_go_through_the_whole_graph(tmp_path):
    source = tmp_path / f'so"urce {EVIL}'
    source.mkdir()
    settings = install(tmp_path / f'ware"house {EVIL}', source_dir=source)
    texts = [EVIL, '"', "''", "{0}", "%s", "@NOW(1)", "007", "1e20", "😀", "\u202ex", "a\tb", "\\"]
    customers = [f"{text}{n}" for text in texts for n in range(5)]
    rows = [
        dated(
            f"2011-{month:02}-1{number % 9}",
            Invoice=f"{number}{month}{EVIL}",
            Customer_ID=customer,
            StockCode=customer,
            Description=customer,
            Country=customer,
            Quantity=1 + number % 7 * month,
        )
        for month in (1, 2)
        for number, customer in enumerate(customers)
        if number % month == 0
    ]
    write(source / f"{EVIL}.xlsx", [HEADER, *rows], names=('"; --',))
    settings.config.write_text(
        "[model]\nmin_months = 1\nmin_customers = 30\nn_clusters = 3\n"
        "[selection]\nresamples = 0\n[gate]\nbootstrap_resamples = 1"
    )
    assert execute(settings, "ingest").success
    covered = Installation.of(settings).months
    assert execute(settings, "full_refresh", covered.first, covered.last).success
    assert ask(settings, "SELECT count(*) FROM raw_transactions") == [(len(rows),)]
    labelled = ask(settings, "SELECT DISTINCT customer_id FROM customer_segments")
    # Blanks inside an id are written in one way.
    assert {row[0] for row in labelled} == {name.replace("\t", " ") for name in customers}


def test_values_never_become_sql_by_formatting():
    """A piece of SQL text is quoted on the spot, a constant, or on the list below, looked at."""
    found = []
    for file in Path(customer_segments.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in RUNNERS and node.args and isinstance(node.args[0], ast.JoinedStr):
                pieces = (p for p in node.args[0].values if isinstance(p, ast.FormattedValue))
                found += [(file.name, ast.unparse(piece.value)) for piece in pieces]
    assert len(found) > 5  # it still finds those that there are
    unknown = [
        f"{file}: {piece}"
        for file, piece in found
        if not re.match(r"(quoted|literal)\(|(\w+\.)?_?[A-Z_]+$", piece) and piece not in LOOKED_AT
    ]
    assert not unknown


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=40))
def test_segments_get_names_of_their_own_wherever_they_lie(positions):
    names = name_clusters(np.array(positions))
    assert len(set(names)) == len(names) == len(positions)
    for name, position in zip(names, positions, strict=True):
        told = describe(name, position)
        assert told["segment"] == name
        assert told["suggested_action"]
