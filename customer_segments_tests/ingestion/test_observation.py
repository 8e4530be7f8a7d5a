"""Observing the workbooks tells whether there is anything new, and writes nothing."""

import os
from collections.abc import Callable

import dagster as dg

from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.ingestion.workbooks import HEADER, line, write_csv
from customer_segments_tests.installations import execute


def observing(settings: Settings) -> Callable[[], str]:
    """Return what finds the data version of the workbooks as the UI's Observe button does."""
    job = dg.define_asset_job("observe", dg.AssetSelection.assets("transaction_workbooks"))
    defs = dg.Definitions.merge(build_defs(Installation.of(settings)), dg.Definitions(jobs=[job]))

    def observed() -> str:
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def("observe").execute_in_process(instance=instance)
            (event,) = result.get_asset_observation_events()
        return event.asset_observation_data.asset_observation.tags["dagster/data_version"]

    return observed


def test_the_version_follows_content_and_names_alone(installed):
    path = write_csv(installed.source_dir / "a.csv", [HEADER, line()])
    observed = observing(installed)
    versions = [observed()]
    os.utime(path, (0, 0))
    (installed.source_dir / "notes.docx").write_text("not input")
    assert observed() == versions[0]
    write_csv(path, [HEADER, line(Quantity=13)])
    versions.append(observed())
    path = path.rename(installed.source_dir / "b.csv")
    versions.append(observed())
    write_csv(installed.source_dir / "c.csv", [HEADER])
    versions.append(observed())
    assert len(set(versions)) == 4
    (installed.source_dir / "c.csv").unlink()
    assert observed() == versions[2]
    assert not installed.warehouse_path.exists()
    assert not installed.months_path.exists()


def test_an_ingestion_observes_what_it_reads(installed):
    write_csv(installed.source_dir / "a.csv", [HEADER, line()])
    result = execute(installed, "ingest", checks=False)
    (event,) = result.get_asset_observation_events()
    version = event.asset_observation_data.asset_observation.tags["dagster/data_version"]
    assert version == observing(installed)()
    made = result.asset_materializations_for_node("ingest_workbooks")
    # Of this version and no former one, or the UI would show them as out of date.
    assert {each.tags["dagster/input_data_version/transaction_workbooks"] for each in made} == {
        version
    }
