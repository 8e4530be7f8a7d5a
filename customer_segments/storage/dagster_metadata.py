"""What Dagster's UI shows about a table, derived from its contract and its publication.

Belongs here: contract -> attributes of an asset, publication -> metadata of a materialization.
Does not: metadata that only one asset has (that asset adds it).
"""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from customer_segments.storage.content import Content
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.ledger import LedgerLine, code_version
from customer_segments.storage.lineage import column_lineage
from customer_segments.storage.publication import Publication

if TYPE_CHECKING:
    import pandas as pd

OWNERS = ["team:customer-insight"]
# A month more or less in the table shown; the ledger has them all.
SHOWN_MONTHS = 60


def asset_attributes(contract: Contract, *kinds: str) -> dict[str, Any]:
    """Return the attributes that every asset of a table has, for ``AssetOut`` and ``asset``."""
    return {
        "metadata": {
            "dagster/column_schema": column_schema(contract),
            "dagster/table_name": contract.table,
            "grain": contract.grain,
            "write_mode": contract.write_mode.value,
        },
        "kinds": {"duckdb", *kinds},
        "owners": OWNERS,
        "code_version": code_version(),
    }


def column_schema(contract: Contract) -> dg.TableSchema:
    """Return columns, types, descriptions and constraints as the UI shows them."""
    rules = [f"{rule.name}: {rule.sql}" for rule in contract.rules]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(contract.schema[column.name].copy(nullable=True)),
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.name not in contract.required,
                    unique=contract.key == (column.name,),
                ),
            )
            for column in contract.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(contract.key)}", *rules]),
    )


def publication_metadata(contract: Contract, publication: Publication) -> dict[str, Any]:
    """Return what holds for a publication as a whole: rows, months, lineage, the SQL that ran.

    Where months are partitions, ``month_metadata`` goes before it.
    """
    metadata: dict[str, Any] = {
        "dagster/row_count": publication.rows,
        "rows_published": publication.rows,
        "dagster/column_schema": column_schema(contract),
        "dagster/table_name": contract.table,
        "storage_kind": "duckdb",
        "raw_version": publication.raw_version,
    }
    if publication.tables_read:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{publication.sql}\n```")
    if lineage := column_lineage(publication):
        metadata["dagster/column_lineage"] = lineage
    if contract.month_column:
        # An object and not a list, which the UI would spread over the page.
        changed = [f"{month:%Y-%m}" for month in publication.changed_months]
        metadata["changed_months"] = {"months": changed}
    if contract.write_mode is WriteMode.REPLACE and contract.month_column:
        metadata["months"] = _months_table(publication)
    if publication.restated and contract.month_column:
        metadata["restated"] = _restated_table(publication)
        if contract.revenue:
            differences = (_revenue_added(*change) for change in publication.restated)
            metadata["restated_revenue"] = f"{sum(differences):,.4f}"
    return metadata


def figures_table(frame: "pd.DataFrame") -> dg.TableMetadataValue:
    """Return figures as a table of the UI, with four digits behind the point."""
    shown = frame.round(4).astype(object).where(frame.notna(), None)
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in shown.to_dict("records")],
        schema=dg.TableSchema([dg.TableColumn(name) for name in shown.columns]),
    )


def month_metadata(line: LedgerLine) -> dict[str, Any]:
    """Return what holds for one month of a publication; the UI plots it over the months."""
    figures = {"dagster/row_count": line.rows, "is_changed": line.is_changed}
    return figures if line.revenue is None else figures | {"revenue": float(line.revenue)}


def _revenue_added(line: LedgerLine, before: Content) -> Decimal:
    return (line.revenue or Decimal(0)) - (before.revenue or Decimal(0))


def _restated_table(publication: Publication) -> dg.TableMetadataValue:
    """Return the months that held other rows before, and by how much their revenue changed."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "month": f"{line.month:%Y-%m}",
                    "rows_before": before.rows,
                    "rows": line.rows,
                    "revenue_before": f"{before.revenue or 0:,.4f}",
                    "revenue": f"{line.revenue or 0:,.4f}",
                    "difference": f"{_revenue_added(line, before):+,.4f}",
                }
            )
            for line, before in publication.restated[-SHOWN_MONTHS:]
        ],
        schema=dg.TableSchema(
            [
                dg.TableColumn("month", "string"),
                dg.TableColumn("rows_before", "int"),
                dg.TableColumn("rows", "int"),
                dg.TableColumn("revenue_before", "string"),
                dg.TableColumn("revenue", "string"),
                dg.TableColumn("difference", "string", description="In the workbooks' currency."),
            ]
        ),
    )


def _months_table(publication: Publication) -> dg.TableMetadataValue:
    """Return rows and revenue per month, for a table whose months are not partitions."""
    lines = [line for line in publication.lines if isinstance(line.month, date)]
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "month": f"{line.month:%Y-%m}",
                    "rows": line.rows,
                    "revenue": "" if line.revenue is None else f"{line.revenue:,.4f}",
                    "changed": line.is_changed,
                }
            )
            for line in lines[-SHOWN_MONTHS:]
        ],
        schema=dg.TableSchema(
            [
                dg.TableColumn("month", "string"),
                dg.TableColumn("rows", "int"),
                dg.TableColumn("revenue", "string", description="Exact, with four decimals."),
                dg.TableColumn("changed", "bool", description="Differs from what was there."),
            ]
        ),
    )
