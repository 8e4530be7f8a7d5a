"""The sample's newest report, made once for all tests that read it."""

import shutil
from datetime import date
from types import SimpleNamespace

import dagster as dg
import pytest

from customer_segments.outputs.reading import read_month
from customer_segments.outputs.view import MonthView
from customer_segments.policy.model import Campaigns
from customer_segments.shown import report_path
from customer_segments.storage import Warehouse
from customer_segments_tests.installations import execute, install
from customer_segments_tests.outputs.pages import Page

MONTH = date(2024, 12, 1)
# Long after it: what is not over yet is a matter of its own tests.
TODAY = date(2026, 1, 1)
SHARE = Campaigns().control_share


@pytest.fixture(scope="session")
def reported(sample_warehouse, tmp_path_factory) -> SimpleNamespace:
    """The sample with a report of its newest month, and the run that made it; not to be changed."""
    settings = install(tmp_path_factory.mktemp("reported"), source_dir=sample_warehouse.source_dir)
    shutil.copy(sample_warehouse.warehouse_path, settings.warehouse_path)
    shutil.copy(sample_warehouse.months_path, settings.months_path)
    result: dg.ExecuteInProcessResult = execute(settings, "report", MONTH, MONTH)
    path = report_path(settings.reports_path, MONTH)
    return SimpleNamespace(
        settings=settings,
        result=result,
        path=path,
        page=Page(path.read_text(encoding="utf-8")),
    )


@pytest.fixture(scope="session")
def sample_view(sample_warehouse) -> MonthView:
    """The view of the sample's newest month."""
    return read_month(Warehouse(sample_warehouse.warehouse_path), MONTH, TODAY, SHARE)
