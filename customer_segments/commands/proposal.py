"""What files propose for the policy: layout, credit rule, non-products, ids, contacts, currency.

Belongs here: finding it by dry runs, each by what the one before it proposed, and its text. Does
not: asking and writing (``init``).
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customer_segments.doubt import Change, Doubt, as_toml, layout_for
from customer_segments.doubts.dry_run import DryRun, dry_run
from customer_segments.ingestion.columns.headings import found
from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.settings import Settings

# What only the retailer can know: a proposal accepted unread must not drop a customer or a column.
NOT_PROPOSED = {
    "empty_column",
    "outlying_customer",
    "one_order_each",
    "minor_units",
    "other_scale",
    "outlying_reason",
    "several_names",
    "unused_money",
    "wrong_code_page",
}
# Lines have to be filled down before returns are seen; no chain is longer.
ROUNDS = 5
WIDTH = 98
# Where an advice leaves to the reader which column it is.
HEADING = "HEADING"
MACHINES = "Time zone: this machine's."
CONTACTS = (
    "Of each customer, for the lists of the workbook; take away what they are not to pass on."
)


LITTLE = (
    "The files have no more. Which segment somebody is in may be chance then: the report says so."
)


@dataclass(frozen=True)
class Proposal:
    """Sections of the policy, why, by section, and what would become of the files by them."""

    sections: dict[str, Any]
    run: DryRun
    why: dict[str, list[str]] = field(default_factory=dict)

    def text(self) -> str:
        """Return the file that says so."""
        parts = ["# What `customer-segments config` prints in full; proposed by `init`."]
        for name, section in self.sections.items():
            why = "\n".join(_comment(said) for said in self.why.get(name, []))
            parts.append(f"{why}\n{as_toml({name: section})}".strip())
        return "\n\n".join(parts) + "\n"


def proposal(paths: list[Path], settings: Settings) -> Proposal:
    """Return what files propose; a UserError says which could not be read."""
    zone = Policy().source.time_zone
    sections: dict[str, Any] = {"source": {"time_zone": zone}}
    why = {"source": [MACHINES]}
    for _ in range(ROUNDS):
        run = dry_run(paths, Installation.of(settings, Policy(**sections)))
        known = sections
        for change, said in _changes(run):
            merged = with_change(sections, change)
            if merged != sections:
                for name in change:
                    why.setdefault(name, []).append(said)
            sections = merged
        if sections == known:
            break
    if little := _little(run, Policy(**sections)):
        sections = with_change(sections, {"model": little})
        why["model"] = [LITTLE]
    if any(each.name == "other_zone" for each in run.doubts):
        sections["source"].pop("time_zone")
    if sections["source"].get("time_zone") != zone:
        why["source"].remove(MACHINES)
    return Proposal(sections, run, why)


def _changes(run: DryRun) -> list[tuple[Mapping[str, Any], str]]:
    doubts: list[Doubt] = [each for each in run.doubts if each.name not in NOT_PROPOSED]
    # What only the advice can leave open is no setting yet.
    open_ones = [each for each in doubts if HEADING in str(each.change)]
    changes = [(each.change, each.said) for each in doubts if each.change and each not in open_ones]
    if len(currencies := [*run.found.currencies]) == 1:
        changes.append(({"source": {"currency": currencies[0]}}, "Currency: the files'."))
    changes += [(change, CONTACTS) for change in _contacts(run)]
    return changes


def _little(run: DryRun, policy: Policy) -> dict[str, int]:
    """Return what the model is to take where the files have less."""
    from customer_segments.model.training import LEAST

    customers, months = run.newest_snapshot(policy.source.today())
    if customers < LEAST or not months:
        return {}
    found, model = {"min_customers": customers, "min_months": months}, policy.model
    return {name: held for name, held in found.items() if held < getattr(model, name)}


def _contacts(run: DryRun) -> Iterator[Change]:
    """Yield layouts that pass on what plainly is a customer's name, address or number."""
    files: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for sheet in run.found.sheets:
        headings = run.found.unused.get((sheet["workbook"], sheet["sheet"]), [])
        unnamed = [field for field in CONTACT if not sheet["headings"].get(field)]
        places = [(field, found(field, headings)) for field in unnamed]
        if said := tuple((field, headings[at[0]]) for field, at in places if len(at) == 1):
            files.setdefault(said, []).append(sheet["workbook"])
    for said, concerned in files.items():
        others = run.found.files if len(files) > 1 else concerned
        yield layout_for(concerned, others, contact=dict(said))


def with_change(sections: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return sections with a change: tables key by key, layouts by their pattern of files."""
    merged = dict(sections)
    for name, said in change.items():
        held = merged.get(name)
        if name == "layout":
            merged[name] = _with_layouts(held or [], said)
        elif isinstance(held, Mapping) and isinstance(said, Mapping):
            merged[name] = with_change(held, said)
        else:
            merged[name] = said
    return merged


def _with_layouts(held: list[dict], said: list[dict]) -> list[dict]:
    """Return layouts with others, the one of all files last: of several, the first counts."""
    by_files = {layout.get("files", "*"): layout for layout in held}
    for layout in said:
        files = layout.get("files", "*")
        by_files[files] = with_change(by_files.get(files, {}), layout)
    general = by_files.pop("*", None)
    if general:
        by_files = {files: with_change(general, own) for files, own in by_files.items()}
    return [*by_files.values(), *([general] if general else [])]


def _comment(said: str) -> str:
    return textwrap.fill(said, WIDTH, initial_indent="# ", subsequent_indent="# ")
