"""The commands ``migrate``, ``backup``, ``restore`` and ``doctor``.

Belongs here: arguments, help, and what is printed. Does not: what the commands do, which is
imported only by the command that needs it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from customer_segments.upkeep.migrate import Change

upkeep_app = typer.Typer()


@upkeep_app.command()
def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Bring the warehouse of an older version up to this one, after a backup."""
    from customer_segments.cli import load_settings
    from customer_segments.upkeep.migrate import Fate, planned
    from customer_segments.upkeep.migrate import migrate as bring_up

    settings = load_settings()
    written, changes = (None, planned(settings)) if dry_run else bring_up(settings)
    if not changes:
        _say("Nothing to do: every table is as this version of the code has it.")
        return
    if dry_run:
        _say(f"What `customer-segments migrate` would do to {settings.warehouse_path}:")
    else:
        _say(f"Backup: {written}")
    for change in changes:
        _say_change(change)
    if not dry_run:
        _say("The warehouse is up to date.")
        if any(change.fate is Fate.ANEW for change in changes):
            _say("Now start `customer-segments run`: it makes anew what was dropped.")


@upkeep_app.command()
def backup(
    path: Annotated[
        Path | None, typer.Argument(help="File to write; by default in backups/, by the time.")
    ] = None,
) -> None:
    """Copy the warehouse into one checked DuckDB file, also while the UI is running."""
    from customer_segments.cli import load_settings
    from customer_segments.upkeep.backup import back_up

    written, notes = back_up(load_settings(), path)
    _say(f"Backup: {written} ({written.stat().st_size / 1e6:,.1f} MB)")
    for difference in notes.differences:
        _say(f"! The warehouse itself is not as its ledger says: {difference}.")


@upkeep_app.command()
def restore(
    path: Annotated[Path, typer.Argument(help="File that `backup` or `migrate` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make a backup the warehouse again; what is there now is kept as a backup."""
    from customer_segments.cli import load_settings
    from customer_segments.upkeep.backup import check_backup
    from customer_segments.upkeep.restore import restore as put_back

    settings = load_settings()
    made = check_backup(path).made_at
    if not yes:
        when = f", made {made:%Y-%m-%d %H:%M} UTC" if made else ""
        typer.confirm(f"Put {path}{when}, in the place of {settings.warehouse_path}?", abort=True)
    done = put_back(settings, path)
    _say(f"{settings.warehouse_path} is the backup {path} now.")
    if done.kept and done.is_damaged:
        _say(f"What was there cannot be read any more; it is kept as {done.kept}.")
    elif done.kept:
        _say(f"What was there is kept as {done.kept}.")
    if done.months_changed:
        _say("Other months are covered now: a running UI has to reload its code location.")
    _say("`customer-segments run` takes in what the workbooks brought since.")


@upkeep_app.command()
def doctor() -> None:
    """Say what is wrong with this installation, and what to do. Changes nothing."""
    from customer_segments.cli import console
    from customer_segments.upkeep.doctor import examine, findings_grid, verdict

    findings = examine()
    console().print(findings_grid(findings))
    said, is_well = verdict(findings)
    _say(said)
    raise typer.Exit(0 if is_well else 1)


def _say_change(change: "Change") -> None:
    contract = change.contract
    versions = (
        f"version {change.former} to {contract.version}"
        if change.former != contract.version
        else f"to version {contract.version}"
    )
    rows = f"{change.rows:,} row{'s' if change.rows != 1 else ''}"
    _say(f"  {contract.table}, {versions}, {rows}: {change.fate.value}.")
    if change.why:
        _say(f"    Why: {change.why}.")


def _say(text: str) -> None:
    from customer_segments.cli import console

    console().print(text, markup=False, highlight=False, soft_wrap=True)
