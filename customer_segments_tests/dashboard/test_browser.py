"""The dashboard as people open it: on a desk, on a phone, in the dark, by keyboard, in a run."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from customer_segments.storage import Warehouse
from customer_segments_tests import console
from customer_segments_tests.browser import axe_violations

PAGES = ("", "segments", "moves", "customers", "campaign", "what-if", "your-file", "trust")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Streamlit's own uploader gives its area a name and the role of none.
STREAMLITS = "presentation-role-conflict"
PAPER = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the command ``dashboard`` over an installation; gives its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-c", console.COMMAND, "dashboard", "--port", port]
    environment = os.environ | console.environment(folder)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        address = process.stdout.readline().split()[4]
        try:
            waiting = Retrying(
                retry=retry_if_exception_type(OSError),
                wait=wait_fixed(0.2),
                stop=stop_after_delay(60),
            )
            waiting(urllib.request.urlopen, f"{address}/_stcore/health")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


@pytest.fixture(scope="module")
def folder(sample_warehouse, tmp_path_factory) -> Path:
    """The sample, where nobody minds who holds its warehouse."""
    copy = tmp_path_factory.mktemp("served") / "sample"
    return shutil.copytree(sample_warehouse.warehouse_path.parent, copy)


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def desk(browser):
    """One for all pages, which keeps what they are made with; none keeps anything else."""
    return browser.new_context(viewport=DESK, color_scheme="light")


@pytest.fixture
def opened(desk, address):
    """Open a page on a desk; what it asks for is kept."""
    pages = []

    def open_it(path: str):
        pages.append(page := desk.new_page())
        page.heard = []
        page.on("request", lambda request: page.heard.append(request.url))
        page.goto(f"{address}/{path}")
        settled(page)
        return page

    yield open_it
    for page in pages:
        page.close()


def settled(page) -> None:
    """Wait until the page says what it has to say."""
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_it(opened, address, path):
    """On a desk; then that page on a phone in the dark, without its server's doing."""
    page = opened(path)
    assert page.locator("[data-testid=stException]").count() == 0
    require_usable(page, is_light=True)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{PAPER} !== 'rgb(255, 255, 255)'")
    settled(page)
    require_usable(page, is_light=False)
    foreign = [url for url in page.heard if not re.match(f"{address}|data:|blob:", url)]
    assert foreign == []


def require_usable(page, *, is_light: bool) -> None:
    assert [v for v in axe_violations(page) if not v.startswith(STREAMLITS)] == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert (page.evaluate(PAPER) == "rgb(255, 255, 255)") == is_light


def test_month_and_filters_are_in_the_address_and_hold_for_a_download(opened, address):
    page = opened("segments?month=2024-06&country=Germany")
    assert page.get_by_role("combobox", name="Month").input_value() == "2024-06"
    said = page.locator("text=/customers of/").inner_text()
    left, everybody = map(int, re.findall(r"\d+", said.replace(",", "")))
    assert 0 < left < everybody
    # A download runs no formula, and leaves by the guarded way.
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("rows as CSV$")).click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith('"customer_id","campaign_group","segment"')
    assert page.get_by_label("Download as CSV").count() == 0
    # From page to page the month stays.
    page.get_by_role("link", name="Trust").click()
    page.get_by_role("heading", name="Trust").wait_for()
    settled(page)
    assert page.get_by_role("combobox", name="Month").input_value() == "2024-06"
    assert page.get_by_text("By the end of June 2024").count() == 1
    assert "month=2024-06" in page.url
    # And filters, to where they can be asked for.
    page.get_by_role("link", name="Campaign").click()
    page.get_by_role("heading", name="Campaign").wait_for()
    settled(page)
    turned_to = page.get_by_test_id("stMetricValue").first.inner_text()
    assert 0 < int(turned_to) < left


def test_filters_of_a_bookmark_hold_on_the_next_page_and_back(opened):
    page = opened("segments?segment=Champions")
    for step, heading in (("Campaign", "Campaign"), ("Moves", "Moves"), ("", "Campaign")):
        page.get_by_role("link", name=step).click() if step else page.go_back()
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        if heading == "Campaign":
            page.locator("[data-testid=stMultiSelect]", has_text="Champions").wait_for()
            settled(page)


def test_a_month_stands_once_in_the_history_of_a_young_customer(opened, seen):
    first = seen.view.people.set_index("customer_id")["first_purchase_date"]
    young = first[first.dt.month == seen.months[-3].month].idxmax()
    page = opened(f"customers?search={young}")
    ticks = page.locator("svg.marks text", has_text=re.compile(r"^[A-Z][a-z]{2} 20\d\d$"))
    ticks.first.wait_for()
    said = ticks.all_text_contents()
    assert len(said) == len({*said}) > 1


def test_by_keyboard_alone(opened):
    page = opened("segments")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
        if page.evaluate("document.activeElement.closest('[data-testid=stMultiSelect]')"):
            break
    assert "This month" in reached
    # The first filter is open to a segment's first letters.
    page.keyboard.type("Champ", delay=50)
    page.get_by_role("option", name="Champions").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("segment=Champions"))
    settled(page)
    page.get_by_text(re.compile(r"customers of")).wait_for()


def test_a_file_that_is_dropped_is_read_and_not_kept(opened, tmp_path):
    page = opened("your-file")
    rows = [f"A{n},{n % 7},2024-05-{n % 27 + 1:02d},C{n % 9},{n}.50,x" for n in range(60)]
    text = "\n".join(["Invoice,Quantity,InvoiceDate,Customer ID,Price,StockCode", *rows])
    file = tmp_path / "=cmd.csv"
    file.write_text(text)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("What would become of the rows").wait_for()
    settled(page)
    assert page.get_by_text("Its customers").count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("rows as CSV$")).click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith('"customer_id","campaign_group"')
    assert page.locator("[data-testid=stException]").count() == 0
    (tmp_path / "other").mkdir()
    # Else it would take the other's place, and be read twice.
    page.locator("input[type=file]").set_input_files(shutil.copy(file, tmp_path / "other"))
    page.get_by_text("Two files are called =cmd.csv").wait_for()


def test_a_file_that_is_not_read_is_called_by_its_name(opened, tmp_path):
    page = opened("your-file")
    (file := tmp_path / "bad.gz").write_bytes(b"x")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text(re.compile("^bad.gz is of a kind that is not read")).wait_for()


def test_pages_are_read_while_a_run_writes(opened, folder):
    with Warehouse(folder / "warehouse.duckdb").holding() as con:
        con.raw_sql("BEGIN")
        con.raw_sql("DELETE FROM customer_segments")
        page = opened("segments")
        assert page.locator("text=/customers of/").count() == 1
        con.raw_sql("ROLLBACK")


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("evil.example", 403)])
def test_who_asks_by_another_name_is_refused(address, host, status):
    """All that pages show goes through a socket; a name that leads here is no way to it."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    asked = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade"}
    asked |= {"Sec-WebSocket-Key": "x" * 22 + "==", "Sec-WebSocket-Version": "13"}
    connection.request("GET", "/_stcore/stream", headers=asked)
    assert connection.getresponse().status == status
    connection.close()


def test_a_port_that_is_taken_is_said(address, tmp_path):
    done = console.start(tmp_path / "x", "dashboard", "--port", address.rpartition(":")[2])
    assert done.returncode == 1
    assert "choose another one with --port" in done.stderr
    assert done.stdout == ""
