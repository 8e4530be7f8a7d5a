"""Starts the product again and again without paying for its imports each time.

Belongs here: a process that has every library loaded and forks a child per request, which then is
``customer-segments``. Does not: judging what the child did. Started by ``project.Project`` with
the folder of a copied project first on its path; speaks JSON lines on stdin and stdout.
"""

import json
import os
import resource
import sys
from importlib import import_module

from customer_segments_tests.faults import hooks

PRELOADED = (
    *(
        "customer_segments.commands.run",
        "customer_segments.outputs.summary",
        "customer_segments.ingestion.files.reading",
    ),
    *("customer_segments.ingestion.reuse", "customer_segments.ingestion.orders.settling"),
    "customer_segments.model.fit",
    *("customer_segments.model.comparison", "customer_segments.model.selection"),
    *("customer_segments.storage.publish", "customer_segments.ingestion.files.download"),
    *("ibis.backends.duckdb", "pandas", "pyarrow", "sklearn.cluster", "sklearn.metrics"),
    *("fastexcel", "requests", "tenacity", "sqlglot.lineage", "dagster"),
)


def main() -> None:
    """Fork a child for each request that comes in, and say how it ended."""
    for name in PRELOADED:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _be_the_product(request)
        tell(started=pid)
        tell(ended=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def tell(fd: int = 1, **message: object) -> None:
    """Write a line in one go: the child and the zygote share the pipe."""
    os.write(fd, (json.dumps(message) + "\n").encode())


def _be_the_product(request: dict) -> None:
    pipe = os.dup(1)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for fd in (1, 2):
        os.dup2(log, fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(request.get("environment", {}))
    if size := request.get("largest_file"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if attempts := request.get("network_attempts"):
        hooks.refuse_network(attempts)
    hooks.Watch(request, lambda: tell(pipe, reached=True)).install()
    sys.argv = ["customer-segments", *request["arguments"]]
    from customer_segments.commands.app import entry_point

    try:
        entry_point()
    except SystemExit as done:
        # As the interpreter does at its end; the zygote's loop must not go on in the child.
        sys.stdout.flush()
        os._exit(done.code if isinstance(done.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
