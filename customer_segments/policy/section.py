"""What all sections of the policy have in common."""

from collections.abc import Callable
from copy import copy
from typing import Annotated, Any, TypeVar

import dagster as dg
from pydantic import ConfigDict, Field, create_model

Count = Annotated[int, Field(ge=1)]


class Section(dg.Config):
    """Rules that belong together, described by the text below each; unknown keys fail.

    A launchpad can take them as its config.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


Function = TypeVar("Function", bound=Callable[..., Any])


def launchpad(config: type[Section], section: Section) -> Callable[[Function], Function]:
    """Have an asset's ``config`` take what the policy says as its defaults.

    A decorator below Dagster's, which reads the annotation. ``config`` is the class of the policy's
    ``section``, or one that adds what a single launch may say.
    """
    fields: dict[str, Any] = {}
    for name in type(section).model_fields:
        field = copy(config.model_fields[name])
        field.default, field.default_factory = getattr(section, name), None
        fields[name] = (field.annotation, field)
    # The fields are described already; looking for their descriptions' source takes a while.
    unsearched = {"use_attribute_docstrings": False}
    of_policy = create_model(
        config.__name__,
        __base__=config,
        __doc__=config.__doc__,
        __cls_kwargs__=unsearched,
        **fields,
    )

    def annotated(function: Function) -> Function:
        function.__annotations__["config"] = of_policy
        return function

    return annotated
