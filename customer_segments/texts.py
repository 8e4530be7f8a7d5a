"""Words and rules that lie in files beside the modules that use them."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def plural(count: float, noun: str) -> str:
    """Return a noun as it stands behind a count."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 month, 1,200 rows."""
    return f"{count:,} {plural(count, noun)}"


def read_text(package: str, name: str) -> str:
    """Return a text file that lies beside a package's modules."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


@cache
def read_toml(package: str, name: str) -> dict[str, Any]:
    """Return what a TOML file says that lies beside a package's modules."""
    return tomllib.loads(read_text(package, name))
