"""Fetches UCI's "Online Retail II" workbook into the source folder.

Belongs here: the transfer (resumed where it broke off), unzipping, and the check that what came
is the workbook. Does not: what is read from a workbook, or from which workbooks; to the asset
graph the file is like any other that somebody puts into the folder.
"""

import json
import re
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError

if TYPE_CHECKING:
    import requests
    from rich.console import Console
    from rich.progress import Progress

UCI_URL = "https://archive.ics.uci.edu/static/public/502/online+retail+ii.zip"
WORKBOOK = "online_retail_II.xlsx"
HEADER = "Invoice, StockCode, Description, Quantity, InvoiceDate, Price, Customer ID, Country"

ATTEMPTS = 5
RETRY_WAIT_SECONDS = 1.0  # doubles with every attempt
TIMEOUT_SECONDS = 30.0  # without a byte
CHUNK_BYTES = 64 * 1024  # what a broken transfer loses at most


class _BrokenTransferError(Exception):
    """The transfer broke off; it is worth another attempt."""


def download(source_dir: Path, *, url: str = UCI_URL, force: bool = False) -> Path:
    """Fetch UCI's archive and put its workbook into the source folder.

    Everything on the way is a hidden file in the same folder, never taken as input. An archive
    that came in part is kept, and the next call goes on from there.

    Parameters
    ----------
    source_dir
        Folder for the workbook; made if missing.
    url
        Where the archive is.
    force
        Fetch and replace a workbook that is there already.

    Returns
    -------
    Path
        The workbook, ``online_retail_II.xlsx`` in ``source_dir``.

    Raises
    ------
    UserError
        If the archive cannot be fetched, is not what it should be, or cannot be stored. Whatever
        had the workbook's name before is untouched then.
    """
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False)
    target = source_dir / WORKBOOK
    if target.exists() and not force:
        if flaw := _flaw(target):
            raise UserError(
                f"{target} is there already, but is not UCI's workbook: {flaw}.",
                "Move it away, or replace it with --force.",
            )
        console.print(f"{target} is there already; --force fetches it anew.")
        return target

    archive = source_dir / ".online_retail_II.zip.part"
    unzipped = source_dir / ".online_retail_II.part.xlsx"
    try:
        source_dir.mkdir(parents=True, exist_ok=True)
        _fetch(url, archive, console)
        try:
            _unzip(archive, unzipped, url)
            unzipped.replace(target)
        except UserError:
            _discard(archive)  # resuming would end here again
            raise
        finally:
            unzipped.unlink(missing_ok=True)
        _discard(archive)
    except OSError as error:
        raise UserError(
            f"{error.filename or source_dir} cannot be written: {error.strerror or error}.",
            "Free some space or give the user that runs this write permission, and run it again.",
        ) from error
    console.print(f"Saved {target} ({target.stat().st_size / 1e6:.1f} MB).")
    return target


def _fetch(url: str, archive: Path, console: "Console") -> None:
    """Bring the archive in, in up to ``ATTEMPTS`` attempts."""
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
            _discard(archive)
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


def _discard(archive: Path) -> None:
    archive.with_suffix(".json").unlink(missing_ok=True)
    archive.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """Return the innermost cause: requests wraps it in several layers of names and hosts."""
    causes = (getattr(error, "reason", None), *error.args)
    if inner := next((cause for cause in causes if isinstance(cause, BaseException)), None):
        return _reason(inner)
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", str(error)).rstrip(".")


def _unzip(archive: Path, unzipped: Path, url: str) -> None:
    """Take the workbook out of the archive and check it; a member's path is never used."""
    try:
        with zipfile.ZipFile(archive) as members:
            workbooks = [
                name
                for name in members.namelist()
                # What macOS adds to archives: "__MACOSX/._name.xlsx".
                if name.lower().endswith(".xlsx") and not Path(name).name.startswith(".")
            ]
            if len(workbooks) != 1:
                raise UserError(
                    f"The archive from {url} holds {len(workbooks)} .xlsx workbooks, not one.",
                    "Unzip it by hand and put the workbook into the source folder.",
                )
            with members.open(workbooks[0]) as source, unzipped.open("wb") as copy:
                shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(f"{url} sent no intact zip archive: {error}.", "Run it again.") from error
    if flaw := _flaw(unzipped):
        raise UserError(
            f"The workbook from {url} is not the expected one: {flaw}.",
            f"UCI may have changed it. Workbooks with these columns are taken: {HEADER}.",
        )


def _flaw(workbook: Path) -> str | None:
    """Say what keeps a file from being UCI's workbook."""
    import fastexcel

    try:
        reader = fastexcel.read_excel(workbook)
        for sheet in reader.sheet_names:
            found = {c.name for c in reader.load_sheet(sheet, n_rows=0).available_columns()}
            if missing := [column for column in HEADER.split(", ") if column not in found]:
                return f"its sheet {sheet!r} has no column {', '.join(missing)}"
    except fastexcel.FastExcelError as error:
        return f"it cannot be read as a workbook ({str(error).splitlines()[0]})"
    return None
