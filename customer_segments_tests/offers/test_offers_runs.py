"""The jobs of this stage: on the bundled sample, and their figures on the real workbook."""

from datetime import date

import duckdb
import pytest

from customer_segments.automation.agenda import agenda
from customer_segments.automation.facts import look
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import RECOMMENDATION_BACKTEST
from customer_segments_tests.console import start
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.installations import materialize
from customer_segments_tests.machine import shop

MEASURES = ("hit_rate", "recall", "ndcg")


def test_the_command_offers_to_every_customer(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    settings.config.write_text("[recommend]\nnew_for_you = 4\n")
    done = start(settings.warehouse_path.parent, "recommend", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "new for you" in done.stdout
    assert "Champions bought more than others: " in done.stdout
    offered = ask(
        settings,
        "SELECT list, count(DISTINCT customer_id) = (SELECT count(DISTINCT customer_id) FROM "
        "cleaned_transactions WHERE NOT is_credit), max(rank) FROM product_recommendations "
        "GROUP BY 1 ORDER BY 1",
    )
    assert offered == [("buy again", True, 10), ("new for you", True, 4)]
    twice = "SELECT customer_id, stock_code FROM product_recommendations GROUP BY ALL"
    assert ask(settings, f"{twice} HAVING count(*) > 1") == []


@pytest.mark.slow  # test_daemon and test_cli have it, among other steps
def test_the_daemon_makes_offers_after_the_report_and_a_run_makes_none(world):
    assert agenda(look(world.installed)) == []
    shop.deliver(world.source, 3)
    world.run()
    assert [str(step) for step in agenda(look(world.installed))] == ["recommend"]
    world.daemon.reload()
    report = ("report", "2010-03", "2010-03")
    assert world.daemon.until_quiet() == [("recommend", None, None), report]
    assert agenda(look(world.installed)) == []


def test_without_products_there_is_nothing_to_offer(world):
    with duckdb.connect(str(world.settings.warehouse_path)) as con:
        con.execute("UPDATE cleaned_transactions SET stock_code = NULL, description = NULL")
    offers = ("product_recommendations", "segment_products", "recommendation_backtest")
    materialize(world.settings, offers)
    for table in offers:
        assert ask(world.settings, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_shop_of_three_months_cannot_judge_them_yet(world):
    materialize(world.settings, ["recommendation_backtest"])
    assert ask(world.settings, "SELECT count(*) FROM recommendation_backtest") == [(0,)]


@pytest.mark.slow  # a figure of the documentation; what a back-test counts is beside it
def test_the_lists_foretell_what_the_real_customers_bought(real_warehouse: Settings, copy_of):
    """Made as of 1 September 2011, held against September to November."""
    settings = copy_of(real_warehouse)
    materialize(settings, ["recommendation_backtest"])
    figures = Warehouse(settings.warehouse_path).load(RECOMMENDATION_BACKTEST)
    figures = figures.set_index("list")
    assert set(figures["as_of"].dt.date) == {date(2011, 9, 1)}
    assert figures["customers"].to_dict() == {
        "buy again": 2_245,
        "new for you": 2_157,
        "popular": 2_157,
    }
    for name, least in {
        "buy again": (0.83, 0.195, 0.37),
        "new for you": (0.48, 0.069, 0.098),
    }.items():
        assert (figures.loc[name, list(MEASURES)].to_numpy() >= least).all()
    popular = figures.loc["popular", list(MEASURES)]
    assert list(popular) == pytest.approx([0.292, 0.037, 0.054], abs=0.001)
