"""The command ``init``: proposes customer_segments.toml for some files, and writes it on consent.

Belongs here: showing, asking, writing. Does not: what is proposed (``proposal``).
"""

from pathlib import Path
from typing import Annotated

import typer

from customer_segments.commands.check import Files, print_doubts, print_dry_run, shortest
from customer_segments.commands.proposal import Proposal, proposal
from customer_segments.errors import UserError
from customer_segments.installation import settings_here

SHOWN_ROWS = 5
SHOWN = {
    "invoice_date": "Date",
    "customer_id": "Customer",
    "invoice": "Invoice",
    "stock_code": "Product",
    "quantity": "Units",
    "price": "Price",
}


def init(
    files: Files = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file that is there; it is kept beside it.")
    ] = False,
) -> None:
    """Propose customer_segments.toml for files, show what it would mean, and write it on consent.

    Ends with 1 if something still stops: what only you can say, `check` tells.
    """
    from rich import get_console

    settings = settings_here()
    path = settings.config
    if path.exists() and yes and not force:
        raise UserError(
            f"{path} is there already, and may say what you want to keep.",
            "Add --force to replace it (it is kept beside the new one), or see what it makes of "
            "the files: `customer-segments check`.",
        )
    console = get_console()
    proposed = proposal(files or [settings.input_dir], settings)
    _print_rows(proposed, console)
    print_dry_run(proposed.run, console)
    print_doubts(proposed.run, console)
    text = proposed.text()
    typer.echo(f"\nProposed for {path}:\n\n{text}")
    if not yes:
        is_new = not path.exists()
        question = "Write it?" if is_new else "Replace the file that is there (and keep it beside)?"
        typer.confirm(question, default=is_new, abort=True)
    _write(path, text)
    if not proposed.run.would_publish:
        raise typer.Exit(1)


def _print_rows(proposed: Proposal, console) -> None:
    from customer_segments.outputs.summary import grid

    kept = [row for row in proposed.run.examples(SHOWN_ROWS) if not row["reason"]]
    rows = [[shortest(row[name]) for name in SHOWN] for row in kept]
    console.print(grid("First rows as understood", SHOWN.values(), rows))


def _write(path: Path, text: str) -> None:
    try:
        if path.exists():
            before = path.with_name(f"{path.name}.before")
            path.replace(before)
            typer.echo(f"The file that was there is now {before}.")
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "Allow it.") from error
    typer.echo(f"Wrote {path}. Next: `customer-segments run`.")
