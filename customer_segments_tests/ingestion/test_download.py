"""The download, against a server on the loopback interface that misbehaves as asked."""

import io
import os
import resource
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from openpyxl import Workbook

from customer_segments.errors import UserError
from customer_segments.ingestion.files import download as module
from customer_segments.ingestion.files.download import WORKBOOK, download
from customer_segments_tests.ingestion.workbooks import HEADER, line


def workbook(*rows: list) -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


GOOD_WORKBOOK = workbook(HEADER, line())
# Random, so that it does not compress: the archive has to span many chunks of the transfer.
FILLER = os.urandom(1_000_000)
MIDDLE = 500_000


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in {**members, "filler.bin": FILLER}.items():
            file.writestr(name, data)
    return content.getvalue()


GOOD = archive(**{WORKBOOK: GOOD_WORKBOOK})


@dataclass
class Site:
    """What the server serves, how it misbehaves, and how often it was asked."""

    body: bytes = GOOD
    status: int = 200
    chunked: bool = False
    breaks: list[int] = field(default_factory=list)
    """After how many bytes of the body to cut the connection, answer by answer."""
    stalls: threading.Event | None = None
    """What to wait for before a cut."""
    requests: int = 0
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.requests += 1
        self.send_response(site.status)
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(site.body)))
        self.end_headers()
        cut = site.breaks.pop(0) if site.breaks else None
        piece = site.body[:cut]
        if site.chunked:
            piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            piece += b"" if cut else b"0\r\n\r\n"
        self.wfile.write(piece)
        if cut is not None:
            self.wfile.flush()
            if site.stalls:
                site.stalls.wait(20)
            self.close_connection = True

    def log_message(self, *_) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_) -> None:
        """Stay quiet when a client hangs up."""


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        site.url = f"http://127.0.0.1:{server.server_port}/static/online+retail+ii.zip"
        yield site
        if site.stalls:
            site.stalls.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_WAIT_SECONDS", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def assert_arrived(folder: Path) -> None:
    """Check that the workbook is whole, and alone."""
    assert [entry.name for entry in folder.iterdir()] == [WORKBOOK]
    assert (folder / WORKBOOK).read_bytes() == GOOD_WORKBOOK


@pytest.mark.parametrize("chunked", [False, True])
def test_the_workbook_arrives_alone_in_a_new_folder(site, tmp_path, capsys, chunked):
    site.chunked = chunked
    folder = tmp_path / "data/source"
    assert download(folder, url=site.url) == folder / WORKBOOK
    assert_arrived(folder)
    assert "B/s" in capsys.readouterr().err  # the bar


@pytest.mark.parametrize("chunked", [False, True])
def test_a_broken_transfer_is_tried_again(site, tmp_path, chunked):
    site.chunked, site.breaks = chunked, [MIDDLE, 200_000]
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert site.requests == 3


def test_a_stalled_transfer_is_tried_again(site, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    site.breaks, site.stalls = [MIDDLE], threading.Event()
    started = time.monotonic()
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert time.monotonic() - started < 10


def no_network(site: Site) -> None:
    closed = Server(("127.0.0.1", 0), Handler)
    closed.server_close()
    site.url = f"http://127.0.0.1:{closed.server_port}/a.zip"


CRC_BROKEN = GOOD.replace(GOOD_WORKBOOK, GOOD_WORKBOOK[:-1] + b"?")
ANOTHER = workbook(HEADER[:-1], line()[:-1])
WRONG = {
    "no network": (no_network, r"did not send the archive: .*refused\. Look at the network"),
    "breaks off": ({"breaks": [MIDDLE] * 9}, "did not send the archive: .*IncompleteRead"),
    "not there": ({"status": 404}, "did not send the archive: 404 .*data set 502"),
    "busy": ({"status": 503}, "did not send the archive: 503"),
    "a web page": ({"body": b"<html>"}, "no intact zip.*want a login"),
    "cut short": ({"body": GOOD[:MIDDLE]}, "no intact zip"),
    "damaged": ({"body": CRC_BROKEN}, "no intact zip.*Bad CRC"),
    "no workbook": ({"body": archive()}, r"0 \.xlsx files, not one"),
    "none that opens": ({"body": archive(**{WORKBOOK: b"PK"})}, "cannot be read as a workbook"),
    "another one": ({"body": archive(**{WORKBOOK: ANOTHER})}, "has no column Country"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_come_is_named_and_leaves_what_was_there(site, tmp_path, case):
    spoil, message = WRONG[case]
    if callable(spoil):
        spoil(site)
    else:
        vars(site).update(spoil)
    for there in ([], [WORKBOOK]):
        for name in there:
            (tmp_path / name).write_text("before")
        with pytest.raises(UserError, match=message):
            download(tmp_path, url=site.url, force=True)
        assert [path.name for path in tmp_path.iterdir()] == there
    assert all(path.read_text() == "before" for path in tmp_path.iterdir())
    # Only what may pass is tried again.
    tried = module.ATTEMPTS if case in ("breaks off", "busy") else 1
    assert site.requests == (0 if case == "no network" else 2 * tried)


def test_the_path_of_a_member_is_not_trusted(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = {"../../elsewhere/Retail.XLSX": GOOD_WORKBOOK, "__MACOSX/._Retail.xlsx": b"finder"}
    site.body = archive(**members)
    folder = tmp_path / "project/data/source"
    download(folder, url=site.url)
    assert_arrived(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["project"]


def test_a_file_of_that_name_is_not_replaced_unless_forced(site, tmp_path):
    target = tmp_path / WORKBOOK
    target.write_bytes(b"somebody's own")
    with pytest.raises(UserError, match=r"is not UCI's workbook: .*--force"):
        download(tmp_path, url=site.url)
    assert target.read_bytes() == b"somebody's own"
    download(tmp_path, url=site.url, force=True)
    assert_arrived(tmp_path)
    # Nor is the right one fetched again.
    assert (download(tmp_path, url=site.url), site.requests) == (target, 1)


def test_a_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UserError, match=r"data/source.* cannot be written: Not a directory"):
        download(tmp_path / "data/source", url=site.url)


def test_a_disk_that_is_full(site, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIDDLE, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot be written: File too large.*Free some space"):
            download(tmp_path, url=site.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
