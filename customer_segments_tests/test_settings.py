"""Where the input is: the rule of the bundled sample, and which files of a folder count."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import customer_segments
from customer_segments.errors import UserError
from customer_segments.settings import Settings
from customer_segments.source_files import natural_order

PREFIX = "CUSTOMER_SEGMENTS_"
SHOW = """
import json
from customer_segments.settings import Settings
s = Settings()
print(json.dumps([s.uses_sample, *map(str, [s.input_dir, s.warehouse_path, s.reports_path,
                                            s.months_path])]))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project folder of its own, for the rule depends on what lies in it."""
    package = Path(customer_segments.__file__).parent
    (tmp_path / "customer_segments").mkdir()
    for name in ("__init__.py", "settings.py", "source_files.py", "errors.py", "channels.py"):
        shutil.copy(package / name, tmp_path / "customer_segments" / name)
    (tmp_path / "workspace.yaml").touch()
    (tmp_path / "data/source").mkdir(parents=True)
    (tmp_path / "data/source/.gitkeep").touch()
    (tmp_path / "data/sample").mkdir()
    return tmp_path


def shown(checkout: Path, **environment: str) -> list:
    """Settings as a process in another folder has them: sample or not, and paths in the project."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    chosen = {PREFIX + name: value for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=inherited | chosen | {"PYTHONPATH": str(checkout)},
        cwd=checkout.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    uses_sample, *paths = json.loads(done.stdout)
    return [uses_sample, *(Path(path).relative_to(checkout).as_posix() for path in paths)]


SAMPLE = [
    True,
    "data/sample",
    "data/sample/warehouse.duckdb",
    "data/sample/reports",
    "data/sample/warehouse.duckdb.months.json",
]
OWN = [
    False,
    "data/source",
    "data/warehouse.duckdb",
    "data/reports",
    "data/warehouse.duckdb.months.json",
]


def test_with_nothing_set_and_no_input_the_sample_stands_in_with_a_warehouse_of_its_own(checkout):
    assert shown(checkout) == SAMPLE
    for name in (".hidden.csv", "~$a.xlsx", "notes.docx", "a.xlsx.part"):
        (checkout / "data/source" / name).touch()
    (checkout / "data/source/folder.csv").mkdir()
    assert shown(checkout, LOCK_TIMEOUT_SECONDS="5") == SAMPLE
    (checkout / "data/source/a.zip").touch()
    assert shown(checkout) == OWN
    (checkout / "data/source/a.zip").rename(checkout / "data/source/a.csv")
    assert shown(checkout) == OWN


def test_the_sample_takes_no_warehouses_place_and_is_not_looked_for_where_none_is(checkout):
    (checkout / "data/warehouse.duckdb").touch()
    assert shown(checkout) == OWN
    (checkout / "data/warehouse.duckdb").unlink()
    (checkout / "data/sample").rmdir()
    assert shown(checkout) == OWN


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("SOURCE_DIR", "data/source", 1),
        ("SOURCE_DIR", "elsewhere", 1),
        ("WAREHOUSE", "elsewhere/w.duckdb", 2),
        ("REPORTS_DIR", "elsewhere", 3),
        ("FIRST_MONTH", "2011-03", None),
        ("LAST_MONTH", "2011-03", None),
    ],
)
def test_with_anything_set_the_sample_is_never_used(checkout, name, value, place):
    result = shown(checkout, **{name: value})
    assert result[0] is False
    assert "sample" not in "".join(result[1:])
    if place:
        assert result[place] == value


def test_the_env_file_of_the_project_counts_as_set(checkout):
    (checkout / ".env").write_text(f"{PREFIX}REPORTS_DIR=data/reports\nOTHER=1\n")
    assert shown(checkout) == OWN


def test_a_configured_folder_that_is_missing_or_empty_is_an_error(tmp_path):
    missing = Settings(_env_file=None, source_dir=tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"nowhere does not exist\. Create it"):
        missing.source_files()
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(UserError, match=r"nowhere holds no \.xlsx, .*\.parquet file"):
        missing.source_files()
    (tmp_path / "nowhere/2011").mkdir()
    (tmp_path / "nowhere/2011/a.csv").touch()
    with pytest.raises(UserError, match=r"\.parquet file, but 2011\. .*not looked into"):
        missing.source_files()
    (tmp_path / "nowhere/orders.zip").touch()
    with pytest.raises(UserError, match=r"but 2011, orders\.zip\. .*orders\.zip: unpack it there"):
        missing.source_files()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file does not exist"):
        Settings(_env_file=None, source_dir=tmp_path / "file").source_files()


