"""The commands ``customer-segments models ...``: versions listed, exported, imported.

Belongs here: arguments, help, and what is printed. Does not: what the commands do
(``model.exchange``, ``model.champion``).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich import get_console

from customer_segments.errors import UserError
from customer_segments.installation import Installation

models_app = typer.Typer(
    no_args_is_help=True, help="List model versions, or take one to another warehouse."
)


@models_app.command("list")
def list_versions() -> None:
    """List all model versions, and say which one labels since when."""
    from customer_segments.model.champion import in_force
    from customer_segments.outputs.summary import grid
    from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL

    warehouse = Installation.here().warehouse
    champion, since = in_force(warehouse.load(CHAMPION_MODEL))
    versions = warehouse.load(KMEANS_MODEL).drop_duplicates("version")
    rows = [
        (
            row.version,
            f"{row.training_month:%Y-%m}",
            f"{row.n_clusters}",
            f"{row.training_customers:,}",
            f"{row.silhouette:.3f}",
            f"{since:%Y-%m-%d} UTC" if row.version == champion else "",
        )
        for row in versions.sort_values(["training_month", "version"], ascending=False).itertuples()
    ]
    if not rows:
        typer.echo("There is no model yet: `customer-segments run` fits one.")
        return
    headings = ("Version", "Trained", "Clusters", "Customers", "Silhouette", "Labels since")
    get_console().print(grid(f"Model versions: {len(versions):,}", headings, rows))


@models_app.command("export")
def export(
    version: Annotated[
        str | None, typer.Argument(help="Version to export; the champion by default.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File to write; the terminal by default.")] = None,
) -> None:
    """Write a model version as JSON."""
    from customer_segments.model.exchange import export_version

    text = export_version(Installation.here().warehouse, version)
    if to is None:
        typer.echo(text, nl=False)
        return
    try:
        # The same bytes on any system.
        to.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{to} cannot be written: {error.strerror}.", "Name another.") from error
    typer.echo(f"{to} is written.", err=True)


@models_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="File that `models export` wrote.")],
    promote: Annotated[
        bool, typer.Option("--promote", help="Label with it from now on, in the champion's place.")
    ] = False,
) -> None:
    """Add a model version from FILE; it labels at once if there is no champion yet."""
    from customer_segments.model.exchange import import_version

    try:
        text = file.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{file} is not there.", "`models export --to FILE` writes one.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", "Name another.") from error
    done = import_version(Installation.here().warehouse, text, promote=promote, source=file.name)
    typer.echo(
        f"Version {done.version} is {'imported' if done.is_new else 'there already'}"
        f"{' and labels from now on' if done.is_promoted else ''}."
    )
