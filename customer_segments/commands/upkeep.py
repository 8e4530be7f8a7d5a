"""The commands ``doctor``, ``backup``, ``restore``, ``migrate`` and ``vacuum``.

Belongs here: arguments, help, and what is printed. Does not: what they do (``upkeep``).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich import get_console

from customer_segments.installation import Installation
from customer_segments.texts import counted

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "error": ("✗", "red")}


def doctor() -> None:
    """Say what is wrong with this installation, and what to do. Changes nothing."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from customer_segments.upkeep.doctor import examine, verdict

    findings = examine()
    grid = Table(box=SIMPLE_HEAD, show_header=False, pad_edge=False)
    for is_word in (True, True, False):
        grid.add_column(no_wrap=is_word, overflow="fold")
    for level, topic, found, remedy in findings:
        text = Text(found).append(f"\n→ {remedy}" if remedy else "", style="dim")
        grid.add_row(Text(*MARKS[level]), topic, text)
    get_console().print(grid)
    said, is_well = verdict(findings)
    typer.echo(said)
    raise typer.Exit(0 if is_well else 1)


def backup(
    path: Annotated[
        Path | None, typer.Argument(help="File to write; by default in backups/, by the time.")
    ] = None,
) -> None:
    """Copy the warehouse into one checked DuckDB file, also while the UI is running."""
    from customer_segments.upkeep.backup import back_up

    written, notes = back_up(Installation.here(), path)
    typer.echo(f"Backup: {written} ({written.stat().st_size / 1e6:,.1f} MB)")
    for difference in notes.differences:
        typer.echo(f"! The warehouse itself is not as its ledger says: {difference}.")


def restore(
    path: Annotated[Path, typer.Argument(help="File that `backup` or `migrate` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make a backup the warehouse again; what is there now is kept as a backup."""
    from customer_segments.upkeep.backup import check_backup
    from customer_segments.upkeep.restore import restore as put_back

    installed = Installation.here()
    warehouse = installed.warehouse
    place, made = warehouse.path, check_backup(path, warehouse.lake).made_at
    if not yes:
        when = f", made {made:%Y-%m-%d %H:%M} UTC" if made else ""
        typer.confirm(f"Put {path}{when}, in the place of {place}?", abort=True)
    kept, months_changed = put_back(installed, path)
    typer.echo(f"{place} is the backup {path} now.")
    if kept:
        unread = " It cannot be read any more." if kept.stem.endswith("-damaged") else ""
        typer.echo(f"What was there is kept as {kept}.{unread}")
    if months_changed:
        typer.echo("Other months are covered now: a running UI has to reload its code location.")
    typer.echo("`customer-segments run` takes in what the workbooks brought since.")


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Bring the warehouse of an older version up to this one, after a backup."""
    from customer_segments.upkeep.migrate import migrate as bring_up

    installed = Installation.here()
    written, changes = bring_up(installed, dry_run=dry_run)
    if not changes:
        typer.echo("Nothing to do: every table is as this version of the code has it.")
        return
    path = installed.warehouse.path
    typer.echo(
        f"Backup: {written}" if written else f"What `customer-segments migrate` would do to {path}:"
    )
    for change in changes:
        contract, rows = change.contract, counted(change.rows, "row")
        former = f"version {change.former} " if change.former != contract.version else ""
        fate = "dropped; the next run makes it anew" if change.why_dropped else "taken over"
        typer.echo(f"  {contract.table}, {former}to version {contract.version}, {rows}: {fate}.")
        if change.why_dropped:
            typer.echo(f"    Why: {change.why_dropped}.")
    if written:
        typer.echo("The warehouse is up to date.")
        if any(change.why_dropped for change in changes):
            typer.echo("Now start `customer-segments run`: it makes anew what was dropped.")


def vacuum(
    backups: Annotated[
        list[Path] | None, typer.Argument(help="Backups to keep, beside those in backups/.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted.")
    ] = False,
) -> None:
    """Delete files of the lake that neither the warehouse nor a backup needs any more."""
    from customer_segments.upkeep.vacuum import vacuum as delete

    files = delete(Installation.here(), backups or (), dry_run=dry_run)
    said = "would be deleted" if dry_run else "deleted"
    typer.echo(f"{counted(len(files), 'file')} of the lake {said}.")
