"""A database as the source: its months are read as files are."""

from decimal import Decimal

import pytest

from customer_segments.automation import facts
from customer_segments.automation.agenda import agenda
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.ingestion.files.database import hashes_of, sources_of
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.upkeep.surroundings import source
from customer_segments_tests.ingestion.ingested import ask, digests, ingest, ingest_metadata, raw
from customer_segments_tests.ingestion.postgres import PASSWORD, Server
from customer_segments_tests.ingestion.taken import dry_rows
from customer_segments_tests.installations import execute, materialize
from customer_segments_tests.machine import shop as shop_months

MARCH, APRIL, MAY = (f"database 2011-0{month}" for month in (3, 4, 5))
OTHER = "database other dates"
CHANGED = "SELECT date_trunc('month', invoice_date), count(*) FROM orders GROUP BY 1"


def read(settings: Settings) -> list[str]:
    names = ingest_metadata(settings).get("files_read", "")
    return names.split(", ") if names else []


def fetched(settings: Settings) -> list[str]:
    with sources_of(settings, Installation.of(settings).policy) as sources:
        for each in sources:
            each.fetch()
        return [each.name for each in sources if each.size]


@pytest.fixture
def shop(database: Server) -> Server:
    """Three months, an order each."""
    database.orders(
        ("1", "2011-03-31 23:59", 6.95, "1"),
        ("2", "2011-04-01", 2.5, "2"),
        ("3", "2011-05-05", 1, "1"),
    )
    return database


def test_the_same_rows_give_the_same_tables_as_from_a_file(database, world, tmp_path):
    columns = (
        "invoice, stock_code, description, quantity, invoice_date, price, customer_id, country"
    )
    with world.installed.warehouse.reading() as con:
        rows = con.con.sql(f"SELECT {columns} FROM raw_transactions WHERE NOT is_superseded")
        database.load(rows.to_arrow_table())
    settings = database.install(tmp_path)
    ingest(settings)
    months = Installation.of(settings).months
    made = ["cleaned_transactions", "rejected_transactions", "customer_rfm"]
    materialize(settings, made, months.first, shop_months.month(2), checks=False)
    for query in (
        "SELECT * EXCLUDE (workbook, sheet, row_number) FROM cleaned_transactions ORDER BY ALL",
        "SELECT reason, count(*), sum(quantity * price) FROM rejected_transactions "
        "WHERE reason <> 'overlapping_invoice' GROUP BY 1 ORDER BY 1",
        "SELECT month, rows, digest FROM publications WHERE table_name = 'customer_rfm' "
        "QUALIFY row_number() OVER (PARTITION BY month ORDER BY publication DESC) = 1 ORDER BY 1",
    ):
        assert ask(settings, query) == ask(world.settings, query) != []


def test_only_months_that_changed_are_read_and_written(shop, tmp_path):
    settings = shop.install(tmp_path)
    assert read(settings) == [MARCH, APRIL, MAY]
    before = digests(settings)
    # Where the rows stand in the table does not matter.
    shop.do("CREATE TABLE turned AS SELECT * FROM orders ORDER BY invoice_date DESC")
    shop.do("DROP TABLE orders", "ALTER TABLE turned RENAME TO orders")
    shop.do("UPDATE orders SET price = 3 WHERE invoice = '2'")
    assert read(settings) == [APRIL]
    assert [old == new for old, new in zip(before, digests(settings), strict=True)] == [
        *(True, False, True)
    ]
    shop.do("DELETE FROM orders WHERE invoice = '1'")
    metadata = ingest_metadata(settings)
    assert metadata["files_removed"] == MARCH
    assert "files_read" not in metadata


def test_months_are_read_that_the_query_changed_says(shop, tmp_path):
    settings = shop.install(tmp_path, changed=CHANGED)
    policy = Installation.of(settings).policy
    before = hashes_of(settings, policy)
    assert [*before] == fetched(settings) == [MARCH, APRIL, MAY]
    shop.do("UPDATE orders SET price = 3 WHERE invoice = '2'")  # Not a row more or less.
    assert hashes_of(settings, policy) == before
    shop.order("4", "2011-05-31", 1)
    changed = hashes_of(settings, policy).items() ^ before.items()
    assert {name for name, _ in changed} == {MAY}


def test_a_month_that_the_query_changed_does_not_know_is_not_lost_in_silence(shop, tmp_path):
    settings = shop.install(tmp_path, changed="SELECT '2011-03', 1")
    with pytest.raises(UserError, match=f"^{APRIL}, {MAY}: query of .* changed no line"):
        fetched(settings)


