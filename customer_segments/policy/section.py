"""What all sections of the policy have in common."""

import ast
import sys
from collections.abc import Callable
from copy import copy
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

import dagster as dg
from pydantic import ConfigDict, Field, create_model

Count = Annotated[int, Field(ge=1)]


class Section(dg.Config):
    """Rules that belong together, described by the text below each; unknown keys fail.

    A launchpad can take them as its config.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the texts over as descriptions, which a launchpad shows."""
        for name, field in cls.model_fields.items():
            field.description = field.description or _texts(cls.__module__).get(
                (cls.__name__, name)
            )


@cache
def _texts(module: str) -> dict[tuple[str, str], str]:
    """Return the text below each field of a module's classes, by class and field.

    Pydantic's own ``use_attribute_docstrings`` takes a twentieth of a second for it.
    """
    return {
        (each.name, ast.unparse(field.target)): " ".join(str(text.value.value).split())
        for each in ast.parse(Path(str(sys.modules[module].__file__)).read_bytes()).body
        if isinstance(each, ast.ClassDef)
        for field, text in pairwise(each.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


Function = TypeVar("Function", bound=Callable[..., Any])


def launchpad(config: type[Section], section: Section) -> Callable[[Function], Function]:
    """Have an asset's ``config`` take what the policy says as its defaults.

    A decorator below Dagster's, which reads the annotation.

    Parameters
    ----------
    config
        The section's class, or one that adds what a single launch may say.
    section
        The policy's.
    """
    fields: dict[str, Any] = {}
    for name in type(section).model_fields:
        field = copy(config.model_fields[name])
        field.default, field.default_factory = getattr(section, name), None
        fields[name] = (field.annotation, field)
    of_policy = create_model(config.__name__, __base__=config, __doc__=config.__doc__, **fields)

    def annotated(function: Function) -> Function:
        function.__annotations__["config"] = of_policy
        return function

    return annotated
