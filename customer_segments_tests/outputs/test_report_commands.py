"""Reports by the command line, as a user starts it."""

from customer_segments.shown import report_path
from customer_segments_tests.commands.test_cli import sample_copied
from customer_segments_tests.console import start
from customer_segments_tests.outputs.conftest import MONTH

__all__ = ["sample_copied"]


def test_a_report_that_fails_hides_no_labels_and_is_made_by_the_next_command(
    tmp_path, sample_copied
):
    path = report_path(sample_copied.reports_path, MONTH)
    path.mkdir(parents=True)
    done = start(tmp_path, "run")
    assert done.returncode == 1
    assert "Segments of 2024-12" in done.stdout
    assert f"Report: {path}" not in done.stdout
    assert "The labels are published, but the report of 2024-12 is not made." in done.stderr
    assert "customer-segments report --months 2024-12" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(path.parent.glob(".*"))

    path.rmdir()
    done = start(tmp_path, "report")
    assert done.returncode == 0, done.stderr
    assert f"Report: {path}" in done.stdout
    assert path.is_file()


def test_months_that_are_not_covered_have_no_report(tmp_path, sample_copied):
    done = start(tmp_path, "report", "--months", "2024-12:2025-01")
    assert done.returncode == 1
    assert "2024-12 to 2025-01 are not all covered" in done.stderr


def test_without_labels_there_is_nothing_to_report(tmp_path):
    done = start(tmp_path, "report")
    assert done.returncode == 1
    assert "Nobody is labelled yet" in done.stderr
