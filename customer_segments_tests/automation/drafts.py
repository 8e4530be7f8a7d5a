"""States of a warehouse made by hand, to decide on without one."""

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from customer_segments.automation.agenda import agenda
from customer_segments.automation.facts import Facts, Step
from customer_segments.installation import Installation
from customer_segments.months import Months, between
from customer_segments.policy import Policy
from customer_segments.shown import state_of
from customer_segments.storage.contracts import WriteMode
from customer_segments.storage.state import Held, State
from customer_segments.storage.warehouse import Warehouse
from customer_segments.tables import CONTRACTS, LABELS, OFFERS
from customer_segments_tests.installations import install

FIRST, LAST = date(2024, 1, 1), date(2024, 4, 1)
TODAY = date(2024, 6, 10)
MONTHLY = [name for name, c in CONTRACTS.items() if c.write_mode is WriteMode.REPLACE_MONTHS]
LABELLED = [contract.table for contract in LABELS]
SPINE = ["raw_transactions", *MONTHLY]


def month(number: int) -> date:
    return date(2024, number, 1)


@dataclass
class Draft:
    """All that the agenda looks at; by default four months, read, made, judged and reported."""

    installed: Installation
    files: dict[str, str] | None
    state: State = field(default_factory=State)
    reports: dict[date, str] = field(default_factory=dict)
    parser: str = "1"
    number: int = 0
    # What the serving copy is of; by default of what the warehouse holds.
    copied: State | None = None
    has_months: bool = True

    def publish(
        self,
        table: str,
        *months: int,
        rows: int = 10,
        is_changed: bool = True,
        model: str | None = None,
        made_by: str | None = None,
        is_judged: bool = True,
    ) -> None:
        """Publish months of a table, as the policy wants them; those of no table are one, 0."""
        held = self.state.tables.setdefault(table, {})
        for number in months:
            self.number += 1
            key = month(number).isoformat() if number else ""
            before = held.get(key)
            held[key] = Held(
                self.number,
                self.number if is_changed or before is None else before.changed,
                rows,
                f"{self.number}" if is_changed or before is None else before.digest,
                (model or self.state.champion) if table in LABELLED else None,
                made_by or self.installed.made_by(CONTRACTS[table]),
            )
        if table in SPINE and is_judged:
            self.state.judged[table] = self.number

    def champion(self, version: str) -> None:
        self.state = replace(self.state, champion=version, decision=self.state.decision + 1)
        self.publish("champion_model", 0)

    def rule(self, section: str, **values: object) -> None:
        """Change the policy, as the next run reads it."""
        changed = getattr(self.installed.policy, section).model_copy(update=values)
        policy = self.installed.policy.model_copy(update={section: changed})
        self.installed = replace(self.installed, policy=policy)

    def bounds(self, **bounds: str) -> None:
        """Set first or last month."""
        settings = self.installed.settings.model_copy(update=bounds)
        self.installed = replace(self.installed, settings=settings)

    def covered(self, first: int, last: int) -> None:
        months = Months(month(first), month(last), is_open=False, today=TODAY)
        self.installed = replace(self.installed, months=months)

    def report(self, *months: int) -> None:
        for number in months:
            share = Policy().campaigns.control_share
            self.reports[month(number)] = state_of(self.state, month(number), TODAY, share)

    def april(self, snapshot_date: str, last_day: str) -> None:
        """Have April's snapshot of a day, and lines that end on another."""
        self.state.snapshot_dates["2024-04-01"] = snapshot_date
        self.state = replace(self.state, last_day=last_day)

    @property
    def steps(self) -> list[Step]:
        copied = self.copied or self.state
        by_files = self.files, self.reports, self.parser
        return agenda(Facts(self.installed, self.state, *by_files, copied, self.has_months))

    @property
    def due(self) -> list[str]:
        """The steps, as people read them."""
        return [str(step) for step in self.steps]


def empty(folder: Path) -> Draft:
    """Nothing was read yet; a file is there."""
    settings = install(folder, folder)
    months = Months(FIRST, LAST, is_open=False, today=TODAY)
    installed = Installation(settings, Policy(), Warehouse(settings.warehouse_path), months)
    return Draft(installed, {"a.csv": "1", "b.csv": "1"})


def made(folder: Path) -> Draft:
    """Four months of which nothing is due."""
    draft = empty(folder)
    draft.state = State(files=dict(draft.files or {}), parser="1")
    numbers = [each.month for each in between(FIRST, LAST)]
    draft.publish("raw_transactions", *numbers)
    draft.publish("source_sheets", 0)
    for table in (table for table in MONTHLY if table not in LABELLED):
        draft.publish(table, *numbers)
    draft.publish("kmeans_model", 0)
    draft.publish("model_selection", 0)
    draft.champion("old")
    for table in LABELLED:
        draft.publish(table, *numbers)
    dates = {str(month(number)): str(month(number + 1)) for number in numbers}
    draft.state = replace(draft.state, snapshot_dates=dates, last_day="2024-04-30")
    for contract in OFFERS:
        draft.publish(contract.table, 0)
    draft.report(4)
    return draft
