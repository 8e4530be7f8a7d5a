"""The command ``check``, a dry run: what would become of files, by the policy in force.

Belongs here: saying it, to people and to programs. Does not: finding it out (``dry_run``).
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from customer_segments.doubt import Doubt
from customer_segments.doubts.dry_run import DryRun, dry_run
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.outputs.words import counted

# Of each reason; enough to find the cause in the file.
EXAMPLES = 5
NOTHING: dict[str, Any] = {"rows": 0, "kept": 0, "rejected": {}, "customers": 0, "orders": 0}
NOTHING |= {"revenue": 0, "first": None, "last": None, "unused_columns": [], "passed_over": []}
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE...",
        help="Files, or a folder that is read as the source folder is; by default the input.",
    ),
]


def check(
    files: Files = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON, for programs.")] = False,
) -> None:
    """Say what would be kept and rejected of files, what is doubted, and why. Writes nothing.

    Ends with 0 if all is well, 1 if something stops or no row is kept.
    """
    from rich import get_console

    try:
        done = dry_run(files or [], Installation.here())
    except UserError as error:
        if not as_json:
            raise
        refusal = Doubt("refused", "stops", error.problem, error.remedy, "").row()
        typer.echo(to_json(NOTHING | {"doubts": [refusal], "would_publish": False}))
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(to_json(said(done)))
    else:
        print_dry_run(done, get_console())
        print_examples(done)
        print_doubts(done, get_console())
    if not done.would_publish:
        raise typer.Exit(1)


def said(done: DryRun) -> dict[str, Any]:
    """Return a dry run as programs read it."""
    return done.figures | {
        "unused_columns": done.found.unused_names,
        "passed_over": done.passed_over,
        "doubts": [each.row() for each in done.doubts],
        "would_publish": done.would_publish,
    }


def print_dry_run(done: DryRun, console: Console) -> None:
    """Print rows and money by reason, what is kept, how it was read, and what was not."""
    from customer_segments.outputs.summary import grid

    currency, total = done.found.policy.source.currency, done.figures["rows"]
    rows = [
        (fate, f"{of['rows']:,}", f"{of['rows'] / (total or 1):.1%}", _money(of))
        for fate, of in done.fates.items()
    ]
    money = f"Revenue, {currency}" if currency else "Revenue"
    console.print(grid(f"Rows: {total:,}", ("", "Rows", "Share", money), rows))
    for line in _lines(done):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _lines(done: DryRun) -> Iterator[str]:
    figures = done.figures
    yield (
        f"{counted(figures['customers'], 'customer')}, {counted(figures['orders'], 'order')}, "
        f"{figures['first']} to {figures['last']}."
    )
    if largest := done.largest_customers():
        each = (
            f"{row['customer_id']} ({_money(row)} in {counted(row['lines'], 'line')})"
            for row in largest
        )
        yield f"Largest customers: {'; '.join(each)}."
    for place, how in done.read_as:
        yield f"{place}: {how}."
    for what, names in (
        ("Columns that are not used", done.found.unused_names),
        ("Passed over", done.passed_over),
    ):
        if names:
            yield f"{what}: {', '.join(names)}."


def print_examples(done: DryRun) -> None:
    """Print the first rows of each reason, each on a line of its own."""
    for row in done.examples(EXAMPLES):
        if not row["reason"]:
            continue
        cell = f"{row['unreadable_column']} says {row['unreadable_text']!r}"
        line = (
            f"invoice {row['invoice'] or '-'}, {row['stock_code'] or '-'}, "
            f"{shortest(row['quantity'])} x {shortest(row['price'])}, "
            f"customer {row['customer_id'] or '-'}"
        )
        where = f"{row['workbook']}, {row['sheet']}, row {row['row_number']}"
        typer.echo(f"{row['reason']}: {where}: {cell if row['unreadable_column'] else line}")


def shortest(value: object) -> str:
    """Return a cell as people write it: 2.5 for 2.5000, nothing for null."""
    text = "" if value is None else f"{value}"
    return text.rstrip("0").rstrip(".") if "." in text and text[0] in "-0123456789" else text


def print_doubts(done: DryRun, console: Console) -> None:
    """Print each doubt, what to do about it, and how to accept it; and whether one stops."""
    for each in done.doubts:
        colour = "red" if each.level == "stops" else "yellow"
        console.print(
            f"\n[{colour}]{each.name} {each.level}[/]: {escape(each.said)}", soft_wrap=True
        )
        accept = f"\nIf all is well as it is:\n{each.accept}" if each.level == "stops" else ""
        console.print(f"{each.advice}{accept}", highlight=False, soft_wrap=True, markup=False)
    if not done.figures["kept"]:
        console.print("[red]No row is kept.[/]")
    elif not done.would_publish:
        console.print("\n[red]Nothing would be published.[/]")


def to_json(what: dict[str, Any]) -> str:
    """Return what programs read as text."""

    def plain(value: Any) -> Any:
        return float(value) if isinstance(value, Decimal) else str(value)

    return json.dumps(what, default=plain, ensure_ascii=False, indent=2)


def _money(of: dict[str, Any]) -> str:
    return f"{of['revenue'] or 0:,.2f}"
