"""The report in a real browser without a network, where there is one."""

import re
import subprocess
from pathlib import Path

import pytest

from customer_segments_tests.browser import CHROMIUM
from customer_segments_tests.outputs.pages import Page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
)


def browse(profile: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_loads_without_network_or_errors(reported, tmp_path):
    done = browse(tmp_path, "--dump-dom", reported.path.as_uri())
    assert "CONSOLE" not in done.stderr
    page = Page(done.stdout)
    assert page.tables == reported.page.tables
    assert page.text == reported.page.text


def test_it_prints_on_a_sane_number_of_pages(reported, tmp_path):
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", reported.path.as_uri())
    pages = re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())
    assert 5 <= len(pages) <= 16
    assert re.search(rb"/MediaBox \[0 0 59[45]\S* 84[12]\S*\]", pdf.read_bytes())  # A4
