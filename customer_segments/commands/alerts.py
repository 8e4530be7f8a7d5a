"""The commands ``alerts test`` and ``alerts list``.

Belongs here: arguments, help, and what is printed. Does not: sending and keeping alerts.
"""

from datetime import UTC, datetime

import typer

from customer_segments.installation import Installation

alerts_app = typer.Typer(
    no_args_is_help=True, help="Alerts: send a test message, list what could not be delivered."
)


@alerts_app.command()
def test() -> None:
    """Send a test message through each configured channel, and say what became of it."""
    from customer_segments.alerts.outbox import Alert
    from customer_segments.alerts.telling import message
    from customer_segments.channels import channels

    settings = Installation.here().settings
    said = "`customer-segments alerts test` sent it: alerts arrive here. Nothing is wrong."
    alert = Alert("test", "WARNING", "A test message", said, "/automation")
    errors = {}
    for name, send in channels(settings.alerts.get_secret_value()).items():
        errors[name] = error = send(*message([alert], settings.ui_url))
        typer.echo(f"{name}: {f'not delivered. {error}' if error else 'delivered.'}")
    if "log" in errors:
        typer.echo("Only the log is there: set CUSTOMER_SEGMENTS_ALERTS.")
    raise typer.Exit(int(any(errors.values())))


@alerts_app.command("list")
def list_waiting() -> None:
    """List the alerts that wait to be delivered, and why they do."""
    from customer_segments.alerts import outbox

    path = Installation.here().settings.outbox_path
    waiting = outbox.waiting(path) if path.exists() else []
    for row in waiting:
        since, due = (datetime.fromtimestamp(row[name], UTC) for name in ("told_at", "due_at"))
        typer.echo(f"{since:%Y-%m-%d %H:%M} UTC  {row['channel']}  {row['title']}")
        if row["attempts"]:
            typer.echo(f"    attempts: {row['attempts']}, the last one: {row['error']}")
            typer.echo(f"    again at {due:%Y-%m-%d %H:%M} UTC or later")
    if not waiting:
        typer.echo("No alert waits to be delivered.")