def test_rows_without_a_possible_date_are_rows(shop, tmp_path):
    for number, day in enumerate((None, "infinity", "9999-12-31", "0044-03-15 BC", "1969-12-31")):
        shop.order(f"odd{number}", day, 1)
    shop.order("epoch", "1970-01-01", 1)
    shop.do(
        "INSERT INTO orders SELECT o.* FROM orders AS o, generate_series(1, 500) "
        "WHERE invoice = '1'"
    )
    settings = shop.install(tmp_path)
    metadata = ingest_metadata(settings)
    assert metadata["files_read"].split(", ") == ["database 1970-01", MARCH, APRIL, MAY, OTHER]
    assert metadata["months_covered"] == "2011-03 to 2011-05"
    assert len(raw(settings, where=f"workbook = '{OTHER}'")) == 5
    undated = raw(settings, "unreadable_column", f"workbook = '{OTHER}' AND invoice_date IS NULL")
    assert undated == [("invoice_date",)] * 3


def test_an_order_of_two_months_is_no_correction_of_itself(shop, tmp_path):
    shop.orders(("1", "2011-03-31 23:59", 1, "1"), ("1", "2011-04-01 00:01", 1, "1"))
    settings = shop.install(tmp_path)
    assert dry_rows(settings, "workbook", "is_superseded") == [(MARCH, False), (APRIL, False)]


def test_types_of_columns(shop, tmp_path):
    query = """
        SELECT * FROM (VALUES
            ('ffffffff-0000-0000-0000-000000000001'::uuid, '1 '::char(9), 1.5::float4,
             12345.678901::numeric, '2011-03-31 23:30+00'::timestamptz, '{}'::jsonb),
            (NULL, '2', NULL, 'NaN'::numeric, '2011-03-01 00:30+01'::timestamptz, '{}')
        ) AS v (customer_id, invoice, quantity, price, invoice_date, "Not used")  -- !
    """
    settings = shop.install(tmp_path, query)
    # Months are London's.
    february, april = dry_rows(
        settings, "workbook", "invoice", "customer_id", "quantity", "price", "invoice_date"
    )
    assert february[:5] == ("database 2011-02", "2", None, None, None)
    uuid = "ffffffff-0000-0000-0000-000000000001"
    assert april[:5] == (APRIL, "1", uuid, Decimal("1.5"), Decimal("12345.678901"))
    assert [f"{row[5]:%d %H:%M}" for row in (february, april)] == ["28 23:30", "01 00:30"]


def test_months_beyond_the_settings_are_not_read(shop, tmp_path):
    settings = shop.install(tmp_path)
    settings = settings.model_copy(update={"first_month": "2011-04", "last_month": "2011-04"})
    assert fetched(settings) == [APRIL]


def test_a_layout_names_the_columns(shop, tmp_path):
    settings = shop.install(
        tmp_path, "SELECT invoice_date AS d, customer_id AS c, price AS p FROM orders"
    )
    with settings.config.open("a") as file:
        file.write(
            "[[layout]]\nfiles = 'database*'\n"
            "columns = {invoice_date = 'd', customer_id = 'c', price = 'p'}"
        )
    assert dry_rows(settings, "price") == [(Decimal("6.95"),), (Decimal("2.5"),), (1,)]


KILLED = "SELECT *, pg_terminate_backend(pg_backend_pid()) AS status FROM orders"
BROKEN = {
    "address": ({"database": "postgresql://shop@/nobody"}, "database of .source. cannot be reach"),
    "host": ({"database": "postgresql://shop@localhost:1/shop"}, "cannot be reached: .* refused"),
    "port": ({"database": "postgresql://shop@localhost:x/shop"}, "cannot be reached: invalid int"),
    "query": ({"query": "SELECT nothing FROM orders"}, "^query of .*: column .nothing. does not"),
    "syntax": ({"query": "SELEC"}, "^query of .source. does not work: syntax error"),
    "two": ({"query": "SELECT 1; DROP TABLE orders"}, "^query of .source. does not work: syntax"),
    "writes": (
        {"query": "SELECT *, setval('numbers', 7) FROM orders"},
        "^query of .*: cannot execute setval.. in a read-only transaction",
    ),
    "column": (
        {"query": "SELECT invoice_date, price FROM orders"},
        "^query of .source.: no column was found for the customer; .*'invoice_date', 'price'",
    ),
    "text": (
        {"query": "SELECT customer_id, price, invoice_date::text FROM orders"},
        "^query of .source., column 'invoice_date': it is text, and no date",
    ),
    "empty": ({"query": "SELECT * FROM orders WHERE false"}, "^query of .*gives not one row"),
    "changed": ({"changed": "SELECT 1"}, "^changed of .source. does not work: .* 1 column"),
    "lost": ({"query": KILLED}, "cannot be reached: terminating connection"),
}


