"""The long form: ``python -m customer_segments_tests.hostile --inputs 10000``.

Makes files from a seed, lets them meet their fate, and prints what became of them. Ends with 1
if one crashed, hung, or lost a row. A batch that failed is made again by its own seed:
``--seed N --inputs 40``.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random, randrange
from tempfile import TemporaryDirectory

from customer_segments_tests.hostile.fate import fates, unpacked_here
from customer_segments_tests.hostile.inputs import make

BATCH = 40
# One in so many batches is read as in production, in processes of their own; the others are
# read here, and again as in production if that ended the process, as a file may: it is what the
# processes of their own are for. A row that is lost, or an error that is not clear, stays one.
CONTAINED = 10
ENDED = ("ended its process", "hangs", "PanicException", "MemoryError")
BATCH_SECONDS = 300


def batch(seed: int, is_contained: bool, results) -> None:
    """Make and read the files of one seed; send the outcomes, or what went wrong."""
    random = Random(seed)
    try:
        with TemporaryDirectory() as folder:
            made = [make(random, Path(folder), number) for number in range(BATCH)]
            if is_contained:
                outcomes = fates(made, Path(folder, "w.duckdb"))
            else:
                with unpacked_here():
                    outcomes = fates(made, Path(folder, "w.duckdb"))
        results.send(outcomes)
    except BaseException as error:
        # Panics of Rust are no Exceptions.
        results.send(f"{type(error).__name__}: {str(error)[:1000]}")


def outcome(seed: int, is_contained: bool) -> Counter[str] | str:
    """Run a batch in a process of its own."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=batch, args=(seed, is_contained, sender), daemon=False)
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(BATCH_SECONDS) else "hangs"
    except EOFError:
        return "ended its process"
    finally:
        process.kill()
        process.join()


def fate_of(seed: int) -> tuple[Counter[str] | str, bool]:
    """Return the outcomes of a batch, and whether it had to be read again as in production."""
    is_contained = seed % CONTAINED == 0
    found = outcome(seed, is_contained)
    if isinstance(found, str) and not is_contained and found.startswith(ENDED):
        return outcome(seed, True), True
    return found, False


def main() -> int:
    """Run batches side by side; print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=randrange(10**9))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + -(-given.inputs // BATCH))
    print(f"seed {given.seed}, {len(seeds) * BATCH:,} inputs")
    start, total, failed, again = time.monotonic(), Counter[str](), 0, 0
    with ThreadPoolExecutor(given.workers) as pool:
        for seed, (found, was_repeated) in zip(seeds, pool.map(fate_of, seeds), strict=True):
            again += was_repeated
            if isinstance(found, str):
                failed += 1
                print(f"CRASH in the batch of --seed {seed} --inputs {BATCH}: {found}", flush=True)
            else:
                total += found
    for kind, count in sorted(total.items()):
        print(f"{count:>8,}  {kind}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{again} batches read again as in production, since a file ended the process")
    print(
        f"{total.total():,} inputs in {time.monotonic() - start:.0f} s, peak {peak:.2f} GB, "
        f"{failed} batches with unexplained crashes"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
