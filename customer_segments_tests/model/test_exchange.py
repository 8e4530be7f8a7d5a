"""Versions exported and imported, through functions and through the command."""

import json
from datetime import date

import pytest

from customer_segments.errors import UserError
from customer_segments.model.exchange import export_version, from_json, import_version, to_json
from customer_segments.model.features import NEUTRAL
from customer_segments.model.fit import hash_version
from customer_segments.storage import Warehouse
from customer_segments.tables import CHAMPION_MODEL, CUSTOMER_SEGMENTS, KMEANS_MODEL
from customer_segments_tests.console import Done, start
from customer_segments_tests.installations import materialize
from customer_segments_tests.model.versions import (
    champion,
    choose,
    decisions,
    made_up,
    refit,
    warehouse_of,
)

ROWS = made_up([(1.0, 4.0, 9.0), (6.0, 1.0, 5.0)], ["Champions", "Hibernating"])
VERSION = ROWS[0]["version"]
OTHER = made_up([(1.0, 4.0, 9.5), (6.0, 1.0, 5.0)], ["Champions", "Hibernating"])


def changed(**changes) -> str:
    document = json.loads(to_json(VERSION, ROWS))
    document["kmeans_model"][0] |= changes
    return json.dumps(document)


def of_format_1(**changes) -> str:
    """A text as it was written before there was a checksum, or a score."""
    document = json.loads(changed(**changes))
    clusters = [
        {name: value for name, value in cluster.items() if name not in NEUTRAL}
        for cluster in document["kmeans_model"]
    ]
    del document["checksum"]
    return json.dumps(document | {"format_version": 1, "kmeans_model": clusters})


def rehashed(rows: list[dict]) -> str:
    version = hash_version(rows)
    return to_json(version, [row | {"version": version} for row in rows])


def test_out_and_in_again_is_the_same_text_and_labels(sample_warehouse, tmp_path):
    text = export_version(warehouse_of(sample_warehouse))
    empty = Warehouse(tmp_path / "new.duckdb")
    done = import_version(empty, text, source="model.json")
    assert done == type(done)(champion(sample_warehouse), is_new=True, is_promoted=True)
    assert export_version(empty) == export_version(empty, done.version) == text
    assert empty.load(KMEANS_MODEL).equals(warehouse_of(sample_warehouse).load(KMEANS_MODEL))
    (row,) = empty.load(CHAMPION_MODEL).to_dict("records")
    assert (row["verdict"], row["reason"]) == ("imported", "imported from model.json")

    # Once more changes nothing.
    again = import_version(empty, text, promote=True)
    assert (again.is_new, again.is_promoted) == (False, False)
    assert len(empty.load(CHAMPION_MODEL)) == 1


def test_an_imported_version_labels_and_is_the_one_to_beat(sample_warehouse, copy_of, tmp_path):
    installed = copy_of(sample_warehouse)
    with warehouse_of(installed).writing() as con:
        con.raw_sql("DROP TABLE champion_model")
        con.raw_sql("DROP TABLE kmeans_model")
    import_version(warehouse_of(installed), export_version(warehouse_of(sample_warehouse)))
    refit(installed, n_clusters=8)
    assert list(decisions(installed)["verdict"]) == ["imported", "kept"]


