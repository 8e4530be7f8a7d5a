"""Fetches a file over HTTPS, resumed where it broke off.

Belongs here: requests, retries, and what is kept of a transfer that broke off. Does not: what
the file is (``download``).
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError

if TYPE_CHECKING:
    import requests
    from rich.console import Console
    from rich.progress import Progress

ATTEMPTS = 5
RETRY_WAIT_SECONDS = 1.0  # doubles with every attempt
TIMEOUT_SECONDS = 30.0  # without a byte
CHUNK_BYTES = 64 * 1024  # what a broken transfer loses at most


class _BrokenTransferError(Exception):
    """The transfer broke off; it is worth another attempt."""


def fetch(url: str, archive: Path, console: "Console") -> None:
    """Bring a file in, in up to ``ATTEMPTS`` attempts, with a progress bar.

    What came is kept, with a note of which version of the file it is; the next call goes on.

    Raises
    ------
    UserError
        If the server cannot be reached, answers with something else, or breaks off each time.
    """
    from rich import progress as bar
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    columns = (bar.BarColumn(), bar.DownloadColumn(), bar.TransferSpeedColumn())
    attempts = Retrying(
        retry=retry_if_exception_type(_BrokenTransferError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(RETRY_WAIT_SECONDS),
        reraise=True,
    )
    with bar.Progress(*columns, bar.TimeRemainingColumn(), console=console) as progress:
        try:
            attempts(_transfer, url, archive, progress)
        except _BrokenTransferError as error:
            kept, _ = _kept(url, archive)
            raise UserError(
                f"The transfer from {url} broke off {ATTEMPTS} times: {error}.",
                f"Run it again: it goes on after the {kept / 1e6:.1f} MB that are here."
                if kept
                else "Run it again: it starts anew, there is nothing to resume.",
            ) from error


def _transfer(url: str, archive: Path, progress: "Progress") -> None:
    """Fetch what the archive still lacks, in one request."""
    import requests

    kept, version = _kept(url, archive)
    # Compressed on the way, the bytes on disk would not be those that a range counts.
    headers = {"Accept-Encoding": "identity"}
    if kept:
        headers |= {"Range": f"bytes={kept}-", "If-Range": version}
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        if kept:
            raise _BrokenTransferError(_reason(error)) from error
        raise UserError(
            f"{url} cannot be reached: {_reason(error)}.",
            "Look at the network and its proxy settings, and run it again.",
        ) from error
    with response:
        _refuse_what_is_no_archive(response)
        total = _total(response)
        if response.status_code == 416 and total == kept:
            return  # all of it came before, and something else went wrong then
        resumed = response.status_code == 206
        if response.status_code == 416 or (resumed and not _goes_on(response, kept, version)):
            discard(archive)
            raise _BrokenTransferError("the archive on the server changed")
        if not resumed:
            archive.write_bytes(b"")
            # After the old bytes are gone: the note must never vouch for another version's.
            note = {"url": url, "version": _version(response)}
            archive.with_suffix(".json").write_text(json.dumps(note))
        _append_body(response, archive, total, progress)


def _append_body(
    response: "requests.Response", archive: Path, total: int | None, progress: "Progress"
) -> None:
    import requests

    for task in progress.task_ids:
        progress.remove_task(task)
    task = progress.add_task("", total=total, completed=archive.stat().st_size)
    with archive.open("ab") as file:
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                progress.advance(task, len(chunk))
        except requests.RequestException as error:
            raise _BrokenTransferError(_reason(error)) from error
    if total is not None and (size := archive.stat().st_size) != total:
        raise _BrokenTransferError(f"{size} of {total} bytes came")


def _refuse_what_is_no_archive(response: "requests.Response") -> None:
    """Raise before the answer can touch what is on disk."""
    url, status = response.url, response.status_code
    if status in (404, 410):
        raise UserError(
            f"There is no archive at {url} (the server answers {status}).",
            "Look for data set 502 on https://archive.ics.uci.edu, unzip it and put the workbook "
            "into the source folder.",
        )
    if status not in (200, 206, 416):
        raise UserError(f"{url} answers {status} {response.reason}.", "Try again later.")
    if "html" in response.headers.get("Content-Type", ""):
        raise UserError(
            f"{url} answers with a web page instead of the archive.",
            "Does a proxy or the network want a login? Otherwise try again later.",
        )


def _kept(url: str, archive: Path) -> tuple[int, str]:
    """Return how many bytes can be built upon, and of which version of the archive they are."""
    try:
        note = json.loads(archive.with_suffix(".json").read_text())
        if note["url"] == url and note["version"]:
            return archive.stat().st_size, note["version"]
    except (FileNotFoundError, ValueError):
        pass
    return 0, ""


def _version(response: "requests.Response") -> str:
    """Return what ``If-Range`` may carry; a weak ETag does not promise the same bytes."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _goes_on(response: "requests.Response", kept: int, version: str) -> bool:
    """Tell whether the answer is the rest of the archive that is here in part."""
    starts = response.headers.get("Content-Range", "").startswith(f"bytes {kept}-")
    return starts and _version(response) in ("", version)


def _total(response: "requests.Response") -> int | None:
    """Return the size of the whole archive, if the server tells it."""
    size = response.headers.get("Content-Length", "")
    if response.status_code != 200:
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdigit() else None


def discard(archive: Path) -> None:
    """Forget what came of a file."""
    archive.with_suffix(".json").unlink(missing_ok=True)
    archive.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """Return the innermost cause: requests wraps it in several layers of names and hosts."""
    causes = (getattr(error, "reason", None), *error.args)
    if inner := next((cause for cause in causes if isinstance(cause, BaseException)), None):
        return _reason(inner)
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", str(error)).rstrip(".")
