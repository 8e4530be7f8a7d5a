"""The commands ``alerts test`` and ``alerts list``.

Belongs here: arguments, help, and what is printed. Does not: sending and keeping alerts.
"""

from datetime import UTC, datetime

import typer

alerts_app = typer.Typer(
    no_args_is_help=True, help="Alerts: send a test message, list what could not be delivered."
)


@alerts_app.command()
def test() -> None:
    """Send a test message through each configured channel, and say what became of it."""
    from customer_segments.alerts.channels import Undelivered, channels
    from customer_segments.alerts.message import Alert, Level, message
    from customer_segments.cli import load_settings

    settings, is_well = load_settings(), True
    now = datetime.now(UTC)
    alert = Alert(
        key=f"test:{now.isoformat()}",
        level=Level.WARNING,
        title="A test message",
        said="`customer-segments alerts test` sent it: alerts arrive here. Nothing is wrong.",
        facts=(("Sent", f"{now:%Y-%m-%d %H:%M:%S} UTC"),),
        path="/automation",
    )
    for channel in channels(settings):
        try:
            channel.send(message(alert, settings.ui_url))
        except Undelivered as reason:
            is_well = False
            typer.secho(f"{channel.name}: not delivered, {reason}.", fg=typer.colors.RED)
        else:
            typer.echo(f"{channel.name}: delivered.")
    if not settings.alert_webhook and not settings.alert_email_to:
        typer.echo(
            "Only the log is there: set CUSTOMER_SEGMENTS_ALERT_WEBHOOK or ..._ALERT_EMAIL_TO."
        )
    raise typer.Exit(0 if is_well else 1)


@alerts_app.command("list")
def list_waiting() -> None:
    """List the alerts that wait to be delivered, and why they do."""
    from customer_segments.alerts.outbox import Outbox
    from customer_segments.cli import load_settings

    settings = load_settings()
    waiting = Outbox(settings.outbox_path).waiting() if settings.outbox_path.exists() else []
    for each in waiting:
        since = datetime.fromtimestamp(each.since, UTC)
        typer.echo(f"{since:%Y-%m-%d %H:%M} UTC  {each.channel}  {each.alert.title}")
        if each.attempts:
            due = datetime.fromtimestamp(each.due_at, UTC)
            typer.echo(
                f"    tried {each.attempts} {'time' if each.attempts == 1 else 'times'}, "
                f"{each.error}; again at {due:%Y-%m-%d %H:%M} UTC or later"
            )
    if not waiting:
        typer.echo("No alert waits to be delivered.")
