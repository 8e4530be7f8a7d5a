"""Independent computations on all processors, with the same result on any number of them.

Not what is computed. scikit-learn and NumPy let go of the interpreter while they compute.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what the function makes of each item, in their order.

    Each call computes on one thread: sums are then added up in one order on any machine.
    """
    # BLAS is limited for the process, OpenMP for each thread by itself.
    with (
        threadpool_limits(limits=1),
        ThreadPoolExecutor(os.cpu_count(), initializer=threadpool_limits, initargs=(1,)) as pool,
    ):
        return list(pool.map(function, items))
