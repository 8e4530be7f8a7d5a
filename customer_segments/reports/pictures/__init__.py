"""The pictures of a month, drawn for people from its evidence.

Belongs here: which pictures there are, in the order of the report. ``palette`` says which colour
a segment has everywhere, ``style`` how all pictures look; the modules draw, by what they explain.
Every title says a finding with figures of the data, every axis has a unit.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from customer_segments.reports.pictures.picture import Picture

if TYPE_CHECKING:
    from customer_segments.reports.evidence import Evidence

__all__ = ["Picture", "draw_pictures"]


def draw_pictures(evidence: "Evidence") -> list[Picture]:
    """Draw all pictures of a month, in the order of the report.

    Those that cannot be drawn (no month before, no evaluation) are left out.
    """
    drawn = (draw(evidence) for draw in _drawers())
    return [picture for picture in drawn if picture]


def _drawers() -> "tuple[Callable[[Evidence], Picture | None], ...]":
    from customer_segments.reports.pictures import (
        cloud,
        customers,
        evaluation,
        moves,
        returning,
        sizes,
    )

    return (
        sizes.sizes_and_revenue,
        sizes.segment_shares,
        moves.migration_flow,
        moves.migration_table,
        returning.retention,
        customers.distributions,
        customers.snake,
        cloud.planes,
        cloud.space,
        evaluation.number_of_segments,
        evaluation.stability,
        evaluation.foretelling,
    )
