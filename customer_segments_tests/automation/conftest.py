"""A tiny shop with a daemon that watches its folder, its clock in the test's hand."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from customer_segments.settings import Settings
from customer_segments_tests.installations import install
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    source = tmp_path / "source"
    source.mkdir()
    return install(tmp_path, source_dir=source)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def labelled_shop(tmp_path_factory) -> Path:
    """The folder of a shop of three months, all of them labelled and the newest reported."""
    folder = tmp_path_factory.mktemp("shop") / "world"
    with pytest.MonkeyPatch.context() as patch:
        world = World(folder, patch)
        for index in range(3):
            shop.deliver(world.source, index)
        world.run()
    return folder


@pytest.fixture
def world(labelled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of that shop, which a test may change; Dagster knows nothing of its past."""
    shutil.copytree(labelled_shop, tmp_path / "world")
    return World(tmp_path / "world", monkeypatch)
