"""How Dagster assets reach the warehouse.

Belongs here: turning Dagster's contexts into publications and relations, and publications
into metadata. Does not: SQL, locks, rules (``publish``, ``warehouse``, ``audit``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg
import ibis

from customer_segments.errors import UserError
from customer_segments.months import months_of
from customer_segments.policy import Policy
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.content import Publication
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.dagster_metadata import month_metadata, publication_metadata
from customer_segments.storage.requirements import require_contract
from customer_segments.storage.warehouse import Warehouse
from customer_segments.texts import plural


@dataclass(eq=False)
class WarehouseIOManager(dg.IOManager):
    """Publishes what assets return, and hands on tables as unbound Ibis expressions.

    An output is an Ibis table (compiled to SQL and run in the database), an Arrow table or a
    DataFrame; or the ``Publication`` of an asset that had to read and write in one transaction. An
    input annotated ``ibis.Table`` stays in the database; one annotated ``pd.DataFrame`` is loaded,
    unless it is of transaction grain.

    Contracts are by table, which is the asset's key; the policy is in force whatever a launch sets.
    ``made_by`` gives the fingerprint of the rules that decide a table's rows; it takes the sections
    that a launch set in place of the policy's.
    """

    warehouse: Warehouse
    contracts: Mapping[str, Contract]
    policy: Policy
    made_by: Callable[..., str]

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Publish ``obj`` as the asset's table, or as the months of it that the run covers."""
        contract = self._contract(context.asset_key)
        months = months_of(context.asset_partition_keys) if context.has_asset_partitions else None
        context.log.info("Publishing %s.", contract.table)
        departing, said = departures(self.policy, contract, context.step_context.op_config or {})
        if said:
            context.log.warning(f"This launch departs from the policy: {said}.")
            context.add_output_metadata({"departs_from_policy": said})
        publication = obj
        if not isinstance(publication, Publication):
            made_by = self.made_by(contract, **departing)
            options = {"months": months, "run_id": context.run_id, "made_by": made_by}
            publication = self.warehouse.publish(contract, obj, **options)
        context.add_output_metadata({"rows_published": publication.rows})
        said_of_all = publication_metadata(contract, publication)
        if months:
            said_of = {line.month: month_metadata(line) for line in publication.lines}
            # With the newest month alone, which is what pages show first: columns, SQL and lineage
            # are forty kilobytes, and every month's event is stored twice.
            said_of[months[1]] = said_of_all | said_of[months[1]]
            for month, metadata in said_of.items():
                context.step_context.add_asset_metadata(metadata, context.asset_key, str(month))
        else:
            context.add_output_metadata(said_of_all)
        rows = f"{publication.rows:,} {plural(publication.rows, 'row')}"
        context.log.info("Published %s: %s.", contract.table, rows)

    def load_input(self, context: dg.InputContext) -> object:
        """Return the upstream table: unbound, or as a DataFrame where that is asked for."""
        contract = self._contract(context.asset_key)
        wanted = context.dagster_type.typing_type
        if isinstance(wanted, type) and issubclass(wanted, ibis.Table):
            return contract.relation
        if contract.is_big:
            raise UserError(
                f"{contract.table} is of transaction grain and stays in the database.",
                "Annotate the input with ibis.Table.",
            )
        with self.warehouse.reading() as con:
            require_contract(con, Catalog.of(con), contract)
            return con.execute(contract.relation.order_by(list(contract.key)))

    def _contract(self, asset_key: dg.AssetKey) -> Contract:
        table = asset_key.path[-1]
        if table not in self.contracts:
            raise UserError(
                f"No contract is declared for the table {table}.",
                f"Declare one, or keep {table} out of the warehouse.",
            )
        return self.contracts[table]


def departures(
    policy: Policy, contract: Contract, launched: Mapping
) -> tuple[dict[str, dict], str]:
    """Return the section that a launch set otherwise than the policy, and what it set in words.

    ``launched`` is the config of the table's asset; it may say more than the section has.
    """
    if not (contract.sections and launched):
        return {}, ""
    name = contract.sections[-1]
    section = getattr(policy, name).model_dump(mode="json")
    differing = {key: launched[key] for key, v in section.items() if launched.get(key, v) != v}
    said = "; ".join(
        f"{name}.{key} is {value!r}, the policy says {section[key]!r}"
        for key, value in differing.items()
    )
    if said and contract.write_mode is WriteMode.REPLACE_MONTHS:
        said += ". The next refresh makes these months again by the policy"
    return {name: section | differing} if differing else {}, said
