"""The UI of a small shop in a browser: who may ask it, and what it shows. One server for all."""

import http.client
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import yaml
from starlette.requests import HTTPConnection

from customer_segments.settings import Settings, project_root
from customer_segments.webserver import public_address, refusal
from customer_segments_tests import console
from customer_segments_tests.commands.served import Ui, free_port, listening_addresses, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOCATION = "customer_segments.definitions"
LAUNCH = f"""mutation {{launchRun(executionParams: {{runConfigData: {{}}, selector: {{
    repositoryLocationName: "{LOCATION}", repositoryName: "__repository__", jobName: "ingest"
}}}}) {{__typename}}}}"""
# All that a page can do without asking first; it waits for the answers, whatever they are.
ATTACK = """
<body><script>
const ui = "http://%(host)s", query = "?query=" + encodeURIComponent(`%(launch)s`);
const loaded = (element) => new Promise((done) => {
  element.onload = element.onerror = () => done(element.naturalWidth || 0);
  document.body.append(element);
});
const image = new Image(); image.src = ui + "/graphql" + query;
const socket = new Promise((done) => {
  const it = new WebSocket("ws://%(host)s/graphql", "graphql-ws");
  it.onopen = () => done("open"); it.onerror = () => done("refused");
});
const post = fetch(ui + "/graphql" + query, {method: "POST", mode: "no-cors", body: ""});
const form = document.createElement("form"), frame = document.createElement("iframe");
frame.name = form.target = "frame"; form.method = "POST"; form.action = image.src;
document.body.append(form);
const sent = loaded(frame); form.submit();
Promise.allSettled([socket, loaded(image), post, sent]).then(
  (all) => { document.title = "done: " + all[0].value; });
</script></body>
"""


@pytest.fixture(scope="module")
def served(labelled_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    folder = shutil.copytree(labelled_shop, tmp_path_factory.mktemp("served") / "shop")
    home = {"DAGSTER_HOME": str(folder.parent / "dagster")}
    done = console.start(folder, "report", source=folder / "source", **home)
    assert done.returncode == 0, done.stderr
    port, environment = free_port(), console.environment(folder, folder / "source") | home
    # The code under test, from wherever it is started.
    environment["PYTHONPATH"] = str(project_root())
    command = [sys.executable, "-c", console.COMMAND, "ui", "--port", str(port)]
    with running(command, folder, port, **environment) as ui:
        ui.wait_until_up()
        yield ui


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    with browser.new_page() as page:
        yield page


def runs(ui: Ui) -> list:
    found = ui.graphql("{runsOrError {... on Runs {results {runId}}}}")
    return found["runsOrError"]["results"]


def test_a_page_of_another_site_starts_nothing(served, page):
    before = runs(served)

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            said = {"host": f"localhost:{served.port}", "launch": LAUNCH}
            self.wfile.write((ATTACK % said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        # Of the same host, which is another origin all the same.
        page.goto(f"http://localhost:{elsewhere.server_port}")
        page.wait_for_function("document.title.startsWith('done')")
        assert page.title() == "done: refused"
        elsewhere.shutdown()
    assert runs(served) == before


def test_a_name_that_was_made_to_point_here_is_not_answered(served, page):
    # Browsers take all of .localhost for this machine.
    answer = page.goto(f"http://elsewhere.localhost:{served.port}/")
    assert answer.status == 403


def test_its_own_pages_work_and_the_report_opens_from_them(served, page):
    refused, received = [], []
    page.on("response", lambda each: refused.append(each.url) if each.status > 399 else None)
    page.on("websocket", lambda it: it.on("framereceived", lambda it: received.append(it)))
    page.goto(f"http://localhost:{served.port}/assets/segment_report")
    with page.expect_popup() as opened:
        page.click("a[href^='/reports/']")
    report = opened.value
    report.wait_for_load_state()
    assert report.title().startswith("Customer segments, ")
    with report.expect_download() as downloaded:
        report.click("a[href$='.xlsx'] >> nth=0")
    assert downloaded.value.suggested_filename.startswith("customer_segments_")
    # Nothing that ran in it could ask Dagster for anything.
    asked = "fetch('/graphql').then(() => 'answered', () => 'refused')"
    assert report.evaluate(asked) == "refused"
    assert refused == []
    assert received


def test_no_file_outside_the_reports_folder_is_served(served):
    folder = served.output.parent
    (folder / "reports/link.duckdb").symlink_to(folder / "warehouse.duckdb")

    def status(path: str, method: str = "GET") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request(method, path)
        return connection.getresponse().status

    (report,) = (folder / "reports").glob("*/segment_report_*.html")
    assert status(f"/reports/{report.relative_to(folder / 'reports')}") == 200
    outside = ("../warehouse.duckdb", "%2e%2e/warehouse.duckdb", "link.duckdb", "", "2010-03")
    assert {status(f"/reports/{path}") for path in outside} == {404}
    assert status(f"/reports/{quote(str(folder))}/warehouse.duckdb") == 404
    assert status(f"/reports/{report.relative_to(folder / 'reports')}", "POST") == 405


@pytest.mark.parametrize(
    ("headers", "public", "is_answered"),
    [
        ({"host": "localhost:3000", "origin": "http://localhost:3000"}, "", True),
        ({"host": "localhost:3000", "origin": "http://localhost:8501"}, "", False),
        ({"host": "localhost:3000", "origin": "null"}, "", False),
        ({"host": "localhost:3001"}, "", False),
        ({}, "", False),
        # By a link in an alert; and in a frame.
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}, "", True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}, "", False),
        # Behind a proxy that keeps the name, and one that does not.
        ({"host": "ui.example", "origin": "https://ui.example"}, "ui.example", True),
        ({"host": "127.0.0.1:3000", "origin": "https://ui.example"}, "ui.example", True),
        ({"host": "ui.example", "origin": "https://elsewhere.example"}, "ui.example", False),
    ],
)
def test_who_is_answered(headers, public, is_answered):
    if "sec-fetch-site" in headers:
        headers = headers | {"host": "127.0.0.1:3000"}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/runs", "query_string": b""}
    asked = HTTPConnection(scope | {"server": ("127.0.0.1", 3000), "headers": raw})
    assert (refusal(asked, public) == "") is is_answered


