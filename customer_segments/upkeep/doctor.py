"""What is wrong with an installation, in plain words, and what to do about it.

Belongs here: going through all parts, and the sum of what they found. Does not: the parts
(``surroundings`` looks at settings, folders and versions, ``contents`` into the warehouse). Each
is guarded: a doctor that falls over a broken installation is of no use.
"""

from collections.abc import Callable, Iterator
from typing import Any

from customer_segments.errors import UserError
from customer_segments.installation import Installation, settings_here
from customer_segments.upkeep import contents, surroundings
from customer_segments.upkeep.findings import Finding, Level, wrong


def examine() -> list[Finding]:
    """Look at everything; opens the warehouse only to read, and waits for nobody."""
    findings: list[Finding] = []

    def guarded(topic: str, do: Callable[..., Any], *arguments: Any) -> Any:
        try:
            done = do(*arguments)
            if isinstance(done, Iterator):
                findings.extend(done)
            return done
        except UserError as error:
            findings.append(wrong(topic, error.problem, error.remedy))
        except Exception as error:
            findings.append(wrong(topic, f"It could not be looked at: {error!r}.", "Report it."))

    guarded("versions", surroundings.versions)
    settings = guarded("settings", settings_here)
    guarded("Dagster", surroundings.dagster, settings)
    if settings:
        for topic, look in surroundings.BY_SETTINGS.items():
            guarded(topic, look, settings)
        if installed := guarded("rules", Installation.of, settings):
            guarded("warehouse", contents.warehouse, installed)
    return findings


def verdict(findings: list[Finding]) -> tuple[str, bool]:
    """Return a sentence about all findings, and whether nothing is wrong."""
    bad, strange = (sum(f.level is level for f in findings) for level in (Level.WRONG, Level.ODD))
    if bad:
        return f"{bad} {'thing is' if bad == 1 else 'things are'} wrong.", False
    return (f"Nothing is wrong; {strange} to know." if strange else "All is well."), True
