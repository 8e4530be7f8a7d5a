"""The one error whose text is written for the person who can mend its cause."""

from typing import Any

# What is left of Ctrl-C and SIGTERM in a query: DuckDB drops what their handler raised.
INTERRUPTED = "Query interrupted"


class UserError(Exception):
    """Something outside the code is wrong: the problem, and as its remedy what to do about it.

    The problem names file, sheet, column, row or table.
    """

    def __init__(self, problem: str, remedy: str = ""):
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


def said_of(problem: Any) -> str:
    """Return what pydantic says of a value, as the middle of a sentence."""
    return problem["msg"].removeprefix("Value error, ").rstrip(".")
