"""The profile page: exact figures of all rows, a sample where it says so, nothing from outside."""

import re
import stat
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import duckdb
import ibis
import pytest

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.outputs.assets import PROFILED, profile_asset
from customer_segments.outputs.profile.page import profile, sample, shown, write_page
from customer_segments.storage import Warehouse
from customer_segments.tables import RAW_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments_tests.installations import install, materialize

HOSTILE = "<script>alert(1)</script><img src=http://x.test/y>{{ 7 * 7 }}"


class Links(HTMLParser):
    """Collects what a page has a browser load, and what it leads to."""

    def __init__(self):
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            # A link is loaded when somebody follows it, and then by choice.
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag != "a"):
                self.loaded.append(value)


def loaded_by(page: str) -> Links:
    links = Links()
    links.feed(page)
    return links


@pytest.fixture(scope="module")
def profiled(sample_warehouse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    settings = sample_warehouse.model_copy(update={"reports_dir": folder})
    config = {"data_profile": {"sample_rows": 500}}
    return settings, materialize(settings, ["data_profile"], config=config)


@pytest.fixture(scope="module")
def profiles(sample_warehouse):
    with Warehouse(sample_warehouse.warehouse_path).reading() as con:
        return {each.table: profile(con, each, sample_rows=500, seed=42) for each in PROFILED}


def test_figures_are_of_all_rows(sample_warehouse, profiles):
    for table, found in profiles.items():
        with duckdb.connect(str(sample_warehouse.warehouse_path), read_only=True) as con:
            assert (found.rows,) == con.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert set(found.columns) == set(found.contract.schema.names)
            for name, own in found.columns.items():
                missing, distinct = con.execute(
                    f"SELECT count(*) - count({name}), count(DISTINCT {name}) FROM {table}"
                ).fetchone()
                assert (own["missing"], own["distinct"]) == (missing, distinct)
                top = con.execute(
                    f"SELECT {name}, count(*) FROM {table} WHERE {name} IS NOT NULL "
                    "GROUP BY ALL ORDER BY ALL DESC"
                ).fetchall()
                assert own["top"] == sorted(top, key=lambda pair: (-pair[1], pair[0]))[:5]
                assert own.get("min") == (min(top)[0] if top and "min" in own else None)
                assert own.get("max") == (max(top)[0] if top and "max" in own else None)
            quartiles = con.execute(
                "SELECT quantile_cont(price::DOUBLE, [.25, .5, .75]), avg(price::DOUBLE) "
                f"FROM {table}"
            ).fetchone()
            own = found.columns["price"]
            assert [own["lower_quartile"], own["median"], own["upper_quartile"]] == quartiles[0]
            assert own["mean"] == pytest.approx(quartiles[1])
            assert sum(rows for _, rows in found.months) == found.rows
    raw, cleaned, rejected = profiles.values()
    assert raw.rows == cleaned.rows + rejected.rows
    assert sum(rows for _, rows in rejected.reasons) == rejected.rows
    assert raw.reasons == cleaned.reasons == []


def test_the_page_says_what_is_of_all_rows_and_what_of_a_sample(profiled, profiles):
    settings, _ = profiled
    page = re.sub(r"\s+", " ", (settings.reports_path / "data_profile.html").read_text())
    for table, found in profiles.items():
        assert f'<section id="{table}">' in page
        assert f"<h3>All {found.rows:,} rows</h3>" in page
        assert f"A sample: 500 of {found.rows:,} rows" in page
        assert len(found.sample) == 500
    assert "missing_customer" in page
    assert page.count("<skrub-") >= 3


def test_the_page_is_its_owners_loads_nothing_and_dagster_is_told_counts_alone(profiled):
    settings, result = profiled
    path = settings.reports_path / "data_profile.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = path.read_text()
    links = loaded_by(page)
    assert [each for each in links.loaded if not each.startswith("data:")] == []
    assert not links.tags & {"iframe", "object", "embed", "link", "base", "form"}
    assert "default-src 'none'" in page
    (event,) = result.get_asset_materialization_events()
    metadata = {name: value.value for name, value in event.materialization.metadata.items()}
    assert metadata.pop("path") == str(path)
    assert metadata.pop("url") == "/reports/data_profile.html"
    assert set(metadata) == {
        *("bytes", "months"),
        *(f"rows_{contract.table}" for contract in PROFILED),
    }
    assert all(isinstance(value, int) for value in metadata.values())


def test_the_same_seed_takes_the_same_rows_and_another_others(sample_warehouse):
    def rows(seed: int) -> list[tuple]:
        taken = sample(RAW_TRANSACTIONS.relation, RAW_TRANSACTIONS.key, rows=300, seed=seed)
        found = Warehouse(sample_warehouse.warehouse_path).query(taken)
        return list(found[list(RAW_TRANSACTIONS.key)].itertuples(index=False, name=None))

    first, again, other = rows(1), rows(1), rows(2)
    assert first == again
    assert len(set(first)) == 300
    assert len(set(first) & set(other)) < 150
    # From all over the file, and not its beginning.
    assert max(row for _, _, row in first) > 10 * min(row for _, _, row in first)


def raw_row(number: int, text: str) -> dict:
    return {
        "workbook": text,
        "sheet": "S",
        "row_number": number,
        "invoice": f"{number}",
        "stock_code": text,
        "description": text,
        "quantity": 1,
        "invoice_date": datetime(2011, 12, 9, 12, 50),
        "price": Decimal("1.2500"),
        "customer_id": text,
        "country": None,
        "month": date(2011, 12, 1),
        "unreadable_column": None,
        "unreadable_text": None,
        "is_superseded": False,
        "is_negative_prefix": False,
        "is_uci": False,
    }


def test_hostile_values_are_shown_and_not_run(tmp_path):
    con = ibis.duckdb.connect()
    rows = [raw_row(number, f"{HOSTILE}{number % 3}") for number in range(1, 8)]
    con.create_table("raw_transactions", ibis.memtable(RAW_TRANSACTIONS.arrow(rows)))
    con.create_table("rejected_transactions", ibis.memtable(REJECTED_TRANSACTIONS.arrow([])))
    profiles = [
        profile(con, contract, sample_rows=10, seed=1)
        for contract in (RAW_TRANSACTIONS, REJECTED_TRANSACTIONS)
    ]
    write_page(profiles, tmp_path / "page.html", sample_rows=10, is_sample=True)
    page = (tmp_path / "page.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert not any("x.test" in each for each in loaded_by(page).loaded)
    assert "all 7 rows" in page
    assert "These customers are invented" in page
    # Of no rows there are no pictures.
    assert profiles[1].rows == 0
    assert page.count("Pictures and example rows: all") == 1


def test_what_is_not_there_yet_is_said(tmp_path):
    settings = install(tmp_path, source_dir=tmp_path)
    with pytest.raises(UserError, match="There is no warehouse"):
        materialize(settings, ["data_profile"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (1_067_371, "1,067,371"),
        (Decimal("1.2500"), "1.25"),
        (Decimal("100.0000"), "100"),
        (Decimal("-53594.3600"), "-53,594.36"),
        (0.00001, "0"),
        (date(2011, 12, 1), "2011-12-01"),
        (datetime(2011, 12, 9, 12, 50), "2011-12-09 12:50:00"),
        ("  a\x07b ", "  a\x07b "),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_values_are_written_as_people_write_them(value, text):
    assert shown(value) == text


def test_the_policy_says_how_large_a_sample_is(tmp_path):
    settings = install(tmp_path, source_dir=tmp_path)
    settings.config.write_text("[profile]\nsample_rows = 7\n")
    asset = profile_asset(Installation.of(settings))
    assert asset.op.config_schema.config_type.fields["sample_rows"].default_value == 7
