"""Pairs of sources that share orders: how they are taken, in figures and in words.

Belongs here: what a pair is, and telling people of it. Does not: finding pairs (``identity``).
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from customer_segments.ingestion.orders.blocks import Block

SHOWN = 3
WORDS = {
    "correction": "the same export again: what stands in the later one counts",
    "cut": "orders that go on in the later one: nothing is superseded",
    "others": "other orders: only the same order in the later one counts instead",
}


class Pair(NamedTuple):
    """Two sources that share orders, and how they are taken.

    ``correction``: half of what they share agrees, so that the later is the same export again, and
    a number alone supersedes, whatever its customer and day are now. ``cut``: their orders go on in
    the later source, and nothing is superseded. ``others``: of receipts that start anew only
    the same order supersedes; without numbers these are customers who bought here and there on a
    day, and nothing is.

    ``shared`` numbers are in both, or customers' days where there are no numbers; ``agree`` counts
    those that are the same order, or days that have the same lines.
    """

    earlier: int
    later: int
    shared: int
    agree: int
    has_numbers: bool
    taken: Literal["correction", "cut", "others"] = "others"

    def taken_by(self, cut: Collection[tuple[int, int]], blocks: Sequence[Block] = ()) -> "Pair":
        """Return the pair with how it is taken; ``cut`` are those that have parts of orders.

        ``blocks`` says what stands at each place.
        """
        is_cut = (self.earlier, self.later) in cut
        if is_cut and blocks[self.earlier].source != blocks[self.later].source:
            return self._replace(taken="cut")
        return self._replace(taken="correction" if self.agree * 2 >= self.shared else "others")


def said_of(pairs: Sequence[Pair], names: Sequence[str]) -> Iterator[str]:
    """Say how pairs are taken, the first of each kind by name; ``names`` are by place."""
    for how, words in WORDS.items():
        of_kind = [pair for pair in pairs if pair.taken == how]
        for pair in of_kind[:SHOWN]:
            what = "invoice numbers" if pair.has_numbers else "days of a customer"
            yield (
                f"{names[pair.earlier]} and {names[pair.later]} share {pair.shared:,} {what}, "
                f"of which {pair.agree:,} agree: {words}."
            )
        if len(of_kind) > SHOWN:
            yield f"The same of {len(of_kind) - SHOWN:,} more pairs: {words}."
