"""The download, against a server on the loopback interface that misbehaves as asked."""

import io
import json
import os
import resource
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openpyxl
import pytest

from customer_segments.errors import UserError
from customer_segments.ingestion import transfer as module
from customer_segments.ingestion.download import HEADER, WORKBOOK, download
from customer_segments.settings import Settings

# Random, so that it does not compress: the archive has to span many chunks of the transfer.
FILLER = os.urandom(1_000_000)
MIDDLE = 500_000


def workbook(header: str = HEADER) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Year 2009-2010"
    for sheet in (book.active, book.create_sheet("Year 2010-2011")):
        sheet.append(header.split(", "))
        sheet.append(["489434", "85048", "LIGHTS", 12, "2009-12-01", 6.95, 13085, "France"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in {**members, "filler.bin": FILLER}.items():
            file.writestr(name, data)
    return content.getvalue()


GOOD_WORKBOOK = workbook()
GOOD = archive(**{WORKBOOK: GOOD_WORKBOOK})


@dataclass
class Site:
    """What the server serves, how it misbehaves, and what it was asked."""

    body: bytes = GOOD
    status: int = 200
    content_type: str = "application/zip"
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    if_range: bool = True
    """Whether it sends the whole of a file that changed since, as ``If-Range`` asks."""
    shift: int = 0
    """By how many bytes it answers a range too early."""
    chunked: bool = False
    breaks: list[int] = field(default_factory=list)
    """After how many bytes of the body to cut the connection, answer by answer."""
    stalls: threading.Event | None = None
    """What to wait for before a cut."""
    start_delay: float = 0.0
    """Seconds before it answers."""
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.requests.append(dict(self.headers))
        threading.Event().wait(site.start_delay)
        start, status = 0, site.status
        asked = self.headers.get("Range") if site.ranges else None
        current = self.headers.get("If-Range") in (site.etag, site.modified)
        if asked and (current or not site.if_range):
            start, status = int(asked[len("bytes=") : -1]) - site.shift, 206
        if status == 206 and start >= len(site.body):
            status, start = 416, len(site.body)
        self.send_response(status)
        self.send_header("Content-Type", site.content_type)
        if site.etag:
            self.send_header("ETag", site.etag)
        # As RFC 9110 wants it: the answer to an If-Range does not repeat what is not needed.
        if site.modified and status == 200:
            self.send_header("Last-Modified", site.modified)
        if status == 206:
            last, size = len(site.body) - 1, len(site.body)
            self.send_header("Content-Range", f"bytes {start}-{last}/{size}")
        if status == 416 and site.if_range:
            self.send_header("Content-Range", f"bytes */{len(site.body)}")
        rest = site.body[start:]
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.send_body(rest, site.breaks.pop(0) if site.breaks else None)

    def send_body(self, rest: bytes, cut: int | None) -> None:
        piece = rest[:cut]
        if self.site.chunked and piece:
            piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            piece += b"" if cut else b"0\r\n\r\n"
        self.wfile.write(piece)
        if cut is not None:
            self.wfile.flush()
            if self.site.stalls:
                self.site.stalls.wait(20)
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


def ranges_of(site: Site) -> list[int]:
    """Return the offset at which each request began."""
    return [int(r.get("Range", "bytes=0-")[len("bytes=") : -1]) for r in site.requests]


def break_off(site: Site, folder: Path) -> int:
    """Leave part of the archive behind, as a download that gave up does; return its size."""
    site.breaks = [MIDDLE] + [0] * (module.ATTEMPTS - 1)
    with pytest.raises(UserError, match="broke off"):
        download(folder, url=site.url)
    assert not site.breaks
    site.requests.clear()
    return (folder / ".online_retail_II.zip.part").stat().st_size


def assert_arrived(folder: Path) -> None:
    """Check that the workbook is whole, and alone."""
    assert [entry.name for entry in folder.iterdir()] == [WORKBOOK]
    assert (folder / WORKBOOK).read_bytes() == GOOD_WORKBOOK


def test_the_workbook_arrives_alone_in_a_new_folder(site, tmp_path, capsys):
    folder = tmp_path / "data/source"
    assert download(folder, url=site.url) == folder / WORKBOOK
    assert_arrived(folder)
    said = capsys.readouterr().out
    assert str(folder / WORKBOOK) in said
    assert "1.0/1.0 MB" in said  # the bar, without a terminal


def test_a_server_that_is_slow_to_start(site, tmp_path):
    site.start_delay = 0.5
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)


def test_a_server_that_does_not_tell_the_length(site, tmp_path):
    site.chunked = True
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_broken_transfer_is_resumed(site, tmp_path, chunked):
    site.chunked = chunked
    site.breaks = [MIDDLE, 200_000]
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    first, second, third = ranges_of(site)
    assert first == 0
    assert MIDDLE - module.CHUNK_BYTES <= second <= MIDDLE
    assert second < third <= second + 200_000
    assert [r.get("If-Range") for r in site.requests] == [None, '"one"', '"one"']


def test_a_stalled_transfer_is_resumed(site, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    site.breaks, site.stalls = [MIDDLE], threading.Event()
    started = time.monotonic()
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site)[1] > 0
    assert time.monotonic() - started < 10


def test_last_modified_serves_where_the_etag_is_weak(site, tmp_path):
    site.etag, site.modified = 'W/"one"', "Wed, 06 Mar 2024 10:00:00 GMT"
    site.breaks = [MIDDLE]
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert [r.get("If-Range") for r in site.requests] == [None, site.modified]


def test_a_transfer_that_keeps_breaking_is_resumed_by_the_next_call(site, tmp_path):
    site.breaks = [MIDDLE] + [0] * (module.ATTEMPTS - 1)
    with pytest.raises(UserError, match=r"broke off 5 times.*Run it again: it goes on after"):
        download(tmp_path, url=site.url)
    assert len(site.requests) == module.ATTEMPTS
    assert {entry.name[0] for entry in tmp_path.iterdir()} == {"."}
    with pytest.raises(UserError, match="holds no"):
        Settings(source_dir=tmp_path).source_files()

    kept = (tmp_path / ".online_retail_II.zip.part").stat().st_size
    site.requests.clear()
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site) == [kept]


