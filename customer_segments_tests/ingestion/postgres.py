"""A PostgreSQL server of its own, as Debian installs it, in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgresql
import pyarrow as pa

from customer_segments.settings import Settings
from customer_segments_tests.installations import install

PASSWORD = "p@ss/w?rd%41"
COLUMNS = (
    "invoice text, stock_code text, description text, quantity numeric, invoice_date timestamp, "
    "price numeric, customer_id text, country text"
)
QUERY = "SELECT * FROM orders"


@dataclass(frozen=True)
class Server:
    """One database, whose user needs a password."""

    folder: Path

    @property
    def address(self) -> str:
        return f"postgresql://shop@/postgres?host={self.folder}"

    def do(self, *statements: str) -> None:
        with self._cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def orders(self, *rows: tuple) -> None:
        """Have the table of orders hold rows: invoice, date, price, customer."""
        self.do("DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({COLUMNS})")
        for invoice, day, price, customer in rows:
            self.order(invoice, day, price, customer)

    def order(self, invoice: str, day: str | None, price: float, customer: str = "1") -> None:
        moment = f"'{day}'" if day else "NULL"
        self.do(
            f"INSERT INTO orders VALUES ('{invoice}', '85048', 'LIGHTS', 12, {moment}, {price}, "
            f"'{customer}', 'France')"
        )

    def load(self, rows: pa.Table) -> None:
        self.orders()
        with self._cursor() as cursor:
            cursor.adbc_ingest("orders", rows, mode="append")

    def install(self, folder: Path, query: str = QUERY, changed: str = "", **said: str) -> Settings:
        """Return an installation whose source is this database; ``said`` departs from that."""
        settings = install(folder, source_dir=folder / "no files")
        source = {"database": self.address, "query": query, "changed": changed} | said
        lines = [f"{key} = '''{value}'''\n" for key, value in source.items()]
        settings.config.write_text(f"[source]\ntime_zone = 'Europe/London'\n{''.join(lines)}")
        return settings.model_copy(
            update={"database_password": type(settings.database_password)(PASSWORD)}
        )

    @contextmanager
    def _cursor(self) -> Iterator[postgresql.Cursor]:
        with (
            postgresql.connect(f"{self.address}&password=p%40ss%2Fw%3Frd%2541") as connection,
            connection.cursor() as cursor,
        ):
            yield cursor
            connection.commit()


def programs() -> Path | None:
    """Where the programs of the newest server are, which Debian keeps out of the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else Path("/usr/lib/postgresql").glob("*/bin")
    return max(found, key=lambda path: (len(str(path)), path), default=None)


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """Start a server on a socket in a temporary folder, and stop it."""
    # Beside pytest's own folders: the path of a socket has no room for theirs.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    # PostgreSQL refuses to run as root.
    other = {"user": "postgres", "group": "postgres", "extra_groups": []}
    as_other = other if os.geteuid() == 0 else {}
    (folder / "password").write_text(PASSWORD)
    if as_other:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")

    def do(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        with (folder / "log").open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd=folder, **as_other)

    try:
        do(
            *("initdb", "-U", "shop", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "-N"),
            *("--pwfile", str(folder / "password")),
        )
        do("pg_ctl", "-w", "-o", f"-k {folder} -c listen_addresses= -c fsync=off", "start")
        yield Server(folder)
    finally:
        if (folder / "data/postmaster.pid").exists():
            do("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)
