"""Files and pictures as Dagster's UI shows them, on the assets that they explain.

Belongs here: links to files, observations with pictures in them. Does not: the report's own page
(``page``).
"""

import struct
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from customer_segments.outputs.templates import data_url
from customer_segments.shown import address
from customer_segments.tables import LABELS

if TYPE_CHECKING:
    from customer_segments.outputs.pictures.picture import Picture

# What has a partition for each month; the other assets are looked at as a whole.
MONTHLY = {contract.table for contract in LABELS}
# CSS pixels, as in the report. The UI cuts off what is wider than its window.
WIDTH = 900


def file_metadata(reports: Path, file: Path) -> dict[str, Any]:
    """Return what is shown of a file in the reports folder: first the link that opens it."""
    path, size = dg.MetadataValue.path(file), file.stat().st_size
    return {"url": link(reports, file), "path": path, "bytes": size}


def link(reports: Path, file: Path) -> dg.UrlMetadataValue:
    """Return what opens a file of the reports folder, where `customer-segments ui` serves it."""
    return dg.MetadataValue.url(address(reports, file))


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
            f"**{picture.title}**\n\n![{picture.name}]({_address(picture.png)})\n\n{picture.caption}"
            for picture in pictures
        )
    )


def _address(png: bytes) -> str:
    """Return a picture as an address of ``WIDTH``: Markdown itself knows no sizes, but SVG does."""
    width, height = struct.unpack(">II", png[16:24])  # PNG, 11.2.1: the first chunk
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="{data_url("image/png", png)}"/></svg>'
    )
    return data_url("image/svg+xml", text.encode())