def test_a_server_without_ranges_sends_it_all_again(site, tmp_path):
    site.ranges, site.breaks = False, [MIDDLE]
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)


def test_a_server_that_answers_another_range(site, tmp_path):
    site.breaks, site.shift = [MIDDLE], 1000
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    first, second, third = ranges_of(site)
    assert (first, third) == (0, 0)
    assert second > 0


def test_nothing_to_tell_versions_apart_means_starting_anew(site, tmp_path):
    site.etag, site.breaks = None, [MIDDLE]
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site) == [0, 0]


@pytest.mark.parametrize("if_range", [True, False], ids=["honoured", "ignored"])
def test_an_archive_that_changed_meanwhile_is_not_glued_to_the_old_one(site, tmp_path, if_range):
    old = workbook(HEADER.lower())
    site.body = archive(**{WORKBOOK: old})
    assert break_off(site, tmp_path) > 0
    site.body, site.etag, site.if_range = GOOD, '"two"', if_range
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)


def test_an_archive_that_shrank_meanwhile(site, tmp_path):
    break_off(site, tmp_path)
    site.body, site.etag = GOOD, '"two"'
    site.if_range = False
    with (tmp_path / ".online_retail_II.zip.part").open("ab") as part:
        part.write(GOOD)  # now longer than the archive, so the range cannot be had
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)


def test_a_part_from_elsewhere_is_not_built_upon(site, tmp_path):
    break_off(site, tmp_path)
    download(tmp_path, url=site.url + "?mirror")
    assert_arrived(tmp_path)
    assert ranges_of(site) == [0]


def test_no_network(site, tmp_path):
    closed = Server(("127.0.0.1", 0), Handler)
    closed.server_close()
    with pytest.raises(UserError, match=r"cannot be reached: .*refused\. Look at the network"):
        download(tmp_path, url=f"http://127.0.0.1:{closed.server_port}/a.zip")


@pytest.mark.parametrize(
    ("status", "text"), [(404, "There is no archive at .*data set 502"), (500, "answers 500 Inter")]
)
def test_an_error_from_the_server_keeps_what_came(site, tmp_path, status, text):
    kept = break_off(site, tmp_path)
    site.status, site.ranges, site.body = status, False, b"sorry"
    with pytest.raises(UserError, match=text):
        download(tmp_path, url=site.url)
    assert (tmp_path / ".online_retail_II.zip.part").stat().st_size == kept


