"""What is wrong with an installation, in plain words, and what to do about it.

Belongs here: going through all parts, and laying out what they found. Does not: the parts
(``surroundings`` looks at settings, folders and versions, ``contents`` into the warehouse). Each
is guarded: a doctor that falls over a broken installation is of no use.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.installation import Installation, settings_here
from customer_segments.upkeep import contents, surroundings
from customer_segments.upkeep.findings import Finding, Level, wrong

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from customer_segments.settings import Settings

AROUND = {
    "settings": surroundings.configured,
    "source": surroundings.source,
    "disk": surroundings.disk,
    "files": surroundings.files,
}


def examine() -> list[Finding]:
    """Look at everything; opens the warehouse only to read, and waits for nobody."""
    findings: list[Finding] = []
    guarded(findings, "versions", surroundings.versions)
    found: list[Settings] = []
    guarded(findings, "settings", lambda: found.append(settings_here()))
    settings = found[0] if found else None
    guarded(findings, "Dagster", lambda: surroundings.dagster(settings))
    if settings:
        for topic, look in AROUND.items():
            guarded(findings, topic, lambda look=look: look(settings))
        guarded(findings, "rules", lambda: contents.warehouse(Installation.of(settings)))
    return findings


def guarded(
    findings: list[Finding], topic: str, look: Callable[[], Iterable[Finding] | None]
) -> None:
    """Add what a part finds; what it falls over is a finding as well."""
    try:
        findings.extend(look() or ())
    except UserError as error:
        findings.append(wrong(topic, error.problem, error.remedy))
    except Exception as error:
        findings.append(wrong(topic, f"It could not be looked at: {error!r}.", "Report it."))


def verdict(findings: list[Finding]) -> tuple[str, bool]:
    """Return a sentence about all findings, and whether nothing is wrong."""
    bad = sum(finding.level is Level.WRONG for finding in findings)
    strange = sum(finding.level is Level.ODD for finding in findings)
    if bad:
        return f"{bad} {'thing is' if bad == 1 else 'things are'} wrong.", False
    return (f"Nothing is wrong; {strange} to know." if strange else "All is well."), True


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
