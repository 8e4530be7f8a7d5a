"""Model versions as JSON text, to be taken from one warehouse to another.

Belongs here: what the text looks like, and what is checked before a version is let in. Does
not: files and the command line (``commands``).
"""

import hashlib
import json
from datetime import date
from typing import NamedTuple

import pandas as pd

from customer_segments.errors import UserError
from customer_segments.model.champion import decision, in_force
from customer_segments.model.features import NEUTRAL
from customer_segments.model.fit import hash_version
from customer_segments.storage import Warehouse
from customer_segments.storage.publish import publish
from customer_segments.storage.warehouse import load
from customer_segments.tables import CHAMPION_MODEL, GONE, KMEANS_MODEL, NEW

# 2 has a checksum, 3 units, bounds and score; raised whenever a program of before could not read
# the text any more.
FORMAT_VERSION = 3
SCALED = 3
# As the sheets of a workbook, tables and legends show them.
LONGEST_NAME = 60
NO_SEGMENT = {NEW.casefold(), GONE.casefold()}
EXPORT_IT = "Write it with `customer-segments models export`, and leave it as it is."
TYPES = {"!string": str, "!int64": int, "!float64": float, "!date": date}


class Imported(NamedTuple):
    """What an import did: the version, whether it is new here, whether it became champion."""

    version: str
    is_new: bool
    is_promoted: bool


def export_version(warehouse: Warehouse, version: str | None = None) -> str:
    """Return a version as JSON text; the champion by default.

    A UserError says that there is no such version.
    """
    versions = warehouse.load(KMEANS_MODEL)
    wanted = version or in_force(warehouse.load(CHAMPION_MODEL))[0]
    rows = version_rows(versions, wanted)
    if wanted is None or not rows:
        known = ", ".join(sorted(set(versions["version"])))
        raise UserError(
            f"There is no model version {wanted!r}." if wanted else "There is no champion yet.",
            f"Choose one of {known}." if known else "Fit a model first, or import one.",
        )
    return to_json(wanted, rows)


def import_version(
    warehouse: Warehouse, text: str | bytes, *, promote: bool = False, source: str = "JSON"
) -> Imported:
    """Add a version to the warehouse, which is made if it does not exist yet.

    It becomes the champion if asked to, or if there is none; all in one transaction. ``source``,
    where the text is from, is named in messages and in the decision's reason.
    A UserError says that the text is no model version, or not what it was when it was exported.
    """
    version, rows = from_json(text, source)
    with warehouse.writing() as con:
        decisions = load(con, CHAMPION_MODEL)
        there = version_rows(load(con, KMEANS_MODEL), version)
        if there and there != rows:
            raise UserError(
                f"{source}: version {version} is in the warehouse with other words.",
                "A version is never changed; import it into a warehouse that does not have it.",
            )
        if not there:
            publish(con, KMEANS_MODEL, KMEANS_MODEL.arrow(rows))
        champion, _ = in_force(decisions)
        is_promoted = champion is None or (promote and champion != version)
        if is_promoted:
            reason = f"imported from {source}"
            row = decision(load(con, KMEANS_MODEL), decisions, version, "imported", reason)
            publish(con, CHAMPION_MODEL, CHAMPION_MODEL.arrow([row]))
    return Imported(version, is_new=not there, is_promoted=is_promoted)


def version_rows(versions: pd.DataFrame, version: str | None) -> list[dict]:
    """Return a version's rows, in order of clusters and columns, of Python's own types."""
    rows = versions[versions["version"] == version].sort_values("cluster")
    return KMEANS_MODEL.arrow(rows).to_pylist()


def to_json(version: str, rows: list[dict]) -> str:
    """Return JSON text; numbers keep all their digits, so the text is the same each time."""
    clusters = [
        {name: row[name] for name in KMEANS_MODEL.schema.names}
        | {"training_month": row["training_month"].isoformat()}
        for row in rows
    ]
    document = {"format_version": FORMAT_VERSION, "version": version}
    document |= {"checksum": checksum(clusters), "kmeans_model": clusters}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def checksum(clusters: list[dict]) -> str:
    """Return the SHA-256 of all rows, words and numbers, as they stand in the text."""
    return hashlib.sha256(json.dumps(clusters, sort_keys=True).encode()).hexdigest()


def from_json(text: str | bytes, source: str = "JSON") -> tuple[str, list[dict]]:
    """Return version and rows of a JSON text, checked; one of format 1 has no checksum.

    Of before format 3 a version has what says that it has no units, bounds and score.

    A UserError says that it is not JSON, not of this format, or not as it was exported.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UserError(f"{source} is not JSON: {error}.", EXPORT_IT) from error
    if not isinstance(document, dict) or "format_version" not in document:
        raise UserError(f"{source} is not a model version.", EXPORT_IT)
    if (format_version := document["format_version"]) not in range(1, FORMAT_VERSION + 1):
        raise UserError(
            f"{source} has format version {format_version!r}; this program reads 1 to "
            f"{FORMAT_VERSION}.",
            "Export it again with the version of the program that imports it.",
        )
    try:
        clusters, version = document["kmeans_model"], str(document["version"])
        neutral = NEUTRAL if format_version < SCALED else {}
        rows = [_row(neutral | cluster) for cluster in clusters]
        _require_whole(version, rows)
        is_as_exported = format_version == 1 or document["checksum"] == checksum(clusters)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{source} is not a whole model version: {error}.", EXPORT_IT) from error
    if (is_other := hash_version(rows) != version) or not is_as_exported:
        what = "numbers" if is_other else "words"
        problem = f"{source}: its {what} are not those of version {version}; they were changed."
        raise UserError(problem, EXPORT_IT)
    return version, rows


def _row(cluster: dict) -> dict:
    """Return a cluster's row with values of the contract's types; raise on any other."""
    if differing := set(cluster) ^ set(KMEANS_MODEL.schema.names):
        raise ValueError(f"its columns differ in {', '.join(sorted(differing))}")
    row = cluster | {"training_month": date.fromisoformat(cluster["training_month"])}
    for name, (kind, _) in KMEANS_MODEL.columns.items():
        # Exactly: True is an int to isinstance, and 1 and 1.0 would be two versions.
        if type(row[name]) is not TYPES[kind]:
            raise ValueError(f"{name} is {row[name]!r}")
    return row


def _require_whole(version: str, rows: list[dict]) -> None:
    """Raise unless the rows are all clusters of one version, in order, each with a name."""
    if not rows or [row["cluster"] for row in rows] != list(range(rows[0]["n_clusters"])):
        raise ValueError("clusters are missing or out of order")
    if {row["version"] for row in rows} != {version}:
        raise ValueError("its rows are not of one version")
    names = [row["segment"] for row in rows]
    for name in names:
        if name.casefold() in NO_SEGMENT:
            raise ValueError(f"a segment is named {name!r}, which has another meaning in moves")
        if not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
            raise ValueError(f"a segment is named {name[:LONGEST_NAME]!r}, which cannot be shown")
    if len({name.casefold() for name in names}) != len(names):
        raise ValueError("two clusters have one name")
