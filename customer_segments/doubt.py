"""What a doubt is: something about the input as a whole that an analyst should look into.

Belongs here: the doubt, and the setting that is the way out. Does not: its words (``doubts.toml``),
what is doubted (``doubts``).
"""

import glob
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import tomlkit

from customer_segments.texts import few, read_toml

Level = Literal["stops", "warns"]
Change = Mapping[str, Any]


class Doubt(NamedTuple):
    """Something about the input that an analyst should look into."""

    name: str
    # ``stops``: nothing is published; ``warns``: it is said, and the input is used.
    level: Level
    # What was found, with file, sheet, column and figures; what to do; and the setting that says
    # that all is well as it is.
    said: str
    advice: str
    accept: str
    # The way out as the policy's sections, as far as one follows from the data.
    change: Change = MappingProxyType({})
    # The file that gave rise to it as it was read, if one did.
    workbook: str | None = None

    def row(self) -> dict[str, str]:
        """Return it as people and programs read it: ``name`` to ``accept``."""
        return dict(zip(self._fields[:5], self[:5], strict=True))


def doubt(
    case: str, change: Change | None = None, *, level: Level | None = None, **facts: Any
) -> Doubt:
    """Return a doubt in the words of ``doubts.toml``, which are filled with the facts.

    ``case`` is its name, such as ``totals.of_orders`` where it has several; what ``change`` says is
    the end of the advice.
    """
    name, _, which = case.partition(".")
    words = read_toml("customer_segments.doubts", "doubts.toml")[name]
    words = words | words.get(which, {})
    said, advice = (words[part].format(**facts) for part in ("said", "advice"))
    advice = f"{advice}\n{as_toml(change) if change else ''}".strip()
    level = level or words.get("level", "stops")
    return Doubt(name, level, said, advice, accepting([name]), change or {})


def each_once(found: Iterable[Doubt]) -> list[Doubt]:
    """Say once what files that are alike give rise to: of the first of them, naming the others."""
    alike: dict[tuple[str, ...], list[Doubt]] = {}
    for each in found:
        alike.setdefault((each.name, each.level, each.advice), []).append(each)
    return [_of_all(*doubts) for doubts in alike.values()]


def _of_all(first: Doubt, *more: Doubt) -> Doubt:
    # What is said begins with where that is.
    places = [*dict.fromkeys(each.said.partition(": ")[0] for each in (first, *more))]
    others = few(places[1:], "; ")
    return first._replace(said=f"{first.said} So it is in {others}.") if others else first


def accepting(names: Iterable[str]) -> str:
    """Return the lines of the policy that accept doubts."""
    return as_toml({"source": {"accept": list(names)}})


def as_toml(change: Change) -> str:
    """Return sections of the policy as lines of its file."""
    lines = {**change}
    if "layout" in change:
        lines["layout"] = [
            {name: _inline(value) for name, value in layout.items()} for layout in change["layout"]
        ]
    return tomlkit.dumps(lines).strip()


def _inline(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


def layout_for(concerned: Iterable[str], others: Iterable[str], **says: Any) -> Change:
    """Return a layout of the files ``concerned``, by a pattern that those to come match as well.

    It matches none of the ``others``.
    """
    concerned, others = sorted(set(concerned)), set(others) - set(concerned)
    if not others:
        return {"layout": [says]}
    alike = {re.sub(r"\d+", "*", glob.escape(name)) for name in concerned}
    is_clear = not any(fnmatch(name, pattern) for name in others for pattern in alike)
    patterns = sorted(alike) if is_clear else [glob.escape(name) for name in concerned]
    return {"layout": [{"files": pattern} | says for pattern in patterns]}
