"""The command ``config``: the policy in force and the settings, and where each value is from.

Belongs here: laying them out as TOML. Does not: reading them (``policy``, ``installation``).
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit
import typer

from customer_segments.installation import PREFIX, Installation, given_variables

WIDTH = 60


def config() -> None:
    """Print every rule and every setting, and where its value comes from.

    As TOML: what is printed is a customer_segments.toml that says the same.
    """
    installed = Installation.here()
    for line in (*_settings_lines(installed), "", *_policy_lines(installed)):
        # Neither wrapped nor coloured: to be kept as a file, or searched.
        typer.echo(line)


def _policy_lines(installed: Installation) -> Iterator[str]:
    """Yield the policy's sections, a key a line, with ``file`` or ``default`` behind it."""
    path = installed.settings.config
    text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    given = dict(_leaves(tomllib.loads(text)))
    yield f"# Rules, from {path}" + ("" if given else " (not there, so these are the defaults)")
    rules = installed.policy.model_dump(mode="json").items()
    # In TOML a key of the file itself stands before all sections, and an empty list is a key.
    for name, said in sorted(rules, key=lambda rule: rule[1] != []):
        is_list = isinstance(said, list)
        if not said:
            yield _line(name, said, path.name if (name,) in given else "default")
        for section in said if is_list else [said]:
            yield from ("", f"[[{name}]]" if is_list else f"[{name}]")
            for keys, value in _leaves(section):
                said_there = (name,) if is_list else (name, *keys)
                where = path.name if said_there in given else "default"
                yield _line(tomlkit.key(keys).as_string(), value, where)


def _settings_lines(installed: Installation) -> Iterator[str]:
    """Yield the settings as comments, since they are no rules; secrets are masked."""
    given = given_variables()
    yield "# Settings, from the environment and .env"
    for name, value in installed.settings.model_dump(mode="json").items():
        variable = f"{PREFIX}{name}".upper()
        yield _line(variable, value, given.get(variable, "default"), is_rule=False)
    if installed.settings.uses_sample:
        yield "# Nothing is configured: the bundled sample is read, with a warehouse of its own:"
        yield f"# {installed.settings.input_dir}, {installed.settings.warehouse_path}"


def _leaves(section: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys and the value of all that is no table."""
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, *above, key)
        else:
            yield (*above, key), value


def _line(key: str, value: Any, where: str, *, is_rule: bool = True) -> str:
    # TOML knows no null: a key that says nothing is a comment, as all is that is no rule.
    if value is None:
        said = f"{key} is not set"
    else:
        said = f"{key} = {tomlkit.item(value).as_string() or '{}'}"
    comment = "" if is_rule and value is not None else "# "
    return f"{comment + said:<{WIDTH}}  # {where}"
