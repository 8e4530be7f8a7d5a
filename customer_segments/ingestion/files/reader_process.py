"""The process in which foreign files are unpacked: run as a script, with limits on itself.

Belongs here: what must not take the caller down with it. A file of a few kB can unpack to more
than any machine has, and then the Rust and C++ readers do not raise but end their process. Does
not: what the cells mean, or what to tell the user (``contained``). Imports nothing of the
package, so that it starts fast.

The sheets go to standard output, each as an Arrow stream with its name; what went wrong goes to
standard error, as the last line, in JSON.
"""

import json
import os
import resource
import sys
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pyarrow as pa

# What Apache POI takes for a zip bomb (ZipSecureFile.MIN_INFLATE_RATIO). Real workbooks grow 5
# to 20 times; sheets full of formatted blanks grow more, but not to this size.
LARGEST_GROWTH = 100
HARMLESS_BYTES = 1 << 30
# A document type is declared before the first element.
PROLOGUE_BYTES = 4096
# More would not fit side by side into the memory that one file may take.
THREADS = min(os.cpu_count() or 1, 4)


class Refused(Exception):  # noqa: N818 - not a fault in the code
    """The file is broken or dangerous; ``reason`` says how, without a full stop."""

    def __init__(self, kind: str, reason: str, sheet: str | None = None):
        super().__init__(reason)
        self.told = {"kind": kind, "reason": reason, "sheet": sheet}


def sheets(path: Path, wanted: list[str]) -> Iterator[tuple[str, pa.Table, bool]]:
    """Yield name and cells of each sheet as text, its header among them, and if it is hidden.

    A sheet that is not wanted, or hidden and not wanted by its name, has no cells.
    """
    import fastexcel

    require_no_bomb(path)
    # A reader does not serve two threads, and opening one reads the list of all sheets.
    own = threading.local()

    def cells(name: str) -> tuple[pa.Table, bool]:
        try:
            if not hasattr(own, "reader"):
                own.reader = fastexcel.read_excel(path)
            sheet = own.reader.load_sheet(
                name, header_row=None, skip_rows=0, dtypes="string", whitespace_as_null=True
            )
            is_hidden = sheet.visible != "visible"
            if (wanted and name not in wanted) or (is_hidden and not wanted):
                return pa.table({}), is_hidden
            return pa.Table.from_batches([sheet.to_arrow()]), False
        except fastexcel.FastExcelError as error:
            raise Refused("broken", _first_line(error), name) from error

    try:
        names = fastexcel.read_excel(path).sheet_names
    except fastexcel.FastExcelError as error:
        raise Refused("broken", _first_line(error)) from error
    with ThreadPoolExecutor(THREADS) as pool:
        for name, (table, is_hidden) in zip(names, pool.map(cells, names), strict=True):
            yield name, table, is_hidden


def require_no_bomb(path: Path) -> None:
    """Refuse an archive that says itself that it is a bomb, or whose XML declares entities.

    An archive that lies about its sizes runs into the limit of memory.
    """
    packed = path.stat().st_size
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if unpacked > max(HARMLESS_BYTES, LARGEST_GROWTH * packed):
                raise Refused("bomb", f"its {packed:,} bytes unpack to {unpacked:,}")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        start = stream.read(PROLOGUE_BYTES).replace(b"\0", b"")
                    if b"<!DOCTYPE" in start:
                        raise Refused("bomb", f"{part.filename} declares a document type")
    except (BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error):
        pass  # whatever is broken in it, the reader says it better


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500].rstrip(".")


def main(path: str, memory_limit: int, wanted: list[str]) -> int:
    """Send the sheets of a file; return 0, or 1 if it was refused."""
    # Not the address space: of that every thread reserves far more than it uses.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, memory_limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with os.fdopen(1, "wb", closefd=False) as out:
            for name, table, is_hidden in sheets(Path(path), wanted):
                about = {"sheet": name, "hidden": "yes" if is_hidden else ""}
                schema = table.schema.with_metadata(about)
                with pa.ipc.new_stream(out, schema) as stream:
                    stream.write_table(table)
        return 0
    except Refused as refused:
        told = refused.told
    except MemoryError:
        told = {"kind": "memory", "reason": "", "sheet": None}
    print("\n" + json.dumps(told), file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    # At once: threads may still read sheets that nobody waits for any more.
    os._exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
