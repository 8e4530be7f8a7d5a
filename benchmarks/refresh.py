"""``make bench-refresh``: a month that arrives, next to a full run over the same workbooks.

Belongs here: the sample cut into 1, 10 and 50 old workbooks and one with a new month, and what
the command takes for each. Does not: the comparison with a notebook (``bench``).
"""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.report import print_machine
from benchmarks.sides import Usage, measure_command

OLD_WORKBOOKS = (1, 10, 50)
NEW_MONTH = "2024-12"
TARGET = 0.5


def cut(folder: Path, old_workbooks: int) -> tuple[list[Path], Path]:
    """Write the sample as so many old workbooks, by time, and one with the newest month."""
    import pandas as pd

    from benchmarks.sample.transactions import transaction_chunks
    from benchmarks.sample.writers import WORKBOOK_CUSTOMERS

    folder.mkdir(parents=True)
    chunks = transaction_chunks(customers=WORKBOOK_CUSTOMERS, seed=7)
    lines = pd.concat(chunks).sort_values(["InvoiceDate", "Invoice"], ignore_index=True)
    is_new = lines["InvoiceDate"] >= NEW_MONTH
    old, paths = lines[~is_new], []
    ends = [len(old) * n // old_workbooks for n in range(old_workbooks + 1)]
    for number, (first, last) in enumerate(pairwise(ends), 1):
        paths.append(folder / f"{number:03d}.xlsx")
        old.iloc[first:last].to_excel(paths[-1], index=False)
    newest = folder / "new.xlsx"
    lines[is_new].to_excel(newest, index=False)
    return paths, newest


def measure(folder: Path, old_workbooks: int) -> tuple[Usage, Usage]:
    """Return what a full run over all workbooks takes, and the run after the newest arrived."""
    old, newest = cut(folder / "workbooks", old_workbooks)
    full = _installation(folder / "full", [*old, newest])
    monthly = _installation(folder / "monthly", old)
    measure_command(["run"], monthly, folder / "before.log")
    (Path(monthly["CUSTOMER_SEGMENTS_SOURCE_DIR"]) / newest.name).symlink_to(newest)
    return (
        measure_command(["run"], full, folder / "full.log"),
        measure_command(["run"], monthly, folder / "refresh.log"),
    )


def _installation(folder: Path, files: list[Path]) -> dict[str, str]:
    source = folder / "source"
    source.mkdir(parents=True)
    for file in files:
        (source / file.name).symlink_to(file)
    return {
        "CUSTOMER_SEGMENTS_SOURCE_DIR": str(source),
        "CUSTOMER_SEGMENTS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CUSTOMER_SEGMENTS_REPORTS_DIR": str(folder / "reports"),
    }


def main() -> None:
    console = Console()
    console.print("The sample, 23 months in old workbooks and one new month.", highlight=False)
    print_machine(console)
    grid = Table(title="A new month against a full run: wall time, and work", title_justify="left")
    for heading in ("Old files", "Full", "Refresh", "Ratio", "Full", "Refresh", "Ratio", ""):
        grid.add_column(heading, justify="right", no_wrap=True)
    with TemporaryDirectory(prefix="customer-segments-bench-") as temporary:
        for old_workbooks in OLD_WORKBOOKS:
            folder = Path(temporary, str(old_workbooks))
            with console.status(f"{old_workbooks} old workbooks ..."):
                full, refresh = measure(folder, old_workbooks)
            work = [
                _work(folder / name / "warehouse.duckdb", usage)
                for name, usage in (("full", full), ("monthly", refresh))
            ]
            grid.add_row(
                f"{old_workbooks}",
                f"{full.wall:.2f} s",
                f"{refresh.wall:.2f} s",
                f"{refresh.wall / full.wall:.2f}",
                *(f"{seconds:.2f} s" for seconds in work),
                f"{work[1] / work[0]:.2f}",
                "[green]PASS[/]" if work[1] < TARGET * work[0] else "[red]MISS[/]",
            )
    console.print(grid)
    console.print(
        "Work is the time inside the steps that fill tables; wall time adds Python's imports, "
        "Dagster's start and the newest month's report, which are the same for both."
    )


def _work(warehouse: Path, usage: Usage) -> float:
    """Return the seconds inside the steps of a command that fill tables, from Dagster's records."""
    from benchmarks.stages import REPORTS, stage_seconds

    stages = stage_seconds(warehouse, usage.started)[0]
    return sum(seconds for stage, seconds in stages.items() if stage not in REPORTS)


if __name__ == "__main__":
    main()
