"""What layouts name is passed on, the newest of each customer; and nothing but lists says it."""

import csv
from datetime import date

import duckdb
import ibis
import pyarrow.parquet as pq
from openpyxl import load_workbook
from pyarrow import csv as arrow_csv

from customer_segments.settings import Settings
from customer_segments.shown import report_path, state_of, workbook_files
from customer_segments.storage.audit import row_breaches
from customer_segments.storage.dagster_metadata import column_schema
from customer_segments.tables import CUSTOMER_CONTACTS
from customer_segments_tests.console import start
from customer_segments_tests.ingestion.ingested import ask, ingest, ingest_metadata
from customer_segments_tests.ingestion.postgres import Server
from customer_segments_tests.ingestion.workbooks import HEADER, dated, write, write_csv

LAYOUT = '[[layout]]\ncontact = { name = "Who", email = "Mail" }\n'
COLUMNS = [*HEADER, "Who", "Mail"]
# The newest line that says anything counts; of lines of one time the last; nobody has none.
LINES = [
    [*dated("2011-03-02", Invoice=1, Customer_ID=1), "New Name", ""],
    [*dated("2011-03-01", Invoice=2, Customer_ID=1), "Old Name", "old@x.org"],
    [*dated("2011-03-01", Invoice=3, Customer_ID=2), "First", "2@x.org"],
    [*dated("2011-03-01", Invoice=3, Customer_ID=2), " Last ", ""],
    [*dated("2011-03-01", Invoice=4, Customer_ID=""), "Nobody", "0@x.org"],
]
PASSED_ON = {("1", "name", "New Name"), ("1", "email", "old@x.org")}
PASSED_ON |= {("2", "name", "Last"), ("2", "email", "2@x.org")}


def passed_on(settings: Settings) -> set[tuple]:
    return {
        *ask(settings, "SELECT customer_id, field, value FROM customer_contacts WHERE is_newest")
    }


def test_a_database_passes_on_the_same(database: Server, tmp_path):
    database.orders()
    database.do("ALTER TABLE orders ADD who text, ADD mail text")
    for cells in LINES:
        values = ", ".join(f"NULLIF('{cell}', '')" for cell in cells)
        database.do(
            "INSERT INTO orders SELECT i, s, d, q::numeric, t::timestamp, p::numeric, c, l, who, "
            f"mail FROM (VALUES ({values})) AS v (i, s, d, q, t, p, c, l, who, mail)"
        )
    settings = database.install(tmp_path)
    settings.config.write_text(settings.config.read_text() + LAYOUT)
    ingest(settings)
    # Rows of one time have no order there.
    assert passed_on(settings) - {("2", "name", "First")} == PASSED_ON - {("2", "name", "Last")}


def test_file_after_file_ends_as_if_read_at_once_and_goes_with_its_file(installed):
    """Of each kind one: a text file, a workbook, a Parquet file."""
    installed.config.write_text(LAYOUT)
    table = "SELECT * FROM customer_contacts ORDER BY ALL"
    source = installed.source_dir
    write(source / "9.xlsx", [COLUMNS, *LINES])
    later = [*dated("2011-03-01", Invoice=9, Customer_ID=2), "Later File", "2@x.org"]
    write_csv(source / "10.csv", [COLUMNS, later])
    parquet_file = arrow_csv.read_csv(source / "10.csv").set_column(8, "Who", [["Newest File"]])
    pq.write_table(parquet_file, source / "11.parquet")
    ingest(installed)
    at_once = ask(installed, table)
    assert ("2", "name", "Newest File") in passed_on(installed)
    later_files = {source / name: (source / name).read_bytes() for name in ("10.csv", "11.parquet")}
    for path in later_files:
        path.unlink()
    ingest(installed)
    assert passed_on(installed) == PASSED_ON
    for path, content in later_files.items():
        path.write_bytes(content)
    assert ingest_metadata(installed)["files_reused"] == "9.xlsx"
    assert ask(installed, table) == at_once
    # What nothing is named for any more is emptied.
    installed.config.unlink()
    ingest(installed)
    assert passed_on(installed) == set()


def test_nothing_is_kept_where_no_layout_names_any(labelled_shop):
    with duckdb.connect(str(labelled_shop / "warehouse.duckdb"), read_only=True) as con:
        tables = con.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert ("raw_transactions",) in tables
    assert ("customer_contacts",) not in tables


