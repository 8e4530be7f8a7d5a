"""An installation, Dagster instances, and the servers that alerts go to."""

import contextlib
import io
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from customer_segments.settings import Settings
from customer_segments_tests.alerts.servers import MailServer, WebhookServer, serving
from customer_segments_tests.ingestion.workbooks import HEADER, line, write
from customer_segments_tests.installations import install


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    source = tmp_path / "source"
    source.mkdir()
    write(source / "a.xlsx", [HEADER, line(), line(Quantity=2)])
    return install(tmp_path, source_dir=source)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def kept_instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with files, as a user has one: slower, and a database for each run."""
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield instance


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with serving(WebhookServer()) as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


@pytest.fixture
def by_webhook(installed: Settings, webhook: WebhookServer) -> Settings:
    return with_settings(installed, alerts=webhook.url)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that this process logs or prints, to the last detail."""
    root, said = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(said), root.level
    root.addHandler(handler)
    root.setLevel(1)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        yield said
    root.removeHandler(handler)
    root.setLevel(level)


def with_settings(settings: Settings, **changed: object) -> Settings:
    held = settings.model_dump(include=settings.model_fields_set)
    return Settings(_env_file=None, **held | changed)


def time_passes(path: Path, seconds: float) -> None:
    """Make all that an outbox remembers older."""
    with sqlite3.connect(path) as con:
        con.execute(
            f"UPDATE messages SET told_at = told_at - {seconds}, due_at = due_at - {seconds}"
        )
