"""Which months a command has to label again, also after one that was killed half way."""

from collections.abc import Callable

from customer_segments.automation.due import outdated_labels

from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments_tests.installations import execute, materialize

OTHER_SEED = {"ops": {"kmeans_model": {"config": {"seed": 43}}}}


def test_months_whose_tables_are_of_two_versions_are_labelled_again(
    sample_warehouse: Settings, copy_of: Callable[[Settings], Settings]
):
    settings = copy_of(sample_warehouse)
    warehouse = Warehouse(settings.warehouse_path)
    covered = Installation.of(settings).months
    assert outdated_labels(warehouse) is None

    execute(settings, "refit", run_config=OTHER_SEED)
    assert outdated_labels(warehouse) == (covered.first, covered.newest)
    # As far as a run came that was killed after its first table.
    materialize(settings, ["customer_segments"], covered.first, covered.newest)
    assert outdated_labels(warehouse) == (covered.first, covered.newest)
    execute(settings, "relabel", covered.first, covered.newest)
    assert outdated_labels(warehouse) is None
