"""What the source folder is told by from tick to tick."""

import os

from customer_segments.automation.facts import watched
from customer_segments_tests.ingestion.workbooks import HEADER, line, write_csv
from customer_segments_tests.installations import install

LONG_AGO = 1_500_000_000


def test_a_file_that_changes_content_but_neither_size_nor_time_is_another(tmp_path):
    settings = install(tmp_path / "shop", source_dir=tmp_path)
    seen, files = [], {}
    for quantity in (12, 12, 13):
        path = write_csv(tmp_path / "a.csv", [HEADER, line(Quantity=quantity)])
        # As whoever copies it may set it, a minute ago or more.
        os.utime(path, (LONG_AGO, LONG_AGO))
        files = watched(settings, files)
        seen.append((path.stat().st_size, files["a.csv"][2]))
    assert len({size for size, _ in seen}) == 1
    assert seen[0] == seen[1] != seen[2]
