"""An installation: where things are, by which rules, over which months.

Belongs here: what commands, definitions and tests make once, at the edge, and hand in. Does not:
the parts themselves.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values
from pydantic import ValidationError

from customer_segments.covering import load_months
from customer_segments.errors import UserError, said_of
from customer_segments.months import Months
from customer_segments.policy import Policy
from customer_segments.settings import Settings, project_root
from customer_segments.storage import Contract, Warehouse
from customer_segments.storage.delta import Delta
from customer_segments.storage.lake import Lake

if TYPE_CHECKING:
    from upath import UPath

PREFIX = Settings.model_config.get("env_prefix", "")


def given_variables() -> dict[str, str]:
    """Return where each of our variables is set: in the environment, else in ``.env``."""
    path = project_root() / ".env"
    given = {name.upper(): ".env" for name in dotenv_values(path)}
    given |= {name.upper(): "the environment" for name in os.environ}
    return {name: where for name, where in given.items() if name.startswith(PREFIX)}


def settings_here() -> Settings:
    """Return the settings of the environment; a UserError names what is none, or is wrong."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    try:
        given = given_variables().items()
        if unknown := [f"{name} in {where}" for name, where in given if name not in known]:
            raise UserError(
                f"No such setting: {', '.join(unknown)}.",
                "Mend the name or take it out: docs/operations.md, Settings. Rules are no "
                "settings; they stand in customer_segments.toml.",
            )
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: {said_of(problem)}"
            for problem in error.errors()
        )
        raise UserError(
            f"A setting is wrong: {wrong}.", "Mend it in the environment or in .env."
        ) from error
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"The file .env cannot be read: {error}.",
            "It has to be a text file in UTF-8 that the user who runs this may read.",
        ) from error


@dataclass(frozen=True)
class Installation:
    """All that follows from the environment and the policy's file.

    The months are those covered when this was made; after an ingestion make another.
    """

    settings: Settings
    policy: Policy
    warehouse: Warehouse
    months: Months

    @classmethod
    def of(cls, settings: Settings, policy: Policy | None = None) -> "Installation":
        """Return the installation of some settings, with the policy of their file or another.

        A UserError says what is wrong in that file or in the file of months, or that what the
        engine needs is not installed.
        """
        policy, path = policy or Policy.load(settings.config), settings.warehouse_path
        engine, lake = policy.engine, None
        engine.require_installed()
        if engine.lake:
            lake = Lake(Delta(_folder(engine.lake), str(path)), engine.engine, settings.memory)
        waits, memory = settings.lock_timeout_seconds, settings.memory
        warehouse = Warehouse(path, waits, memory, settings.spill_dir, lake)
        months = load_months(settings, policy.source.today(), policy.source.time_zone)
        return cls(settings, policy, warehouse, months)

    @classmethod
    def here(cls) -> "Installation":
        """Return the installation that the environment describes; raises as ``of`` does."""
        return cls.of(settings_here())

    @property
    def input(self) -> str:
        """Where the input is: the folder, or the address of the database."""
        return self.policy.source.database or str(self.settings.input_dir)

    @property
    def copy(self) -> Warehouse:
        """The serving copy: opened as a warehouse is, one without the lines of transactions."""
        return Warehouse(
            self.settings.serving_path,
            memory=self.settings.memory,
            spill_dir=self.settings.spill_dir,
        )

    def renewed(self) -> "Installation":
        """Return this installation with the policy and the months as they are now."""
        return Installation.of(self.settings)

    def made_by(self, contract: Contract, **departures: Any) -> str:
        """Return the fingerprint of the rules, and of the code, that decide a table's rows.

        Departures are sections, as dictionaries, that a launch set in place of the policy's.
        """
        others: dict[str, Any] = {"bounds": self.settings.bounds}
        if contract.revision:
            others["revision"] = contract.revision
        return self.policy.fingerprint(contract.sections, others, **departures)


def _folder(lake: str) -> "UPath":
    from upath import UPath

    if "://" in lake:
        # Engines write to it as well.
        return UPath(lake, use_listings_cache=False)
    return UPath(project_root() / Path(lake).expanduser())
