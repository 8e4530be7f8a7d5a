"""The sample as the dashboard's pages read it, without a browser."""

import sys
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from customer_segments.dashboard.reading import Seen, look
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests import console


@pytest.fixture(scope="module")
def seen(sample_warehouse: Settings) -> Seen:
    """What there is to see of the sample."""
    found = look(Installation.of(sample_warehouse))
    assert found
    return found


@pytest.fixture
def opened(sample_warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page by the name of its module, or by none what leads to them all.

    Texts, tables and figures can be read from it.
    """
    for name, value in console.environment(sample_warehouse.warehouse_path.parent).items():
        monkeypatch.setenv(name, value)
    # Streamlit leaves the page in its place, and processes of other tests would start by that.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def open_it(name: str, address: dict[str, str] | None = None, **chosen: object) -> AppTest:
        app = AppTest.from_function(_page, default_timeout=60, args=(name,))
        for key, value in chosen.items():
            app.session_state[key] = value
        app.query_params.update(address or {})
        app.run()
        assert not app.exception
        return app

    return open_it


def _page(name: str) -> None:
    from importlib import import_module

    from customer_segments.dashboard.app import main
    from customer_segments.dashboard.reading import look
    from customer_segments.installation import Installation

    if not name:
        return main()
    import_module(f"customer_segments.dashboard.{name}").page(look(Installation.here()))
