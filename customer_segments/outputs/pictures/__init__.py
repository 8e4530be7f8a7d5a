"""The pictures of a month, drawn for people from its view.

Belongs here: which pictures there are, in the order of the report. ``palette`` says which colour
a segment has everywhere, ``style`` how all pictures look; the modules draw, by what they explain.
Every title says a finding with figures of the data, every axis has a unit.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_segments.outputs.pictures.picture import Picture
    from customer_segments.outputs.view import MonthView


def draw_pictures(view: "MonthView") -> "list[Picture]":
    """Draw all pictures of a month, in the order of the report.

    Those that cannot be drawn (no month before, no evaluation) are left out.
    """
    return [picture for picture in (draw(view) for draw in drawers()) if picture]


def drawers() -> "list[Callable[[MonthView], Picture | None]]":
    """Return what draws each picture, in the order of the report."""
    from customer_segments.outputs.pictures import cloud, customers, evaluation, moves, sizes

    return [
        *(sizes.sizes_and_revenue, sizes.segment_shares),
        *(moves.migration_flow, moves.migration_table),
        *(customers.retention, customers.snake, customers.distributions, cloud.planes),
        *(evaluation.number_of_segments, evaluation.stability, cloud.space),
        evaluation.foretelling,
    ]