@pytest.mark.parametrize(("said", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_wrong_is_one_sentence(shop, tmp_path, said, message):
    shop.do("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(UserError, match=message) as failed:
        fetched(shop.install(tmp_path, **said))
    assert failed.value.remedy


def test_a_connection_that_is_lost_in_the_middle(shop, tmp_path):
    settings = shop.install(tmp_path, KILLED, changed=CHANGED)
    with pytest.raises(UserError, match="cannot be reached: terminating connection"):
        fetched(settings)


def test_a_wrong_password_names_the_setting(shop, tmp_path, capfd):
    settings = shop.install(tmp_path)
    for password in ("", "wr@ng/p?ss"):
        secret = type(settings.database_password)(password)
        settings = settings.model_copy(update={"database_password": secret})
        with pytest.raises(UserError, match="does not let us in") as failed:
            fetched(settings)
        assert "CUSTOMER_SEGMENTS_DATABASE_PASSWORD" in failed.value.remedy
    logged = build_defs(Installation.of(settings))
    result = execute(settings, "ingest", raise_on_error=False, defs=logged)
    told = str(result.all_events) + "".join(capfd.readouterr())
    assert "does not let us in" in told
    assert password not in told


@pytest.mark.parametrize("said", [{}, {"database": "postgresql://a@b:x/c"}])
def test_the_password_is_nowhere(shop, tmp_path, said, capfd):
    settings = shop.install(tmp_path, **said)
    logged = build_defs(Installation.of(settings))
    result = execute(settings, "ingest", raise_on_error=False, defs=logged)
    assert result.success is not bool(said)
    told = str(result.all_events) + "".join(capfd.readouterr())
    assert "ingest_workbooks" in told
    assert PASSWORD not in told
    assert "p%40ss" not in told
    for file in tmp_path.iterdir():
        assert PASSWORD.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "address", ["postgresql://shop:geheim@host/shop", "postgresql://host/shop?password=geheim"]
)
def test_a_password_in_the_rules_is_refused_and_not_told(tmp_path, address):
    path = tmp_path / "customer_segments.toml"
    path.write_text(f"[source]\ndatabase = '{address}'\nquery = 'SELECT 1'")
    with pytest.raises(UserError, match="No password here: it is CUSTOMER_SEGM") as failed:
        Policy.load(path)
    assert "geheim" not in f"{failed.value} {failed.value.__cause__}"


@pytest.mark.parametrize("rules", ["query = 'SELECT 1'", "database = 'postgresql://a@b/c'"])
def test_address_and_query_need_each_other(tmp_path, rules):
    path = tmp_path / "customer_segments.toml"
    path.write_text(f"[source]\n{rules}")
    with pytest.raises(UserError, match="database and query need each other"):
        Policy.load(path)


def test_a_database_in_the_rules_is_no_sample(shop, tmp_path):
    settings = shop.install(tmp_path)
    assert not Settings(_env_file=None, config=settings.config).uses_sample
    assert Settings(_env_file=None, config=tmp_path / "none.toml").uses_sample


def test_a_doctor_connects(shop, tmp_path):
    (finding,) = source(Installation.of(shop.install(tmp_path)))
    assert finding.said == f"The database {shop.address}, 3 months of it."


def ingestions(settings: Settings, **looked: bool) -> list[str]:
    steps = agenda(facts.look(Installation.of(settings), **looked))
    return [step.why for step in steps if step.job == "ingest"]


def test_a_run_sees_what_changed_and_comes_to_its_end_with_what_changes_always(shop, tmp_path):
    settings = shop.install(tmp_path)
    assert ingestions(settings, again=True) == ["nothing was read yet"]
    execute(settings, "ingest")
    assert ingestions(settings) == []
    shop.order("4", "2011-05-31", 1)
    assert ingestions(settings) == [f"the files changed: {MAY}"]
    assert ingestions(settings, again=True) == []


def test_the_sensor_looks_by_the_query_changed_and_not_all_the_time(shop, tmp_path, monkeypatch):
    settings = shop.install(tmp_path, changed=CHANGED)
    ingest(settings)
    installed = Installation.of(settings)
    state = installed.warehouse.state()
    first = facts.watched_database(installed, state, {})
    assert first["found"] == state.files
    shop.order("4", "2011-05-31", 1)
    assert facts.watched_database(installed, state, first) == first
    monkeypatch.setattr(facts, "PAUSE_SECONDS", 0)
    second = facts.watched_database(installed, state, first)
    assert second["found"][MAY] != state.files[MAY]
    monkeypatch.undo()
    assert facts.watched_database(installed, state, second) == second
    # Ingested, and changed again since the sensor looked: it looks again when the pause is over.
    shop.order("5", "2011-05-31", 1)
    ingest(settings)
    state = installed.warehouse.state()
    assert facts.watched_database(installed, state, second)["found"] == state.files


def test_without_the_query_changed_no_sensor_looks(shop, tmp_path):
    settings = shop.install(tmp_path, database="postgresql://shop@localhost:1/none")
    installed = Installation.of(settings)
    state = installed.warehouse.state()
    assert facts.watched_database(installed, state, {})["found"] == state.files == {}


def test_no_file_of_the_source_folder_is_read(shop, tmp_path):
    settings = shop.install(tmp_path)
    settings.source_dir.mkdir()
    (settings.source_dir / "broken.xlsx").write_text("not one")
    assert fetched(settings) == [MARCH, APRIL, MAY]
