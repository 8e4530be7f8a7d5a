"""Words and rules that lie in files beside the modules that use them."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

FEW_NAMES = 3


def plural(count: float, noun: str) -> str:
    """Return a noun as it stands behind a count."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 month, 1,200 rows."""
    return f"{count:,} {plural(count, noun)}"


def few(names: Sequence[str], apart: str = ", ") -> str:
    """Return the first of many names, and how many more there are."""
    more = f" and {len(names) - FEW_NAMES:,} more" if len(names) > FEW_NAMES else ""
    return apart.join(names[:FEW_NAMES]) + more


def read_text(package: str, name: str) -> str:
    """Return a text file that lies beside a package's modules."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


@cache
def read_toml(package: str, name: str) -> dict[str, Any]:
    """Return what a TOML file says that lies beside a package's modules."""
    return tomllib.loads(read_text(package, name))
