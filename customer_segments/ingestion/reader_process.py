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
import pyarrow.compute as pc

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


def xlsx_sheets(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """Yield name and cells of each sheet as text, its header row among them, in their order."""
    import fastexcel

    require_no_bomb(path)
    # A reader does not serve two threads, and opening one reads the list of all sheets.
    own = threading.local()

    def cells(name: str) -> pa.Table:
        try:
            if not hasattr(own, "reader"):
                own.reader = fastexcel.read_excel(path)
            batch = own.reader.load_sheet(
                name,
                header_row=None,
                skip_rows=0,
                dtypes="string",
                eager=True,
                whitespace_as_null=True,
            )
        except fastexcel.FastExcelError as error:
            raise Refused("broken", _first_line(error), name) from error
        return pa.Table.from_batches([batch])

    try:
        names = fastexcel.read_excel(path).sheet_names
    except fastexcel.FastExcelError as error:
        raise Refused("broken", _first_line(error)) from error
    with ThreadPoolExecutor(THREADS) as pool:
        yield from zip(names, pool.map(cells, names), strict=True)


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


def parquet_sheets(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """Yield the one table of a Parquet file as text, with the column names as the first row.

    A column that cannot be text is null, and the metadata of its field says why.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused("broken", _first_line(error)) from error
    fields, columns = [], []
    for number, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        metadata = {}
        try:
            cells = _as_text(column)
        except MemoryError:
            raise
        except pa.ArrowException as error:
            metadata = {"error": _first_line(error)}
            cells = pa.chunked_array([pa.nulls(len(column), pa.string())])
        fields.append(pa.field(f"column_{number}", pa.string(), metadata=metadata))
        columns.append(pa.chunked_array([pa.array([name], pa.string()), *cells.chunks]))
    yield "", pa.table(columns, schema=pa.schema(fields))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what the cells say; a float that is whole as its digits, never as 1.2e+10."""
    text = column.cast(pa.string())
    if not pa.types.is_floating(column.type):
        return text
    is_whole = pc.and_(pc.less(pc.abs(column), 2.0**53), pc.equal(pc.trunc(column), column))
    whole = column.cast(pa.int64(), safe=False).cast(pa.string())
    # Whoever writes NaN into a column of numbers means that there is none.
    return pc.if_else(pc.is_nan(column), None, pc.if_else(is_whole, whole, text))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500].rstrip(".")


def main(kind: str, path: str, memory_limit: int) -> int:
    """Send the sheets of a file; return 0, or 1 if it was refused."""
    # Not the address space: of that every thread reserves far more than it uses.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, memory_limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sheets = {".xlsx": xlsx_sheets, ".parquet": parquet_sheets}[kind](Path(path))
    try:
        with os.fdopen(1, "wb", closefd=False) as out:
            for name, table in sheets:
                schema = table.schema.with_metadata({"sheet": name})
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
    os._exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
