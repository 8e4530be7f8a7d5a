"""Which files of a folder are input, and in which order they count.

Belongs here: kinds of files by name. Does not: which folder it is (``settings``), what files hold
(``ingestion``).
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
# Of names in a message.
SHOWN = 5
SOURCE_SUFFIXES = (*WORKBOOKS, *TEXTS, ".parquet")
# What files are called that others replaced, and those that replace others.
_CALLED = r"(?i)(?:^|[\W_])(?:{})(?:[\W_]|\d*$)"
FORMER = _CALLED.format(
    "old|backup|bak|orig|original|draft|before|previous|alt|vorher|sicherung|entwurf"
    "|ancien|avant|sauvegarde|viejo|anterior|antiguo|borrador|vecchio|bozza|antigo|rascunho|oud"
)
FINAL = _CALLED.format(
    "new|updated?|latest|neue?|nouveau|nouvelle|nuev[oa]|nov[oa]|nuov[oa]|nieuwe?|finale?|corrected|endgültig|korrigiert|définitif|corrigée?|definitiv[oa]|corregid[oa]|corretto"
)

# Dates in names of files, 31-12-2024, 31_12_24 or 311224, and which parts may be year, month, day.
DAY = (
    r"(?<!\d)(?<!\d{4}[._ -])(?=\d\d?[._ -]|(?:\d{6}|\d{8})(?!\d))"
    r"(\d\d?)([._ -]?)(\d\d?)\2((?:19|20)?\d\d)(?!\d)"
)
ORDERS = ((1, 3, 4), (4, 3, 1), (4, 1, 3))
# 12-2024, Q4 2024, KW52_2024; no 31 of 2024-12-31 0900.
PART = r"(?<!\d)(?<!\d[._ -])(\d\d?)[._ -]+((?:19|20)\d\d)(?!\d)"
NAMED = r"(?i)(\d\d?[ _.-]*)?(?<![a-z])(?:{})[a-zä]*[ _.-]*(\d\d?[ ,_.-]+)?({})(?!\d)"
# Behind names of months, years of two digits: no days, if all are such.
SHORT = range(15, 51)
# Names of months, by how they begin.
MONTHS = (
    *("jan", "feb", "m[aä]r", "apr", "ma[iy]", "jun"),
    *("jul", "aug", "sep", "o[ck]t", "nov", "de[cz]"),
)

# What to do about files of other kinds, by how their names end.
TO_UNPACK = (".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".zst", ".xz", ".gz", ".numbers")
WAYS_OUT = {
    (".numbers",): "export it from Numbers as Excel or CSV",
    TO_UNPACK: "unpack it there",
    (".pdf", ".doc", ".docx", ".png", ".jpg"): "ask for the same as CSV or Excel",
}


def way_out(names: Iterable[str]) -> str:
    """Return what to do about files that are not read, for the end of a message."""
    said = []
    for name in list(names)[:SHOWN]:
        ways = [way for ends, way in WAYS_OUT.items() if name.lower().endswith(ends)]
        ways += ["export it as CSV or Excel" if "." in name else "folders are not looked into"]
        said.append(f"{name}: {ways[0]}")
    return "; ".join(said)


def nothing_in(place: str, others: list[str]) -> tuple[str, str]:
    """Return what is wrong with a place where nothing is read, and what to do about it."""
    beside = f", but {', '.join(others[:SHOWN])}" if others else ""
    return f"{place} holds no {', '.join(SOURCE_SUFFIXES)} file{beside}.", (
        f"{way_out(others)}."
        if others
        else "Put workbooks in it (folders in it are not looked into), or fetch UCI's with "
        "`customer-segments download`."
    )


def contents(folder: Path) -> tuple[list[Path], list[str]]:
    """Return what of a folder counts as input, in its order, and the names of what does not.

    An OSError says that it cannot be read.
    """
    entries = {entry: _counts(entry) for entry in _entries(folder)}
    files = [entry for entry, counts in entries.items() if counts]
    return natural_order(files), sorted(e.name for e, counts in entries.items() if not counts)


def standing(name: str) -> int:
    """Return the place of a file or sheet by what it is called: -1 a backup, 1 a final one."""
    return bool(re.search(FINAL, name)) - bool(re.search(FORMER, name))


def natural_order(files: list[Path]) -> list[Path]:
    """Return files in natural order of their names: later ones supersede, 2 before 10.

    By stems: orders (1).csv, a later download, comes after orders.csv; orders_old.csv before,
    orders_final.csv after orders_v2.csv.
    """
    from natsort import natsorted, ns

    stems = "\n".join(file.stem for file in files)
    order = _order_of(list(re.finditer(DAY, stems)))
    short = re.findall(NAMED.format("|".join(MONTHS), r"\d\d?"), stems)
    year = r"\d{4}|\d\d" if all(int(found[-1]) in SHORT for found in short) else r"\d{4}"

    def in_time(file: Path) -> tuple[int, str, str]:
        # 1.3.2025 after 28.2.2025, 01-15-2025 after 12-31-2024, Feb 2025 after Jan 2025, Q1 2025
        # after Q4 2024.
        stem = re.sub(DAY, lambda found: str(_day(found, order) or found[0]), file.stem)
        for number, month in enumerate(MONTHS, 1):
            stem = re.sub(NAMED.format(month, year), rf"20\3.{number}.\1\2", stem)
        stem = re.sub(r"20(\d{4}\.)", r"\1", stem)
        stem = re.sub(PART, r"\2.\1", stem)
        return standing(stem), stem, file.name

    # Sorted first, for 1.csv and 01.csv, or a.csv and A.csv, are alike to natural order.
    return natsorted(sorted(files), key=in_time, alg=ns.IGNORECASE)


def _order_of(found: list[re.Match[str]]) -> tuple[int, int, int]:
    """Return the order of the parts in which most are days, and these nearest to each other."""

    def likely(order: tuple[int, int, int]) -> tuple[int, timedelta]:
        days = [day for each in found if (day := _day(each, order))]
        return -len(days), max(days) - min(days) if days else timedelta()

    return min(ORDERS, key=likely)


def _day(found: re.Match[str], order: tuple[int, int, int]) -> date | None:
    year, month, day = (found[part] for part in order)
    try:
        return date(int(f"20{year}"[-4:]), int(month), int(day))
    except ValueError:
        return None


def parts_of(folder: Path) -> list[Path]:
    """Return the files of a folder that Spark and the like wrote in parts; empty if it is none.

    Parts may lie in folders of their own, month=2011-06, one for each.
    """
    parts = [
        file
        for file in folder.rglob("*")
        if _has_suffix(file) and not file.name.startswith(("_", ".")) and file.is_file()
    ]
    is_one = _has_suffix(folder) or all(
        part.name.startswith("part-") or "=" in part.parent.name for part in parts
    )
    return natural_order(parts) if is_one else []


def _counts(entry: Path) -> bool:
    return bool(parts_of(entry)) if entry.is_dir() else _has_suffix(entry) and entry.is_file()


def _has_suffix(file: Path) -> bool:
    return file.name.lower().endswith(SOURCE_SUFFIXES)


def _entries(folder: Path) -> list[Path]:
    """Return the entries of a folder but for hidden ones, those of an open Excel, and READMEs."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    # A README says what the folder is for.
    return [entry for entry in entries if not entry.name.startswith((".", "~$", "README"))]
