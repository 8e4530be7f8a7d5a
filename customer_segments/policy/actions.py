"""What to do about some customers in place of what suits their segment: ``[[actions]]``.

Belongs here: what a line may say; ``actions.toml`` has the lines of the default. Does not: which
line is a customer's (``segments.actions``), what suits a segment (``model.names``).
"""

from typing import Final, Literal

from pydantic import Field, model_validator

from customer_segments.policy.section import Count, Section
from customer_segments.texts import read_toml

ANY: Final = "any"


class Action(Section):
    """What to do about some customers; of several lines that match one, the first counts."""

    segment: str = ANY
    """Name of their segment, or any."""
    account_tier: Literal["any", "retail", "wholesale"] = ANY
    """Their account tier, or any."""
    min_recency_days: int = Field(default=0, ge=0)
    """Least days since their last order."""
    max_recency_days: Count | None = None
    """Most days since their last order; empty for no end."""
    action: str = ""
    """What to do about them; empty for what suits their segment."""
    channel: str = ""
    """How to reach them: mail, phone, letter, none."""
    why: str = ""
    """Why them, in a sentence."""

    @model_validator(mode="after")
    def _days_in_order(self) -> "Action":
        if self.max_recency_days is not None and self.min_recency_days > self.max_recency_days:
            raise ValueError(
                f"min_recency_days {self.min_recency_days} is more than max_recency_days "
                f"{self.max_recency_days}: swap them."
            )
        return self


DEFAULTS = [Action(**line) for line in read_toml(__package__, "actions.toml")["actions"]]
