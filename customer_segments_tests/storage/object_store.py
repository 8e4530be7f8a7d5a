"""An object store of its own, as moto serves it, with a bucket named ``lakes``."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

SERVER = """
import signal
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
signal.pause()
"""


@contextmanager
def serving() -> Iterator[str]:
    """Serve it, in a process of its own: clients keep the interpreter while they wait.

    The environment names it and who may write; gives the address of the bucket.
    """
    import s3fs

    command = [sys.executable, "-c", SERVER]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as server:
        address = server.stdout.readline().strip()
        access = {
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
        }
        try:
            with mock.patch.dict(os.environ, access):
                # One that another of these made, perhaps.
                s3fs.S3FileSystem.clear_instance_cache()
                s3fs.S3FileSystem().mkdir("lakes")
                yield "s3://lakes"
        finally:
            server.kill()
            s3fs.S3FileSystem.clear_instance_cache()
