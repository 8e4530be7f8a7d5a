"""The command ``sql``: questions to the serving copy, which no run waits for.

Belongs here: taking statements and printing answers. Does not: which tables there are
(``outputs.serving``).
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from customer_segments.errors import UserError
from customer_segments.installation import Installation

PROMPT, MORE = "sql> ", "...> "
MOST_ROWS = 100


def sql(
    statement: Annotated[
        str | None,
        typer.Argument(help="A statement; without one they are read from the keyboard or a pipe."),
    ] = None,
) -> None:
    """Ask the serving copy in DuckDB's SQL, such as "FROM customers LIMIT 5". Changes nothing.

    SHOW TABLES lists what there is; customers has all that is known of each customer and month.
    """
    import duckdb

    copy = Installation.here().copy
    if not copy.path.exists():
        raise UserError(
            f"There is no serving copy at {copy.path} yet.",
            "It comes with the first labels: `customer-segments run`.",
        )
    with copy.reading() as con:
        for each in _statements() if statement is None else [statement]:
            try:
                for one in con.con.extract_statements(each):
                    if (answer := con.con.sql(one)) is not None:
                        answer.show(max_rows=MOST_ROWS)
            except duckdb.Error as error:
                if statement is not None:
                    said = "SHOW TABLES and DESCRIBE say what there is."
                    raise UserError(f"{error}", said) from error
                typer.echo(f"{error}", err=True)


def _statements() -> Iterator[str]:
    """Yield statements, each as soon as its semicolon is there; what is left over at the end."""
    with suppress(ImportError):
        import readline  # noqa: F401 - lines can be edited and called back then
    is_asked = sys.stdin.isatty()
    typed = ""
    while True:
        try:
            typed += (input(MORE if typed else PROMPT) if is_asked else input()) + "\n"
        except EOFError:
            break
        if typed.rstrip().endswith(";"):
            yield typed
            typed = ""
    if typed.strip():
        yield typed
