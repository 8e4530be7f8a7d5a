"""What is wrong with an installation, in plain words, and what to do about it.

Belongs here: going through all parts, and laying out what they found. Does not: the parts
(``surroundings`` looks at settings, folders and versions, ``contents`` into the warehouse). Each
is guarded: a doctor that falls over a broken installation is of no use.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.upkeep import contents, surroundings
from customer_segments.upkeep.findings import Finding, Level

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from customer_segments.settings import Settings


def examine() -> list[Finding]:
    """Look at everything; opens the warehouse only to read, and waits for nobody."""
    findings = list(_guarded("versions", surroundings.versions))
    settings, wrong = _settings()
    findings += wrong
    findings += _guarded("Dagster", lambda: surroundings.dagster(settings))
    if settings is None:
        return findings
    parts: tuple[tuple[str, Callable[[Settings], Iterable[Finding]]], ...] = (
        ("settings", surroundings.configured),
        ("source", surroundings.source),
        ("disk", surroundings.disk),
        ("files", surroundings.files),
        ("warehouse", contents.warehouse),
    )
    for topic, look in parts:
        findings += _guarded(topic, partial(look, settings))
    return findings


def verdict(findings: list[Finding]) -> tuple[str, bool]:
    """Return a sentence about all findings, and whether nothing is wrong."""
    wrong = sum(finding.level is Level.WRONG for finding in findings)
    odd = sum(finding.level is Level.ODD for finding in findings)
    if wrong:
        return f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.", False
    return (f"Nothing is wrong; {odd} to know." if odd else "All is well."), True


def findings_grid(findings: list[Finding]) -> "Grid":
    """Return the findings as a table for a terminal, in the order in which they were found."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=SIMPLE_HEAD, show_header=False, pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        said = Text(finding.said)
        if finding.remedy:
            said.append(f"\n→ {finding.remedy}", style="dim")
        grid.add_row(Text(finding.level.value, style=finding.level.style), finding.topic, said)
    return grid


def _settings() -> tuple["Settings | None", list[Finding]]:
    from customer_segments.cli import load_settings

    try:
        return load_settings(), []
    except UserError as error:
        return None, [Finding(Level.WRONG, "settings", error.problem, error.remedy)]


def _guarded(topic: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Hand on what a part finds; what it falls over is a finding as well."""
    try:
        yield from look()
    except UserError as error:
        yield Finding(Level.WRONG, topic, error.problem, error.remedy)
    except Exception as error:
        yield Finding(Level.WRONG, topic, f"It could not be looked at: {error!r}.")
