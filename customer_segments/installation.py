"""An installation: where things are, by which rules, over which months.

Belongs here: what commands, definitions and tests make once, at the edge, and hand in. Does not:
the parts themselves.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from customer_segments.errors import UserError
from customer_segments.months import Months
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.storage import Contract, Warehouse


@dataclass(frozen=True)
class Installation:
    """All that follows from the environment and the policy's file.

    Parameters
    ----------
    months
        Months covered when this was made; after an ingestion make another.
    """

    settings: Settings
    policy: Policy
    warehouse: Warehouse
    months: Months

    @classmethod
    def of(cls, settings: Settings) -> "Installation":
        """Return the installation of some settings, with the policy of their file.

        Raises
        ------
        UserError
            If the policy's file or the file of months is wrong.
        """
        policy = Policy.load(settings.config)
        return cls(
            settings,
            policy,
            Warehouse(settings.warehouse_path, settings.lock_timeout_seconds),
            Months.load(settings, policy.source.today(), policy.source.time_zone),
        )

    @classmethod
    def here(cls) -> "Installation":
        """Return the installation that the environment describes.

        Raises
        ------
        UserError
            If a setting is wrong, which it names, or as ``of`` raises it.
        """
        try:
            return cls.of(Settings())
        except ValidationError as error:
            wrong = "; ".join(
                f"CUSTOMER_SEGMENTS_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
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

    def renewed(self) -> "Installation":
        """Return this installation with the policy and the months as they are now."""
        return Installation.of(self.settings)

    def made_by(self, contract: Contract, **departures: Any) -> str:
        """Return the fingerprint of the rules that decide a table's rows.

        Parameters
        ----------
        departures
            Sections, as dictionaries, that a launch set in place of the policy's.
        """
        return self.policy.fingerprint(
            contract.sections, {"bounds": self.settings.bounds}, **departures
        )
