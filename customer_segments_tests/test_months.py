"""Which months are covered: by the data, the calendar, the settings and the file of months."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from customer_segments import months
from customer_segments.covering import load_months, months_of_data, save_months
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import Months, shift
from customer_segments.settings import Settings

TODAY = date.today()
THIS_MONTH = months.month_of(TODAY)
MARCH, APRIL = date(2011, 3, 1), date(2011, 4, 1)


@pytest.fixture
def installed(tmp_path: Path):
    def settings(**chosen) -> Settings:
        return Settings(
            _env_file=None, source_dir=tmp_path, warehouse=tmp_path / "w.duckdb", **chosen
        )

    return settings


def covering(first: date, last: date, is_open: bool) -> Months:
    return Months(first, last, is_open, TODAY)


def loaded(settings: Settings) -> Months:
    return load_months(settings, TODAY)


def of_data(settings: Settings, first: date, last: date) -> Months:
    return months_of_data(loaded(settings), settings, first, last)


def keys(of: Months) -> list[str]:
    return list(of.partitions().get_partition_keys())


@pytest.mark.parametrize(
    ("month", "by", "expected"),
    [
        (date(2011, 1, 1), -1, date(2010, 12, 1)),
        (date(2011, 12, 1), 1, date(2012, 1, 1)),
        (date(2011, 6, 1), 0, date(2011, 6, 1)),
        (date(2011, 6, 1), -30, date(2008, 12, 1)),
        (date(2011, 6, 1), 31, date(2014, 1, 1)),
    ],
)
def test_shift(month, by, expected):
    assert shift(month, by) == expected


def test_months_of_a_run():
    assert months.months_of(["2011-04-01", "2011-03-01"]) == (MARCH, APRIL)


def test_old_data_is_a_historical_file_and_ends_with_its_last_month(installed):
    covered = of_data(installed(), date(2009, 12, 1), date(2011, 12, 9))
    assert covered == covering(date(2009, 12, 1), date(2011, 12, 1), False)
    assert len(list(covered)) == 25
    assert keys(covered) == [month.isoformat() for month in covered]
    assert keys(covered)[-1] == "2011-12-01"


@pytest.mark.parametrize("behind", [0, 1, 2])
def test_recent_data_is_live_and_reaches_into_the_current_month(installed, behind):
    last = shift(THIS_MONTH, -behind)
    covered = of_data(installed(), shift(last, -3), last.replace(day=5))
    assert covered == covering(shift(last, -3), last, True)
    assert covered.newest == THIS_MONTH
    assert [*covered][-1] == THIS_MONTH
    assert keys(covered) == [month.isoformat() for month in covered]


def test_data_three_months_behind_is_historical_unless_it_was_live_before(installed):
    last = shift(THIS_MONTH, -3)
    assert not of_data(installed(), MARCH, last).is_open
    installed().warehouse_path.touch()
    save_months(covering(MARCH, shift(THIS_MONTH, -1), True), installed())
    assert of_data(installed(), MARCH, last).is_open


def test_months_whose_files_went_away_are_covered_no_longer(installed):
    save_months(covering(MARCH, shift(APRIL, 3), False), installed())
    installed().warehouse_path.touch()
    assert of_data(installed(), APRIL, APRIL) == covering(APRIL, APRIL, False)


def test_a_last_month_to_come_stops_no_later_ingestion(installed):
    """It was remembered as one that data was of, and the clock taken for wrong."""
    chosen = installed(last_month=f"{shift(THIS_MONTH, 9):%Y-%m}")
    save_months(of_data(chosen, MARCH, APRIL), chosen)
    installed().warehouse_path.touch()
    assert of_data(chosen, MARCH, APRIL).newest == THIS_MONTH
    assert of_data(installed(), MARCH, APRIL).newest == APRIL


def test_a_clock_set_back_stops_the_ingestion(installed):
    installed().warehouse_path.touch()
    ahead = shift(THIS_MONTH, 1)
    save_months(Months(MARCH, ahead, is_open=True, today=ahead), installed())
    with pytest.raises(UserError, match="by this machine's clock"):
        of_data(installed(), MARCH, THIS_MONTH)


def test_impossible_dates_do_not_stretch_the_months(installed):
    covered = of_data(installed(), date(1900, 1, 1), date(2111, 1, 1))
    assert (covered.first, covered.last) == (months.EARLIEST, THIS_MONTH)
    assert of_data(installed(), date(2110, 1, 1), date(2111, 1, 1)).first == THIS_MONTH


def test_settings_have_the_last_word(installed):
    chosen = installed(first_month="2010-06", last_month="2011-02")
    covered = of_data(chosen, date(2011, 1, 1), THIS_MONTH)
    assert covered == covering(date(2010, 6, 1), date(2011, 2, 1), False)
    save_months(covering(MARCH, APRIL, False), installed())
    assert loaded(chosen) == covered
    assert loaded(installed(first_month="1999-11")).first == date(1999, 11, 1)
    assert loaded(installed(first_month="2011-04")) == covering(APRIL, APRIL, False)
    assert loaded(installed(first_month="2012-01")).last == date(2012, 1, 1)
    with pytest.raises(UserError, match="FIRST_MONTH 2999-01 is in the future"):
        loaded(installed(first_month="2999-01"))


@pytest.mark.parametrize("bounds", [{"first_month": "2011-05"}, {"last_month": "2011-02"}])
def test_settings_that_leave_out_all_of_the_data_stop_the_ingestion(installed, bounds):
    with pytest.raises(UserError, match=r"has 2011-03 to 2011-04, which .* leaves out altogether"):
        of_data(installed(**bounds), MARCH, APRIL)


@pytest.mark.parametrize("ahead", [0, 1, 15])
def test_a_last_month_that_is_not_over_has_partitions_up_to_the_current_month(installed, ahead):
    last = f"{shift(THIS_MONTH, ahead):%Y-%m}"
    covered = loaded(installed(first_month="2011-03", last_month=last))
    assert keys(covered) == [month.isoformat() for month in covered]
    assert covered.newest == THIS_MONTH
    assert keys(covered)[-1] == THIS_MONTH.isoformat()


def test_before_the_first_ingestion_there_is_the_current_month(installed):
    covered = Installation.of(installed()).months
    assert keys(covered) == [THIS_MONTH.isoformat()]
    assert not installed().months_path.exists()
    assert not installed().warehouse_path.exists()


def test_the_file_beside_the_warehouse_remembers_and_says_whether_partitions_changed(installed):
    settings = installed()
    historical = covering(MARCH, APRIL, False)
    assert save_months(historical, settings)
    assert settings.months_path == settings.warehouse.with_name("w.duckdb.months.json")
    assert loaded(installed()) == historical
    assert not save_months(historical, settings)
    assert save_months(covering(MARCH, date(2011, 5, 1), False), settings)
    assert save_months(covering(MARCH, date(2011, 5, 1), True), settings)
    # Open at the end: another month with data asks for no reload.
    assert not save_months(covering(MARCH, date(2011, 6, 1), True), settings)
    assert [path.name for path in settings.months_path.parent.iterdir()] == ["w.duckdb.months.json"]


def test_the_definitions_have_the_months_of_the_file(installed):
    save_months(covering(MARCH, APRIL, False), installed())
    graph = build_defs(Installation.of(installed())).resolve_asset_graph()
    partitions = graph.get(dg.AssetKey("customer_rfm")).partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys() == ["2011-03-01", "2011-04-01"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"first": "2011-03"}', '{"first": 3, "last": 4}']
)
def test_a_damaged_file_is_named(installed, text):
    installed().months_path.write_text(text)
    with pytest.raises(UserError, match=r"w\.duckdb\.months\.json is damaged.*Delete it"):
        build_defs(Installation.of(installed()))


def test_a_range_is_cut_to_what_is_covered():
    covered = covering(MARCH, shift(MARCH, 5), False)
    assert covered.clip(shift(MARCH, -2), APRIL) == (MARCH, APRIL)
    assert covered.clip(APRIL, shift(MARCH, 9)) == (APRIL, shift(MARCH, 5))
    assert covered.clip(shift(MARCH, 6), shift(MARCH, 9)) is None


def test_a_day_belongs_to_the_month_that_the_retailer_has():
    """Early on the 1st in Tokyo it is the month before in UTC: the retailer's clock decides."""
    tokyo = Months(date(2024, 1, 1), date(2024, 4, 1), True, date(2024, 5, 1), "Asia/Tokyo")
    assert tokyo.newest == date(2024, 5, 1)
    may = tokyo.partitions().time_window_for_partition_key("2024-05-01")
    assert may.start == datetime(2024, 4, 30, 15, tzinfo=UTC)
