"""The policy: every rule with its default, read from ``customer_segments.toml``.

Belongs here: what decides rows, models, checks and words, as one tree of classes, and the
fingerprint that tells which rules made a month. Does not: where things are and what is secret
(``settings``, from the environment).
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from customer_segments.errors import UserError, said_of
from customer_segments.policy.actions import DEFAULTS, Action
from customer_segments.policy.checks import Checks
from customer_segments.policy.engine import Engine
from customer_segments.policy.layout import Layout
from customer_segments.policy.model import (
    Algorithms,
    Backtest,
    Campaigns,
    Gate,
    Model,
    Profile,
    Selection,
)
from customer_segments.policy.rules import Cleaning, Recommend, Rfm, Segments, Source, Value

# They say what money is called, what somebody looked into, where rows are and whether they changed;
# no row depends on them.
NOT_IN_ROWS = {"source": {"currency", "accept", "database", "changed"}}


class Policy(BaseSettings):
    """All rules; without a file, their defaults. A section of the file each."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
        # An error would quote a password that does not belong there.
        hide_input_in_errors=True,
    )

    layout: list[Layout] = []
    source: Source = Source()
    cleaning: Cleaning = Cleaning()
    rfm: Rfm = Rfm()
    model: Model = Model()
    selection: Selection = Selection()
    gate: Gate = Gate()
    segments: Segments = Segments()
    actions: list[Action] = DEFAULTS
    value: Value = Value()
    recommend: Recommend = Recommend()
    checks: Checks = Checks()
    algorithms: Algorithms = Algorithms()
    backtest: Backtest = Backtest()
    campaigns: Campaigns = Campaigns()
    profile: Profile = Profile()
    engine: Engine = Engine()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Any, *_: Any, **__: Any
    ) -> tuple[Any, ...]:
        """Take values from the caller alone: the environment says where things are, no rule."""
        return (init_settings,)

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Return what a file says, defaults for the rest; defaults alone where there is no file.

        A UserError names file and key: it is not TOML, or a key or a value is wrong.
        """
        try:
            # Notepad puts a mark in front of the text.
            text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
            return cls(**tomllib.loads(text))
        except (tomllib.TOMLDecodeError, UnicodeError) as error:
            raise UserError(f"{path} is not TOML: {error}.", "Mend it there.") from error
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.", "Allow it.") from error
        except ValidationError as error:
            raise UserError(
                f"{path} is wrong: {'; '.join(map(_said, error.errors()))}.",
                "`customer-segments config` without this file shows every key with its default.",
            ) from error

    def fingerprint(
        self, sections: Iterable[str], others: Mapping[str, object] | None = None, **departures: Any
    ) -> str:
        """Return a short hash of the rules of some sections; empty for no section.

        ``others`` is what else decides rows, by name: the bounds of the months. ``departures`` are
        sections, as dictionaries, to take in place of the policy's: what one launch set.
        """
        said = self.model_dump(mode="json", include=set(sections), exclude=NOT_IN_ROWS)
        rules = {name: departures.get(name) or said[name] for name in sections}
        if not rules:
            return ""
        text = json.dumps([rules, others], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _said(problem: Any) -> str:
    is_unknown = problem["type"] == "extra_forbidden"
    what = "there is no such rule" if is_unknown else said_of(problem)
    return f"{'.'.join(map(str, problem['loc']))}: {what}"