def test_only_files_of_the_folder_itself_count(tmp_path, monkeypatch):
    counted = ["a.xlsx", "b.CSV", "c.parquet", "d e.Xlsx", "~a.csv", "$.csv", "a.xls", "a.csv.gz"]
    ignored = [".a.xlsx", "~$a.xlsx", "a.zip", "a.docx", "a.gz", "a.tmp", "xlsx", ".csv"]
    for name in (*counted, *ignored):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/x.csv").touch()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "target")
    settings = Settings(_env_file=None, source_dir=tmp_path)
    assert {file.name for file in settings.source_files()} == set(counted)
    assert {"sub", "a.zip", "gone.csv"} < set(settings.passed_over())
    with monkeypatch.context() as patch:  # Beside the sample stands what `make run` made of it.
        patch.setattr("customer_segments.settings.SAMPLE", tmp_path)
        assert not settings.passed_over()
    # As Spark writes it: a folder with parts is one export.
    (tmp_path / "sub/x.csv").rename(tmp_path / "sub/part-00000.csv")
    assert {file.name for file in settings.source_files()} == {*counted, "sub"}


@pytest.mark.parametrize(
    "names",
    [
        ["file1.csv", "file2.csv", "file10.csv", "file100.csv"],
        ["a.xlsx", "B.xlsx", "c.xlsx"],
        ["2009-12.csv", "2010-2.csv", "2010-11.csv"],
        ["01.csv", "1.csv", "A.csv", "a.csv"],
        ["orders_old.csv", "orders.csv", "orders (1).csv"],
        ["sales_v1.csv", "sales_v2.csv", "sales_final.csv"],
        ["sales_28.02.2025.csv", "sales_01.03.2025.csv"],
        ["sales_12-31-2024.csv", "sales_01-15-2025.csv"],
        ["orders 12-31-2024.csv", "orders 1-2-2025.csv"],
        ["Sales Q4 2024.csv", "Sales Q1 2025.csv"],
        ["12_2024.csv", "01_2025.csv"],
        ["a 2024-12-05 2015.csv", "a 2024-12-31 0900.csv"],
        ["sales_31-01-2025.csv", "sales_05-02-2025.csv", "sales_01-03-2025.csv"],
        [
            "sales Dec2024.csv",
            "sales Jan 2025.csv",
            "sales 28 Feb 2025.csv",
            "sales 1 March 2025.csv",
        ],
        ["sales_31_12_24.csv", "sales_30_01_25.csv", "sales_02_02_25.csv"],
        ["sales 12.30.24.csv", "sales 01.06.25.csv", "sales 02.03.25.csv"],
        ["sales_24-12-31.csv", "sales_25-01-30.csv", "sales_25-02-01.csv"],
        ["sales_311224.csv", "sales_280125.csv", "sales_150225.csv"],
        ["sales_31122024.csv", "sales_28012025.csv", "sales_15022025.csv"],
        ["sales_201012.csv", "sales_201101.csv", "sales_201102.csv"],
        ["2024-12-31_10_11_12.csv", "2025-01-30_09_08_07.csv"],
        ["Nov24.csv", "Dec-24.csv", "Jan 25.csv", "Feb 2025.csv"],
        ["Jan 3.csv", "Jan 17.csv", "Jan 31.csv"],
        ["alte Ware.csv", "behold.csv", "origin.csv"],
    ],
)
def test_files_are_in_natural_order_whatever_order_they_are_found_in(names):
    files = [Path(name) for name in names]
    for given in (files, files[::-1], files[1:] + files[:1]):
        assert natural_order(given) == files


def test_months_in_the_wrong_order_or_form_are_refused():
    fine = Settings(_env_file=None, first_month="2011-03", last_month="2011-03")
    assert fine.first_month == fine.last_month
    with pytest.raises(ValidationError, match="FIRST_MONTH 2011-04 is after LAST_MONTH 2011-03"):
        Settings(_env_file=None, first_month="2011-04", last_month="2011-03")
    for text in ("2011-13", "2011-3", "2011-03-01", "March", ""):
        with pytest.raises(ValidationError, match="last_month"):
            Settings(_env_file=None, last_month=text)


def test_a_home_folder_is_spelled_out():
    assert Settings(_env_file=None, source_dir="~/in").source_dir == Path.home() / "in"


def test_a_wrong_switch_of_the_automation_is_named():
    with pytest.raises(ValidationError, match="boolean"):
        Settings(_env_file=None, automation="perhaps")
