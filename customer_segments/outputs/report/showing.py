"""Files and pictures as Dagster's UI shows them, on the assets that they explain.

Belongs here: links to files, observations with pictures in them. Does not: the report's own page
(``page``).
"""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg

from customer_segments.outputs.pictures.palette import PAPER
from customer_segments.shown import REPORTS_URL
from customer_segments.tables import LABELS

if TYPE_CHECKING:
    from customer_segments.outputs.pictures.picture import Picture

# What has a partition for each month; the other assets are looked at as a whole.
MONTHLY = {contract.table for contract in LABELS}


def file_metadata(reports: Path, file: Path) -> dict[str, Any]:
    """Return what is shown of a file in the reports folder: first the link that opens it."""
    path, size = dg.MetadataValue.path(file), file.stat().st_size
    return {"url": link(reports, file), "path": path, "bytes": size}


def link(reports: Path, file: Path) -> dg.UrlMetadataValue:
    """Return what opens a file of the reports folder, where `customer-segments ui` serves it.

    Without a host, for it outlives the port.
    """
    return dg.MetadataValue.url(f"{REPORTS_URL}/{quote(file.relative_to(reports).as_posix())}")


def observations(pictures: "Iterable[Picture]", month: str) -> list[dg.AssetObservation]:
    """Return an observation of each asset that pictures of a month (its key) explain, with them."""
    explained: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        explained[picture.explains].append(picture)
    return [
        dg.AssetObservation(
            asset_key=asset,
            partition=month if asset in MONTHLY else None,
            description=f"Pictures of {month[:7]}, as in segment_report.",
            metadata={"month": month[:7], "pictures": markdown(own)},
        )
        for asset, own in explained.items()
    ]


def markdown(pictures: "Iterable[Picture]") -> dg.MarkdownMetadataValue:
    """Return pictures with title and caption, one below the other."""
    return dg.MetadataValue.md(
        "\n\n".join(
            f"**{picture.title}**\n\n{_images(picture)}\n\n{picture.caption}"
            for picture in pictures
        )
    )


def _images(picture: "Picture") -> str:
    """Return a picture's parts beside each other, on paper of their own: the UI may be dark."""
    on_paper = f'<svg style="background:{PAPER}" '
    files = (svg.replace("<svg ", on_paper, 1).encode() for svg in picture.svgs)
    addresses = (f"data:image/svg+xml;base64,{b64encode(file).decode()}" for file in files)
    return " ".join(f"![{picture.name}]({address})" for address in addresses)
