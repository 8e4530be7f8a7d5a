"""Files are their owner's alone, and nothing of ours is pickled."""

import ast
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_segments.covering import save_months
from customer_segments.instance import prepare_dagster_home
from customer_segments.months import Months
from customer_segments.private import private_files
from customer_segments.settings import project_root
from customer_segments.storage import Warehouse
from customer_segments_tests.installations import install
from customer_segments_tests.storage.samples import JANUARY

PICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


@pytest.fixture(params=[0o000, 0o022])
def umask(request) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_made_for_their_owner_alone(tmp_path, umask):
    settings = install(tmp_path, source_dir=tmp_path)
    before = mode(tmp_path)
    save_months(Months(JANUARY, JANUARY, False, JANUARY), settings)
    modes = {}
    with Warehouse(settings.warehouse_path).holding() as con:
        con.raw_sql("CREATE TABLE t AS SELECT 1 AS a")
        con.raw_sql("SET memory_limit = '60MB'")
        # More than fits: DuckDB's temporary folder is needed as well.
        con.raw_sql("CREATE TEMP TABLE x AS SELECT range AS a, hash(range) b FROM range(8000000)")
        for path in settings.warehouse_path.parent.rglob("*"):
            modes[path.name] = mode(path)
    home = prepare_dagster_home(tmp_path / "project")
    modes |= {path.name: mode(path) for path in (home.parent, home, home / "dagster.yaml")}
    assert {"warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.tmp"} < set(modes)
    assert {name: f"{held:o}" for name, held in modes.items() if held & 0o077} == {}
    # What somebody else made stays as it is; nor is the process changed.
    assert mode(tmp_path) == before
    os.umask(now := os.umask(0))
    assert now == umask


def test_nested_openings_leave_the_umask_as_it_was(umask):
    with private_files():
        with private_files():
            pass
        os.umask(within := os.umask(0))
        assert within == 0o077
    os.umask(now := os.umask(0))
    assert now == umask


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    (tmp_path / ".dagster").mkdir()
    (tmp_path / ".dagster").chmod(0o750)
    assert mode(prepare_dagster_home(tmp_path)) == 0o750


def test_no_module_of_ours_imports_what_pickles():
    modules = list((project_root() / "customer_segments").rglob("*.py"))
    assert len(modules) > 50
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            imported = []
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                imported = [node.module or "", *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Attribute):
                imported = [node.attr] if node.attr in ("to_pickle", "read_pickle") else []
                assert not imported, f"{module}, line {node.lineno}"
            packages = {name.partition(".")[0] for name in imported}
            assert not packages & PICKLERS, f"{module}, line {node.lineno}"


AUDITED_RUN = """
import json, os, sys
from pathlib import Path

seen = {"unpickled": [], "written": [], "asked": []}

def note(event, arguments):
    if event == "pickle.find_class":
        seen["unpickled"].append(".".join(map(str, arguments)))
    elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        seen["written"].append(str(arguments[0]))
    elif event in ("socket.getaddrinfo", "socket.connect", "socket.sendto"):
        seen["asked"].append(str(arguments))

import dagster as dg
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments_tests.installations import install
from customer_segments_tests.machine import shop

folder = Path(sys.argv[1])
settings = install(folder / "installed", source_dir=folder / "source")
settings.config.write_text(
    "[model]\\nmin_customers = 5\\nmin_months = 2\\nn_clusters = 2\\n"
    "[selection]\\nresamples = 1\\n[gate]\\nbootstrap_resamples = 1"
)
for name in ("home", "source"):
    (folder / name).mkdir()
for month in range(3):
    shop.deliver(folder / "source", month)
sys.addaudithook(note)
with dg.DagsterInstance.ephemeral(str(folder / "home")) as instance:
    def run(job, **tags):
        done = build_defs(Installation.of(settings)).resolve_job_def(job)
        assert done.execute_in_process(instance=instance, tags=tags).success
    run("ingest")
    run("full_refresh", **{"dagster/asset_partition_range_start": "2010-01-01",
                           "dagster/asset_partition_range_end": "2010-03-01"})
print(json.dumps(seen))
"""


@pytest.mark.slow  # a first run in a process of its own; what we import is beside it
def test_a_real_run_unpickles_nothing_leaves_no_pickle_and_asks_nobody(tmp_path):
    """Ingest, clean, fit and label, under an audit hook of the interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", AUDITED_RUN, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=project_root(),
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["unpickled"] == []
    assert seen["asked"] == []
    assert any("months.json" in path for path in seen["written"])
    assert [path for path in seen["written"] if path.endswith((".pkl", ".pickle", ".joblib"))] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "warehouse.duckdb" for path in files)
    for path in files:
        # How protocols 2 to 5 begin.
        start = path.open("rb").read(2)
        assert not (start[:1] == b"\x80" and start[1:] in b"\x02\x03\x04\x05"), path
