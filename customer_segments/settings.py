"""Where the input is, where the warehouse is, and which months are covered.

Belongs here: what differs between installations, read from the environment or ``.env``.
Does not: what an analyst tunes (``policy``).
"""

import re
import tomllib
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from customer_segments.channels import channels
from customer_segments.errors import UserError
from customer_segments.source_files import TO_UNPACK, contents, nothing_in


def _like(pattern: str, otherwise: str) -> AfterValidator:
    """Take texts like a pattern; of others, say what is expected and not the pattern."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(otherwise)
        return text

    return AfterValidator(checked)


Month = Annotated[str, _like(r"\d{4}-(0[1-9]|1[0-2])", "it is not a month; write it as 2011-06")]
Memory = Annotated[
    str, _like(r"\d+(\.\d+)? ?[KMGT]i?B", "it is not a size; write it as 500MB or 1.5GB")
]
Url = Annotated[
    str, _like(r"https?://[^\s/?#]+(/\S*)?", "it is no web address; write it as https://host/path")
]


def project_root() -> Path:
    """Return the checkout the package lies in, or the working folder of an installed package."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "workspace.yaml").is_file() else Path.cwd()


SAMPLE = project_root() / "data/sample"


class Settings(BaseSettings):
    """Settings of one installation; relative paths are taken from the project folder.

    With nothing set and no file in ``data/source/``, the bundled sample is the input, and its
    results go to a warehouse and a reports folder of their own: made-up customers must never
    land in somebody's warehouse.
    """

    model_config = SettingsConfigDict(
        env_prefix="CUSTOMER_SEGMENTS_",
        env_file=project_root() / ".env",
        extra="ignore",
        # An error would quote what was set: the addresses of alerts, say.
        hide_input_in_errors=True,
    )

    config: Path = Field(Path("customer_segments.toml"), description="The file of the policy.")
    source_dir: Path = Field(Path("data/source"), description="Folder of the input workbooks.")
    warehouse: Path = Field(Path("data/warehouse.duckdb"), description="The DuckDB file.")
    reports_dir: Path = Field(Path("data/reports"), description="Pictures, workbooks and HTML.")
    first_month: Month | None = Field(None, description="First month covered, YYYY-MM.")
    last_month: Month | None = Field(None, description="Last month covered, YYYY-MM.")
    lock_timeout_seconds: float = Field(
        300, ge=0, description="How long to wait for another process that holds the warehouse."
    )
    memory: Memory = Field("1GB", description="Memory of DuckDB; beyond it, its disk.")
    spill_dir: Path | None = Field(
        None, description="Folder of what DuckDB has no memory for; beside the warehouse if none."
    )
    automation: bool = Field(
        False, description="Whether the schedule and the sensors are on from the first start."
    )
    database_password: SecretStr = Field(
        SecretStr(""), description="Password of the database, if one is the source."
    )
    ui_url: Url = Field("http://127.0.0.1:3000", description="The Dagster UI, for links.")
    alerts: SecretStr = Field(
        SecretStr(""), description="Addresses of alerts: docs/operations.md, Alerts."
    )

    @field_validator("ui_url")
    @classmethod
    def _ui_url(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("alerts")
    @classmethod
    def _known_addresses(cls, addresses: SecretStr) -> SecretStr:
        channels(addresses.get_secret_value())
        return addresses

    @field_validator("config", "source_dir", "warehouse", "reports_dir", "spill_dir")
    @classmethod
    def _from_project_root(cls, path: Path | None) -> Path | None:
        return path and project_root() / path.expanduser()

    @model_validator(mode="after")
    def _months_in_order(self) -> "Settings":
        if self.first_month and self.last_month and self.first_month > self.last_month:
            raise ValueError(
                f"FIRST_MONTH {self.first_month} is after LAST_MONTH {self.last_month}: swap them."
            )
        return self

    @cached_property
    def uses_sample(self) -> bool:
        """Whether the bundled sample stands in for input that nobody has given yet.

        Not where a warehouse is there already, nor where no sample is bundled, as in a wheel.
        """
        chosen = {"source_dir", "warehouse", "reports_dir", "first_month", "last_month"}
        is_new = not (chosen & self.model_fields_set) and not self.warehouse.exists()
        return is_new and SAMPLE.is_dir() and not self._has_input

    @property
    def has_outgrown_sample(self) -> bool:
        """Whether input came after these settings had chosen the sample for want of any."""
        return self.uses_sample and self._has_input

    @property
    def misses_config(self) -> bool:
        """Whether a file of rules is named and not there, so that the defaults hold."""
        return "config" in self.model_fields_set and not self.config.exists()

    @property
    def _has_input(self) -> bool:
        """Whether there is a file, readable or not, or a database that the rules name."""
        rules = {}
        # Whoever reads the rules says what is wrong with them.
        with suppress(OSError, ValueError):
            rules = tomllib.loads(self.config.read_text(encoding="utf-8-sig"))
        files, others = input_of(self.source_dir)
        # An archive is meant to be read.
        is_meant = files or any(name.lower().endswith(TO_UNPACK) for name in others)
        return bool(rules.get("source", {}).get("database") or is_meant)

    @property
    def input_dir(self) -> Path:
        """Folder that is read: ``source_dir``, or the sample's."""
        return self._or_sample(self.source_dir, "")

    @property
    def warehouse_path(self) -> Path:
        """DuckDB file that is written: ``warehouse``, or the sample's own."""
        return self._or_sample(self.warehouse, "warehouse.duckdb")

    @property
    def reports_path(self) -> Path:
        """Reports folder that is written: ``reports_dir``, or the sample's own."""
        return self._or_sample(self.reports_dir, "reports")

    @property
    def serving_path(self) -> Path:
        """DuckDB file that readers open in place of the warehouse: a copy, swapped in whole."""
        return self.warehouse_path.parent / "serving" / self.warehouse_path.name

    @property
    def months_path(self) -> Path:
        """Small file beside the warehouse that remembers which months the data covers."""
        return self.warehouse_path.with_name(self.warehouse_path.name + ".months.json")

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """First and last month as set, which decide rows as rules do."""
        return self.first_month, self.last_month

    @property
    def outbox_path(self) -> Path:
        """Small file beside the warehouse with the alerts that wait to be delivered."""
        return self.warehouse_path.with_name(self.warehouse_path.name + ".alerts.sqlite")

    def _or_sample(self, path: Path, sample: str) -> Path:
        return SAMPLE / sample if self.uses_sample else path

    def source_files(self) -> list[Path]:
        """Return the input workbooks in natural order of their names.

        A UserError says that the folder is missing or unreadable, or holds no workbook.
        """
        if not self.input_dir.is_dir():
            raise UserError(
                f"The source folder {self.input_dir} does not exist.",
                "Create it and put workbooks in it, or set CUSTOMER_SEGMENTS_SOURCE_DIR.",
            )
        files, others = input_of(self.input_dir)
        if not files:
            raise UserError(*nothing_in(f"The source folder {self.input_dir}", others))
        return files

    def passed_over(self) -> list[str]:
        """Return the names of what stands in the source folder and does not count as input.

        A warehouse may stand there; in the sample's folder, reports and an instance as well.
        """
        names = [] if self.input_dir == SAMPLE else input_of(self.input_dir)[1]
        return [name for name in names if not name.startswith(self.warehouse.name)]


def input_of(folder: Path) -> tuple[list[Path], list[str]]:
    """Return ``contents`` of a folder; a UserError says that it cannot be read."""
    try:
        return contents(folder)
    except OSError as error:
        raise UserError(
            f"The source folder {folder} cannot be read: {error.strerror}.",
            "Give the user that runs this read permission on it.",
        ) from error
