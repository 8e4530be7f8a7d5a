"""What Dagster's UI shows about a table, derived from its contract and its publication.

Belongs here: contract -> attributes of an asset, publication -> metadata of a materialization.
Does not: metadata that only one asset has (that asset adds it).
"""

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlglot.expressions as sge
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from customer_segments.months import said
from customer_segments.storage.content import Content, LedgerLine, Publication
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.ledger import code_version

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

OWNERS = ["team:customer-insight"]
# Of tables and files by which customers can be told from each other, and of the columns that do.
PERSONAL = {"pii": ""}
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
        "tags": PERSONAL if _personal(contract) else {},
        "code_version": code_version(),
    }


def _personal(contract: Contract) -> set[str]:
    return {"customer_id", *contract.personal} & contract.columns.keys()


def column_schema(contract: Contract) -> dg.TableSchema:
    """Return columns, types, descriptions and constraints as the UI shows them."""
    rules = [f"{name}: {sql}" for name, sql in contract.rules.items()]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(contract.schema[name].copy(nullable=True)),
                description=description,
                tags=PERSONAL if name in _personal(contract) else {},
                constraints=dg.TableColumnConstraints(
                    nullable=name not in contract.required, unique=contract.key == (name,)
                ),
            )
            for name, (_, description) in contract.columns.items()
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(contract.key)}", *rules]),
    )


def publication_metadata(contract: Contract, publication: Publication) -> dict[str, Any]:
    """Return what holds for a publication as a whole: rows, months, lineage, the SQL that ran.

    Where months are partitions, ``month_metadata`` goes before it.
    """
    metadata: dict[str, Any] = {
        "dagster/row_count": publication.rows,
        "dagster/column_schema": column_schema(contract),
        "dagster/table_name": contract.table,
    }
    if contract.month_column:
        metadata["changed_months"] = said(publication.changed_months)
    if publication.restated and contract.month_column:
        metadata["restated"] = _restated_table(publication)
        if contract.revenue:
            differences = (_revenue_added(*change) for change in publication.restated)
            metadata["restated_revenue"] = f"{sum(differences):,.4f}"
    if publication.tables_read:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{publication.sql}\n```")
    metadata["raw_version"] = publication.raw_version
    if contract.write_mode is WriteMode.REPLACE and contract.month_column:
        metadata["months"] = _months_table(publication)
    if made_of := column_lineage(publication):
        metadata["dagster/column_lineage"] = made_of
        # Which Dagster+ shows, and the open UI does not.
        metadata["columns"] = _made_of_table(contract, made_of)
    return metadata


def column_lineage(publication: Publication) -> dg.TableColumnLineage | None:
    """Return, for each column that was published, the upstream columns that it is made of.

    ``None`` where no upstream table was read in SQL (a DataFrame that was published), or where
    sqlglot cannot follow it: the table is in place by now, and its run must not fail for that.
    """
    # Not itself: rows that a table takes over from what it was are of no other column.
    tables = publication.tables_read - {publication.table}
    if not tables:
        return None
    for node in publication.query.walk():
        # Ibis has tuples where sqlglot looks into lists alone.
        for name in [name for name, value in node.args.items() if isinstance(value, tuple)]:
            node.set(name, [*node.args[name]])
    # Untrimmed: trimming copies the whole query once for every column.
    options = {"dialect": "duckdb", "trim_selects": False, "copy": False}
    try:
        roots = lineage(None, publication.query, publication.sources, **options)
    except SqlglotError as error:
        logger.warning("No column lineage of %s: %s", publication.table, error)
        return None
    deps = {column: _upstream_columns(root, tables) for column, root in roots.items()}
    return dg.TableColumnLineage(deps) if any(deps.values()) else None


def _made_of_table(contract: Contract, lineage: dg.TableColumnLineage) -> dg.TableMetadataValue:
    """Return the upstream columns of each column, for people."""
    rows = []
    for column in contract.columns:
        deps = lineage.deps_by_column.get(column, ())
        named = (f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps)
        rows.append({"column": column, "made_of": ", ".join(named)})
    return _table(rows)


def _upstream_columns(root, tables: set[str]) -> list[dg.TableColumnDep]:
    leaves = {
        (node.expression.name, node.name.rpartition(".")[2].strip('"'))
        for node in root.walk()
        if isinstance(node.expression, sge.Table) and node.expression.name in tables
    }
    return [dg.TableColumnDep(dg.AssetKey(table), column) for table, column in sorted(leaves)]


def figures_table(frame: "pd.DataFrame") -> dg.TableMetadataValue:
    """Return figures as a table of the UI, with four digits behind the point."""
    return _table(frame.round(4).astype(object).where(frame.notna(), None).to_dict("records"))


def month_metadata(line: LedgerLine) -> dict[str, Any]:
    """Return what holds for one month of a publication; the UI plots it over the months."""
    figures = {"dagster/row_count": line.rows, "is_changed": line.is_changed}
    return figures if line.revenue is None else figures | {"revenue": float(line.revenue)}


def _revenue_added(line: LedgerLine, before: Content) -> Decimal:
    return (line.revenue or Decimal(0)) - (before.revenue or Decimal(0))


def _restated_table(publication: Publication) -> dg.TableMetadataValue:
    """Return the months that held other rows before, and by how much their revenue changed."""
    return _table(
        [
            {
                "month": f"{line.month:%Y-%m}",
                "rows_before": before.rows,
                "rows": line.rows,
                "revenue_before": f"{before.revenue or 0:,.4f}",
                "revenue": f"{line.revenue or 0:,.4f}",
                "difference": f"{_revenue_added(line, before):+,.4f}",
            }
            for line, before in publication.restated[-SHOWN_MONTHS:]
        ],
        difference="In the workbooks' currency.",
    )


def _months_table(publication: Publication) -> dg.TableMetadataValue:
    """Return rows and revenue per month, for a table whose months are not partitions."""
    return _table(
        [
            {
                "month": f"{line.month:%Y-%m}",
                "rows": line.rows,
                "revenue": "" if line.revenue is None else f"{line.revenue:,.4f}",
                "changed": line.is_changed,
            }
            for line in [line for line in publication.lines if line.month][-SHOWN_MONTHS:]
        ],
        revenue="Exact, with four decimals.",
        changed="Differs from what was there.",
    )


def _table(rows: list[dict[str, Any]], **descriptions: str) -> dg.TableMetadataValue:
    """Return rows as a table of the UI."""
    types = {bool: "bool", int: "int"}
    columns = [
        dg.TableColumn(name, types.get(type(value), "string"), description=descriptions.get(name))
        for name, value in (rows[0].items() if rows else ())
    ]
    return dg.MetadataValue.table(list(map(dg.TableRecord, rows)), dg.TableSchema(columns))
