"""What all sections of the policy have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Rules that belong together, described by the text below each; unknown keys fail.

    A ``launchpad`` can take them as its config.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
