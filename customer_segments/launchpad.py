"""The policy as what Dagster's launchpads begin with.

Does not belong here: the rules (``policy``), which Dagster need not be loaded for.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import dagster as dg
from pydantic import create_model

from customer_segments.policy.section import Section

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
        __base__=(config, dg.Config),
        __doc__=config.__doc__,
        __cls_kwargs__=unsearched,
        **fields,
    )

    def annotated(function: Function) -> Function:
        function.__annotations__["config"] = of_policy
        return function

    return annotated
