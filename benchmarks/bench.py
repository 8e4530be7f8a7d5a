"""``make bench``: the whole run against a notebook, on the same workbooks, one after the other.

Belongs here: choosing the input, and the order of things. Does not: how a side is measured
(``sides``), how it is printed (``report``). Importing this must stay light; ``sides`` says why.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.report import print_machine, print_peers, print_ratios, print_side
from benchmarks.sides import (
    ROOT,
    explain_notebook,
    explain_run,
    measure_notebook,
    measure_run,
    measure_stock,
    typical,
)

REAL_WORKBOOK = ROOT.parent / "shared/data/online_retail_II.xlsx"
SAMPLE = ROOT / "data/sample"


def choose_input(given: list[Path]) -> tuple[list[Path], str]:
    """Return the workbooks to measure with, and why these.

    Parameters
    ----------
    given
        Workbooks, or folders of them, asked for; may be empty.
    """
    if given:
        return _workbooks(given), "as asked for"
    if os.environ.get("BENCH_INPUT"):
        return _workbooks([Path(os.environ["BENCH_INPUT"])]), "from BENCH_INPUT"
    if REAL_WORKBOOK.is_file():
        return [REAL_WORKBOOK], "the real workbook, beside the project"
    if files := _workbooks_in(ROOT / "data/source"):
        return files, "from data/source/"
    return _workbooks_in(SAMPLE), "the bundled sample, for want of workbooks in data/source/"


def _workbooks(paths: list[Path]) -> list[Path]:
    files = [
        file.resolve()
        for path in paths
        for file in (_workbooks_in(path) if path.is_dir() else [path])
    ]
    wrong = [file for file in files if file.suffix.lower() != ".xlsx" or not file.is_file()]
    if wrong or not files:
        raise SystemExit(f"Not an .xlsx workbook: {', '.join(map(str, wrong or paths))}")
    return files


def _workbooks_in(folder: Path) -> list[Path]:
    """Return what both sides can read: the notebook knows no CSV or Parquet."""
    return sorted(file for file in folder.glob("*.xlsx") if not file.name.startswith((".", "~$")))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description="Time `customer-segments run` against a notebook-style script.",
    )
    parser.add_argument("input", nargs="*", type=Path, help="workbooks, or a folder of them")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="medians of N times")
    arguments = parser.parse_args()
    repeat = max(arguments.repeat, 1)
    files, why = choose_input(arguments.input)

    console = Console()
    size = sum(file.stat().st_size for file in files) / 1e6
    names = ", ".join(file.name for file in files)
    console.print(f"Input: {names} ({size:.1f} MB), {why}", highlight=False, soft_wrap=True)
    print_machine(console)

    with TemporaryDirectory(prefix="customer-segments-bench-") as temporary:
        folders = [Path(temporary, str(number)) for number in range(repeat)]
        runs, notebooks = [], []
        for folder in folders:
            # The run goes first: what is not in the disk cache yet counts against it.
            with console.status("customer-segments run ..."):
                runs.append(measure_run(files, folder / "run"))
            with console.status("the notebook ... (minutes, on the real workbook)"):
                notebooks.append(measure_notebook(files, folder / "notebook"))
        others = {}
        with console.status("others ..."):
            calamine, stock = Path(temporary, "calamine"), Path(temporary, "stock")
            others["notebook, calamine"] = measure_notebook(files, calamine, "calamine")
            others["Dagster, pandas, DuckDB"] = measure_stock(files, stock)
        run = typical(
            [explain_run(used, at / "run") for used, at in zip(runs, folders, strict=True)]
        )
        notebook = typical(
            [
                explain_notebook(used, at / "notebook")
                for used, at in zip(notebooks, folders, strict=True)
            ]
        )

    medians = f", medians of {repeat}" if repeat > 1 else ""
    print_side(f"customer-segments run{medians}", run, console)
    print_side(f"Notebook{medians}", notebook, console)
    print_ratios(run, notebook, console)
    print_peers(run.usage, others, console)
    if SAMPLE in files[0].parents:
        console.print("The targets are meant for the real workbook, which the sample is not.")


if __name__ == "__main__":
    main()
