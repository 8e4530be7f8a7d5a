"""Fetches UCI's "Online Retail II" workbook into the source folder.

Belongs here: unzipping, and the check that what came is the workbook. Does not: the transfer
(``transfer``); what is read from a workbook, or from which workbooks; to the asset
graph the file is like any other that somebody puts into the folder.
"""

import shutil
import zipfile
import zlib
from pathlib import Path

from customer_segments.errors import UserError
from customer_segments.ingestion.transfer import discard, fetch

UCI_URL = "https://archive.ics.uci.edu/static/public/502/online+retail+ii.zip"
WORKBOOK = "online_retail_II.xlsx"
HEADER = "Invoice, StockCode, Description, Quantity, InvoiceDate, Price, Customer ID, Country"


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
        fetch(url, archive, console)
        try:
            _unzip(archive, unzipped, url)
            unzipped.replace(target)
        except UserError:
            discard(archive)  # resuming would end here again
            raise
        finally:
            unzipped.unlink(missing_ok=True)
        discard(archive)
    except OSError as error:
        raise UserError(
            f"{error.filename or source_dir} cannot be written: {error.strerror or error}.",
            "Free some space or give the user that runs this write permission, and run it again.",
        ) from error
    console.print(f"Saved {target} ({target.stat().st_size / 1e6:.1f} MB).")
    return target


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