def test_a_web_page_keeps_what_came(site, tmp_path):
    kept = break_off(site, tmp_path)
    site.content_type, site.body, site.ranges = "text/html; charset=utf-8", b"<html>", False
    with pytest.raises(UserError, match="web page"):
        download(tmp_path, url=site.url)
    assert (tmp_path / ".online_retail_II.zip.part").stat().st_size == kept


CRC_BROKEN = GOOD.replace(GOOD_WORKBOOK[:200], GOOD_WORKBOOK[:199] + b"?")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "no intact zip"),
        (GOOD[:MIDDLE], "no intact zip"),
        (CRC_BROKEN, "no intact zip.*Bad CRC"),
        (archive(), "holds 0 .xlsx"),
        (archive(**{"a.xlsx": GOOD_WORKBOOK, "b.xlsx": GOOD_WORKBOOK}), "holds 2 .xlsx"),
        (archive(**{WORKBOOK: b"not a workbook"}), "cannot be read as a workbook"),
        (
            archive(**{WORKBOOK: workbook(HEADER.replace("Price", "UnitPrice"))}),
            "'Year 2009-2010' has no column Price",
        ),
    ],
    ids=["html", "truncated", "crc", "no workbook", "two workbooks", "no xlsx", "wrong header"],
)
def test_what_is_not_the_workbook_leaves_nothing_behind(site, tmp_path, body, text):
    site.body = body
    with pytest.raises(UserError, match=text):
        download(tmp_path, url=site.url)
    assert list(tmp_path.iterdir()) == []


def test_the_path_of_a_member_is_not_trusted(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site.body = archive(
        **{"../../elsewhere/Retail.XLSX": GOOD_WORKBOOK, "__MACOSX/._Retail.xlsx": b"finder"}
    )
    folder = tmp_path / "project/data/source"
    download(folder, url=site.url)
    assert_arrived(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["project"]


def test_a_good_workbook_is_not_fetched_again_unless_forced(site, tmp_path, capsys):
    target = tmp_path / WORKBOOK
    target.write_bytes(workbook(HEADER + ", Remark"))
    assert download(tmp_path, url=site.url) == target
    assert "is there already" in capsys.readouterr().out
    assert site.requests == []
    download(tmp_path, url=site.url, force=True)
    assert_arrived(tmp_path)


def test_another_file_of_that_name_is_not_replaced_unless_forced(site, tmp_path):
    target = tmp_path / WORKBOOK
    target.write_bytes(b"somebody's own")
    with pytest.raises(UserError, match=r"is not UCI's workbook: .*--force"):
        download(tmp_path, url=site.url)
    assert target.read_bytes() == b"somebody's own"
    download(tmp_path, url=site.url, force=True)
    assert_arrived(tmp_path)


def test_a_failure_does_not_take_the_workbook_that_was_there(site, tmp_path):
    (tmp_path / WORKBOOK).write_bytes(GOOD_WORKBOOK)
    site.body = b"no zip"
    with pytest.raises(UserError, match="no intact zip"):
        download(tmp_path, url=site.url, force=True)
    assert_arrived(tmp_path)


def test_a_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UserError, match=r"data/source cannot be written: Not a directory"):
        download(tmp_path / "data/source", url=site.url)


def test_a_disk_that_is_full_while_the_archive_comes(site, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIDDLE, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot be written: File too large.*Free some space"):
            download(tmp_path, url=site.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    site.requests.clear()
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site)[0] > 0


def test_an_archive_that_came_whole_is_not_fetched_again(site, tmp_path):
    (tmp_path / ".online_retail_II.part.xlsx").mkdir()  # in the way of unzipping
    with pytest.raises(UserError, match="cannot be written"):
        download(tmp_path, url=site.url)
    (tmp_path / ".online_retail_II.part.xlsx").rmdir()
    site.requests.clear()
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site) == [len(GOOD)]


def test_a_note_cut_short_means_starting_anew(site, tmp_path):
    break_off(site, tmp_path)
    note = tmp_path / ".online_retail_II.zip.json"
    assert json.loads(note.read_text())["version"] == '"one"'
    note.write_text('{"url": ')
    download(tmp_path, url=site.url)
    assert_arrived(tmp_path)
    assert ranges_of(site) == [0]
