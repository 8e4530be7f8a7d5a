"""Write a file of invented customers: ``python -m benchmarks.sample PATH``."""

import argparse
import sys
from pathlib import Path

from benchmarks.sample.writers import WORKBOOK_CUSTOMERS, write_parquet, write_workbook
from customer_segments.errors import UserError

WRITERS = {".xlsx": write_workbook, ".parquet": write_parquet}


def main() -> None:
    """Write the file that the arguments describe; end with 1 if it cannot be made."""
    parser = argparse.ArgumentParser("python -m benchmarks.sample", description=__doc__)
    parser.add_argument("path", type=Path, help="where to write: .xlsx, or .parquet for any size")
    parser.add_argument("--customers", type=int, default=WORKBOOK_CUSTOMERS, help="how many")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same rows")
    given = parser.parse_args()
    write = WRITERS.get(given.path.suffix.lower())
    if write is None:
        sys.exit(f"{given.path} is neither .xlsx nor .parquet. Give it one of these endings.")
    try:
        write(given.path, customers=given.customers, seed=given.seed)
    except UserError as error:
        sys.exit(str(error))
    print(f"{given.path} is written.")


if __name__ == "__main__":
    main()