def test_beside_a_champion_it_waits_unless_it_is_promoted(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    old = champion(installed)
    done = import_version(warehouse_of(installed), to_json(VERSION, ROWS).encode())
    assert (done.is_new, done.is_promoted) == (True, False)
    assert champion(installed) == old
    import_version(warehouse_of(installed), to_json(VERSION, ROWS), promote=True)
    row = decisions(installed).iloc[-1]
    assert (row["verdict"], row["version"]) == ("imported", VERSION)
    assert (row["previous_version"], row["challenger"]) == (old, VERSION)
    assert "Champions -> Champions" in row["matching"]
    # Trained in a month that is here: chosen back and forth, with figures.
    choose(installed, version=old)
    assert decisions(installed).iloc[-1]["moved_share"] > 0


def test_a_choice_does_not_need_the_customers_it_was_trained_on(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    elsewhere = [row | {"training_month": row["training_month"].replace(1999)} for row in ROWS]
    done = import_version(warehouse_of(installed), rehashed(elsewhere))
    metadata = choose(installed, version=done.version, reason="the group's model")
    assert metadata["champion_version"] == done.version
    assert "moved_share" not in metadata
    assert decisions(installed).iloc[-1]["reason"] == "the group's model"
    month = date(2024, 12, 1)
    materialize(installed, ["customer_segments"], month, month, checks=False)
    labelled = warehouse_of(installed).query(
        CUSTOMER_SEGMENTS.relation.filter(CUSTOMER_SEGMENTS.relation.snapshot_month == month)
    )
    assert set(labelled["model_version"]) == {done.version}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "is not a model version"),
        ("{}", "is not a model version"),
        ('{"format_version": 4}', "has format version 4; this program reads 1 to 3"),
        ('{"format_version": 2}', "not a whole model version"),
        ('{"format_version": 1}', "not a whole model version"),
        ('{"format_version": 1, "version": "x", "kmeans_model": []}', "clusters are missing"),
        ('{"format_version": 1, "version": "x", "kmeans_model": [7]}', "not a whole"),
        (changed(recency_centroid=1.0000001), "not those of version"),
        (changed(training_month="2024-02-01"), "not those of version"),
        (changed(training_month="soon"), "not a whole model version"),
        (changed(customers=11), "not those of version"),
        (changed(customers=10.0), "customers is 10.0"),
        (changed(recency_mean=0), "recency_mean is 0"),
        (changed(segment=None), "segment is None"),
        (changed(segment="Hibernating"), "two clusters have one name"),
        (changed(segment="Best"), "its words are not those of version"),
        (changed(description="else"), "its words are not those of version"),
        (changed(suggested_action="do nothing"), "its words are not those of version"),
        (json.dumps(json.loads(of_format_1()) | {"format_version": 2}), "'checksum'"),
        (of_format_1(recency_centroid=1.0000001), "its numbers are not those of version"),
        (of_format_1(segment="New"), "named 'New', which has another meaning in moves"),
        (of_format_1(segment="gone"), "named 'gone', which has another meaning in moves"),
        (of_format_1(segment=""), "cannot be shown"),
        (of_format_1(segment=" Champions"), "cannot be shown"),
        (of_format_1(segment="Cham\npions"), "cannot be shown"),
        (of_format_1(segment="x" * 61), "cannot be shown"),
        (of_format_1(segment="hibernating"), "two clusters have one name"),
        (changed(extra=1), "its columns differ in extra"),
        (changed(version="other"), "not of one version"),
        (to_json(VERSION, ROWS[:1]), "clusters are missing"),
        (to_json(VERSION, ROWS[::-1]), "out of order"),
        (to_json(OTHER[0]["version"], ROWS), "not of one version"),
    ],
)
def test_a_text_that_was_tampered_with_is_refused(text, message, tmp_path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with pytest.raises(UserError, match=message):
        import_version(warehouse, text)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_breaks_the_contract_is_refused_whole(tmp_path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with pytest.raises(UserError, match="scales are positive"):
        import_version(warehouse, rehashed([row | {"recency_scale": -1.0} for row in ROWS]))
    assert len(warehouse.load(KMEANS_MODEL)) == len(warehouse.load(CHAMPION_MODEL)) == 0


def test_a_version_that_is_there_with_other_words_is_refused(tmp_path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    import_version(warehouse, to_json(VERSION, ROWS))
    with pytest.raises(UserError, match="is in the warehouse with other words"):
        import_version(warehouse, of_format_1(suggested_action="do nothing"))


def test_a_text_without_checksum_is_still_read(tmp_path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    assert import_version(warehouse, of_format_1(segment="x" * 60)).version == VERSION
    assert from_json(export_version(warehouse))[1][0]["segment"] == "x" * 60


def test_what_is_not_there_cannot_be_exported(tmp_path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with pytest.raises(UserError, match=r"no champion yet. Fit a model first, or import one"):
        export_version(warehouse)
    import_version(warehouse, to_json(VERSION, ROWS))
    with pytest.raises(UserError, match=f"no model version 'nope'. Choose one of {VERSION}"):
        export_version(warehouse, "nope")


def test_numbers_keep_all_their_digits():
    awkward = [row | {"inertia": 1234567.891, "recency_mean": -1e-17} for row in ROWS]
    version, rows = from_json(rehashed(awkward))
    assert (version, rows[0]["inertia"], rows[0]["recency_mean"]) == (
        hash_version(awkward),
        1234567.891,
        -1e-17,
    )


def test_the_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def models(*arguments: str) -> Done:
        return start(tmp_path, "models", *arguments, COLUMNS="100")

    assert "There is no model yet" in models("list").stdout
    missing = models("import", "nowhere.json")
    assert missing.returncode == 1
    assert "nowhere.json is not there" in missing.stderr
    for version, rows in ((VERSION, ROWS), (OTHER[0]["version"], OTHER)):
        (tmp_path / f"{version}.json").write_text(to_json(version, rows))
        assert models("import", f"{version}.json").returncode == 0
    lines = models("list").stdout.splitlines()
    assert ["UTC" in line for line in lines if VERSION in line] == [True]
    assert ["UTC" in line for line in lines if OTHER[0]["version"] in line] == [False]

    exported = tmp_path / f"{OTHER[0]['version']}.json"
    assert models("export", OTHER[0]["version"]).stdout == exported.read_text()
    assert models("export", "--to", "out.json").returncode == 0
    assert (tmp_path / "out.json").read_text() == to_json(VERSION, ROWS)
    assert "labels from now on" in models("import", exported.name, "--promote").stdout
    assert "cannot be written" in models("export", "--to", "no/folder/x.json").stderr
