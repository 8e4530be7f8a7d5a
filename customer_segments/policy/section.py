"""What all sections of the policy have in common."""

from copy import copy
from typing import Any, TypeVar

import dagster as dg
from pydantic import ConfigDict, create_model


class Section(dg.Config):
    """Rules that belong together; a launchpad can take them as its config. Unknown keys fail."""

    model_config = ConfigDict(extra="forbid")


Launched = TypeVar("Launched", bound=Section)


def launchpad(config: type[Launched], section: Section) -> type[Launched]:
    """Return the config class of an asset with what the policy says as its defaults.

    Parameters
    ----------
    config
        The section's class, or one that adds what a single launch may say.
    """
    fields: dict[str, Any] = {}
    for name in type(section).model_fields:
        field = copy(config.model_fields[name])
        field.default, field.default_factory = getattr(section, name), None
        fields[name] = (field.annotation, field)
    return create_model(config.__name__, __base__=config, __doc__=config.__doc__, **fields)
