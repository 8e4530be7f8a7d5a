"""Whatever a file holds, it is refused with a clear error or all its rows are accounted for."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_segments.errors import UserError
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments_tests.examples import costly
from customer_segments_tests.hostile.fate import fates, unpacked_here
from customer_segments_tests.hostile.inputs import KINDS, make


@given(st.randoms(use_true_random=False))
@settings(costly(2), suppress_health_check=list(HealthCheck))
def test_generated_files_meet_one_of_two_fates(random):
    with TemporaryDirectory() as folder, unpacked_here():
        made = [make(random, Path(folder), number) for number in range(3)]
        assert fates(made, Path(folder, "w.duckdb")).total() == 3


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_each_kind_read_as_in_production(tmp_path, kind):
    made = KINDS[kind](Random(kind), tmp_path, 0)
    assert fates([made], tmp_path / "w.duckdb").total() == 1


@pytest.mark.parametrize("name", ["a\nb.csv", "a\x1b[31m.csv", "a\udcff.csv", "\u202eexe.csv"])
def test_a_file_name_that_cannot_be_shown_is_refused(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match="Rename the file") as raised:
        fingerprinted([tmp_path / name])
    assert str(raised.value).isprintable()
