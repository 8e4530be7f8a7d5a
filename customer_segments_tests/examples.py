"""How many examples a property is tried on whose examples are costly.

Belongs here: their number. Does not: the profiles, which ``conftest`` has.
"""

from hypothesis import settings

# Of the profile of the suite.
USUAL = 40


def costly(examples: int) -> settings:
    """Return settings of so many examples, and of ten times as many in the long profile."""
    return settings(max_examples=examples * settings().max_examples // USUAL)