def test_a_proxy_is_known_by_the_setting_alone():
    assert public_address(Settings(_env_file=None)) == ""
    assert public_address(Settings(_env_file=None, ui_url="https://UI.example/x")) == "ui.example"


def test_the_run_of_a_command_is_the_code_locations_and_can_be_tried_again_there(served):
    found = served.graphql(f"""{{pipelineOrError(params: {{
        repositoryLocationName: "{LOCATION}", repositoryName: "__repository__",
        pipelineName: "report"
    }}) {{... on Pipeline {{runs {{runId}}}}}}}}""")
    ((run_id,),) = (run.values() for run in found["pipelineOrError"]["runs"])
    again = served.graphql(f"""mutation {{launchRunReexecution(reexecutionParams: {{
        parentRunId: "{run_id}", strategy: ALL_STEPS, useParentRunTags: true
    }}) {{... on LaunchRunSuccess {{run {{runId}}}}}}}}""")
    run_id = again["launchRunReexecution"]["run"]["runId"]
    query = f'{{runOrError(runId: "{run_id}") {{... on Run {{status}}}}}}'
    served.wait(lambda: served.graphql(query)["runOrError"]["status"] == "SUCCESS", 90)


def test_it_prints_its_address_and_nothing_of_what_goes_well(served):
    address = f"http://127.0.0.1:{served.port}"
    assert served.printed() == f"The Dagster UI is at {address} (Ctrl-C stops it).\n"


def test_it_listens_on_loopback_alone_and_no_second_one_is_served(served, tmp_path):
    if Path("/proc/net/tcp").exists():
        assert listening_addresses(served.group) == {f"0100007F:{served.port:04X}"}
    folder = served.output.parent
    done = console.start(
        folder, "ui", "--port", str(free_port()), DAGSTER_HOME=str(folder.parent / "dagster")
    )
    assert done.returncode == 1
    assert f"running already, in process {served.process.pid}." in done.stderr


@pytest.mark.parametrize(
    ("job", "asset", "fields"),
    [
        ("promote", "champion_model", {"version", "reason"}),
        ("refit", "kmeans_model", {"training_month"}),
        ("campaign", "campaign_result", {"list_month"}),
    ],
)
def test_a_launchpad_begins_with_what_its_job_is_launched_for(served, job, asset, fields):
    found = served.graphql(f"""{{runConfigSchemaOrError(selector: {{
        repositoryLocationName: "{LOCATION}", repositoryName: "__repository__",
        pipelineName: "{job}"
    }}) {{... on RunConfigSchema {{rootDefaultYaml}}}}}}""")
    shown = yaml.safe_load(found["runConfigSchemaOrError"]["rootDefaultYaml"])
    assert shown == {"ops": {asset: {"config": dict.fromkeys(fields, "")}}}


def test_a_signal_ends_it_and_all_that_it_started(served):
    """Last, for nobody is served any more."""
    served.process.terminate()
    assert served.process.wait(15) == 0, served.printed()
    assert served.is_gone()
    # Dagster's two warnings that do not apply here.
    assert not re.search("Found a dagster instance config|is superseded", served.printed())
