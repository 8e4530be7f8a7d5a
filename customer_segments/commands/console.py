"""Printing to the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return the console that commands print to."""
    from rich.console import Console

    return Console()


def say(text: str) -> None:
    """Print a sentence as it is; the terminal wraps it."""
    console().print(text, markup=False, highlight=False, soft_wrap=True)