SENTINEL = "sentinel.address"
RULES = """
[model]
min_customers = 5
min_months = 1
n_clusters = 2
[selection]
resamples = 0
[gate]
bootstrap_resamples = 1
"""


def test_lists_alone_say_who_somebody_is(tmp_path):
    """Every file that a run leaves is searched, Dagster's among them, and all that it prints."""
    source, config = tmp_path / "source", tmp_path / "home" / "customer_segments.toml"
    source.mkdir()
    config.parent.mkdir()
    config.write_text(LAYOUT + RULES)
    rows = [
        [*dated(f"2011-0{month}-0{day}", Invoice=f"{month}{day}{n}", Customer_ID=n, Price=n), *who]
        for month in (1, 2)
        for n in range(1, 13)
        for day in range(1, 2 + n // 4)
        for who in [(f"Name {n}", f"{n}@{SENTINEL}")]
    ]
    # What is wrong with a line, a message says; not what it says of whom.
    rows[-1] += ["one more", f"0@{SENTINEL}"]
    rows.append([*dated("?", Invoice=0, Customer_ID=1), "Name", f"0@{SENTINEL}"])
    write_csv(source / "a.csv", [COLUMNS, *rows])
    said = ""
    for command in (["check"], ["run", "--verbose"], ["doctor"]):
        done = start(config.parent, *command, source=source)
        said += done.stdout + done.stderr
        assert command != ["run", "--verbose"] or done.returncode == 0, done.stderr
    assert "email: 'Mail'" in said
    assert SENTINEL not in said

    reports, month = config.parent / "reports", date(2011, 1, 1)
    book, text, parquet_file = lists = workbook_files(reports, month)
    held = {source / "a.csv", config.parent / "warehouse.duckdb", *lists}
    files = {path for path in tmp_path.rglob("*") if path.is_file()} - held
    assert {report_path(reports, month), config.parent / "serving/warehouse.duckdb"} < files
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        assert SENTINEL.encode() not in path.read_bytes(), path

    held_in = []
    for path in tmp_path.rglob("*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as con:
            for (table,) in con.sql("SELECT table_name FROM duckdb_tables()").fetchall():
                said = f"SELECT 1 FROM {table} AS t WHERE t::text LIKE '%{SENTINEL}%' LIMIT 1"
                held_in += [(path.name, table)] if con.sql(said).fetchall() else []
    assert held_in == [("warehouse.duckdb", "customer_contacts")]

    sheets = load_workbook(book, read_only=True)
    for name in sheets.sheetnames[1:-1]:
        headings, *cells = sheets[name].iter_rows(values_only=True)
        mails = [row[headings.index("E-mail")] for row in cells]
        assert mails == [f"{row[0]}@{SENTINEL}" for row in cells], name
    with text.open(newline="") as stream:
        assert all(
            row["email"] == f"{row['customer_id']}@{SENTINEL}" for row in csv.DictReader(stream)
        )
    assert set(pq.read_table(parquet_file)["name"].to_pylist()) == {
        f"Name {n}" for n in range(1, 13)
    }


def test_neither_a_breach_nor_a_column_of_the_ui_says_it():
    con = ibis.duckdb.connect()
    row = dict.fromkeys(CUSTOMER_CONTACTS.columns) | {"customer_id": "1", "value": SENTINEL}
    nullable = {name: CUSTOMER_CONTACTS.relation[name].type() for name in row}
    con.create_table("staged", ibis.memtable([row], schema=nullable))
    said = " ".join(map(str, row_breaches(con, CUSTOMER_CONTACTS, "staged")))
    assert "field is null: 1 row\n" in said
    assert SENTINEL not in said
    tagged = [column.name for column in column_schema(CUSTOMER_CONTACTS).columns if column.tags]
    assert tagged == ["customer_id", "value"]


def test_an_address_alone_makes_the_newest_lists_due_again(world):
    world.settings.config.write_text(world.settings.config.read_text() + f"\n{LAYOUT}")
    file = max(world.source.glob("*.csv"))
    first, *rows = file.read_text().splitlines()

    def shown_from(address: str) -> list[str]:
        file.write_text("\n".join([f"{first},Mail", *(f"{row},{address}" for row in rows)]))
        ingest(world.settings)
        return [state_of(world.state, date(2010, n, 1), world.today, 0.1) for n in (2, 3)]

    before, after = shown_from("a@x.org"), shown_from("b@x.org")
    assert before[0] == after[0]
    assert before[1][:16] == after[1][:16]
    assert before[1] != after[1]
