"""Fetches UCI's "Online Retail II" workbook into the source folder.

Belongs here: which file it is, by its columns, and what to say if it does not come. Does not: what
is read from a workbook; to the asset graph the file is like any other in the folder.
"""

import re
import zipfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from customer_segments.errors import UserError

UCI_URL = "https://archive.ics.uci.edu/static/public/502/online+retail+ii.zip"
WORKBOOK = "online_retail_II.xlsx"
HEADER = "Invoice, StockCode, Description, Quantity, InvoiceDate, Price, Customer ID, Country"
BY_HAND = "Or fetch data set 502 from https://archive.ics.uci.edu by hand, and unzip it there."
ATTEMPTS = 4
RETRY_WAIT_SECONDS = 1.0  # doubles with every attempt
TIMEOUT_SECONDS = 30.0  # without a byte


def download(source_dir: Path, *, url: str = UCI_URL, force: bool = False) -> Path:
    """Fetch UCI's archive and put its workbook into the source folder.

    Everything on the way lies in a hidden folder within it, which is never taken as input.
    The folder is made if missing; a workbook that is there already is fetched anew by ``force``.
    Returns its path. A UserError says that the archive cannot be fetched, is not what it should be,
    or cannot be stored: whatever had the workbook's name before is untouched then.
    """
    from requests import RequestException

    target = source_dir / WORKBOOK
    try:
        if target.exists() and not force:
            if flaw := _flaw(target):
                raise UserError(
                    f"{target} is there already, but is not UCI's workbook: {flaw}.",
                    "Move it away, or replace it with --force.",
                )
            return target
        source_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".download-", dir=source_dir) as folder:
            # What macOS adds to archives: "__MACOSX/._name.xlsx".
            found = [
                file
                for file in map(Path, _fetch(url, folder))
                if file.suffix.lower() == ".xlsx" and not file.name.startswith(".")
            ]
            flaw = _flaw(found[0]) if len(found) == 1 else f"{len(found)} .xlsx files, not one"
            if flaw:
                raise UserError(
                    f"The archive from {url} does not hold the expected workbook: {flaw}.",
                    f"UCI may have changed it. Workbooks with these columns are taken: {HEADER}.",
                )
            found[0].replace(target)
    except RequestException as error:
        raise UserError(
            f"{url} did not send the archive: {_reason(error)}.",
            f"Look at the network and its proxy settings, and run it again. {BY_HAND}",
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(
            f"{url} sent no intact zip archive: {error}.",
            f"Does a proxy or the network want a login? Else run it again. {BY_HAND}",
        ) from error
    except OSError as error:
        raise UserError(
            f"{error.filename or source_dir} cannot be written: {error.strerror or error}.",
            "Free some space or give the user that runs this write permission, and run it again.",
        ) from error
    return target


def _flaw(workbook: Path) -> str:
    """Say what keeps a file from being UCI's workbook; empty if nothing does."""
    import fastexcel

    try:
        reader = fastexcel.read_excel(workbook)
        for sheet in reader.sheet_names:
            columns = reader.load_sheet(sheet, n_rows=0).available_columns()
            missing = {*HEADER.split(", ")} - {column.name for column in columns}
            if missing:
                return f"its sheet {sheet!r} has no column {', '.join(sorted(missing))}"
    except fastexcel.FastExcelError as error:
        return f"it cannot be read as a workbook ({str(error).splitlines()[0]})"
    return ""


def _fetch(url: str, folder: str) -> list[str]:
    """Bring the archive into a folder, with a progress bar, and return what was in it."""
    import pooch
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(True, chunk_size=2**16, timeout=TIMEOUT_SECONDS)
    attempts = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(RETRY_WAIT_SECONDS),
        reraise=True,
    )
    given = {"path": folder, "processor": pooch.Unzip(), "downloader": downloader}
    return attempts(pooch.retrieve, url, None, "archive.zip", **given)


def _may_pass(error: BaseException) -> bool:
    """Tell what another attempt may mend: a transfer that broke off, a server that is busy."""
    from requests import RequestException

    status = getattr(getattr(error, "response", None), "status_code", 503)
    return isinstance(error, RequestException) and status >= 500


def _reason(error: BaseException) -> str:
    """Return the innermost cause: requests wraps it in several layers of names and hosts."""
    causes = (getattr(error, "reason", None), *error.args)
    if inner := next((cause for cause in causes if isinstance(cause, BaseException)), None):
        return _reason(inner)
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", str(error)).rstrip(".")
