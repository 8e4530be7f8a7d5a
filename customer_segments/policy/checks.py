"""Thresholds of the checks: from where on a figure is worth a look, and from where on an error.

Belongs here: their classes; ``checks.toml`` has the numbers, with what they are compared with. Does
not: the figures (each stage's ``judges``), or what is exact and has no threshold (contracts,
reconciliation).
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from customer_segments.policy.section import Count, Section
from customer_segments.texts import read_toml

DEFAULTS = read_toml(__package__, "checks.toml")


class Limits(Section):
    """A figure at ``warn`` is worth a look, one at ``fail`` is an error."""

    warn: float
    fail: float


def _field(description: str, **limits: float) -> tuple[type[Limits], Any]:
    return Limits, Field(Limits(**limits), description=description)


_fields: dict[str, Any] = {name: _field(**default) for name, default in DEFAULTS.items()}
_Limited: Any = create_model("_Limited", __base__=Section, **_fields)


class Checks(_Limited):
    """Thresholds by check."""

    least_customers: Count = 30
    """Segments with fewer customers, then or now, are not judged, nor the moves of fewer."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Limits: ...
