"""The assets of this stage: the fitted model, the evidence for it, and the champion."""

from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.model.champion import decide, in_force
from customer_segments.model.comparison import Comparison, compare
from customer_segments.model.fit import fit_version
from customer_segments.model.gates import chosen_number, conclusion, recommend
from customer_segments.model.judges import CHECKED
from customer_segments.model.selection import compare_n_clusters
from customer_segments.model.training import training_month, training_pool
from customer_segments.policy.model import AUTO, Deciding, Fitting, Selecting
from customer_segments.quality.runner import stage_checks
from customer_segments.storage.dagster_metadata import asset_attributes, figures_table
from customer_segments.storage.io_manager import departures
from customer_segments.storage.publish import publish
from customer_segments.storage.warehouse import load, query
from customer_segments.tables import CHAMPION_MODEL, CUSTOMER_RFM, KMEANS_MODEL, MODEL_SELECTION

GROUP = "model"
# Of the evidence, in the UI.
SHOWN = [
    *("n_clusters", "silhouette", "null_silhouette", "davies_bouldin", "calinski_harabasz"),
    *("stability", "worst_jaccard", "smallest_share", "inertia", "passes", "is_recommended"),
]
# Of a decision, as numbers, so that the UI plots them.
FIGURES = ["adjusted_rand_index", "moved_share", "stability", "silhouette", "champion_silhouette"]


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    policy, warehouse, rfm = installed.policy, installed.warehouse, [CUSTOMER_RFM.table]

    @dg.asset(
        group_name=GROUP,
        deps=[*rfm, MODEL_SELECTION.table],
        **asset_attributes(KMEANS_MODEL, "scikitlearn"),
    )
    @launchpad(Fitting, policy.model)
    def kmeans_model(context: dg.AssetExecutionContext, config: Fitting) -> object:
        """KMeans on a year of snapshots, as rows: centroids, scaling, names. All versions are kept.

        The version is a hash of the numbers: fitting the same data again adds nothing.
        """
        month = training_month(warehouse.query, config.training_month, policy.source.today())
        least = config.model_dump(include={"min_months", "min_customers"})
        pool = training_pool(warehouse.query, month, **least)
        number = config.n_clusters
        if number == AUTO:
            number = evident_number(warehouse.load(MODEL_SELECTION).to_dict("records"), month)
        rows = fit_version(pool, n_clusters=number, seed=config.seed)
        segments = (f"- **{r['segment']}** ({r['customers']:,}): {r['description']}" for r in rows)
        said = {"model_version": rows[0]["version"], "silhouette": rows[0]["silhouette"]}
        said |= {"n_clusters": number, "fitted_rows": len(pool.fitted.values)}
        said["segments"] = dg.MetadataValue.md("\n".join(segments))
        context.add_output_metadata(snapshot_metadata(month, rows[0]["training_customers"]) | said)
        return KMEANS_MODEL.arrow(rows)

    @dg.asset(group_name=GROUP, deps=rfm, **asset_attributes(MODEL_SELECTION, "scikitlearn"))
    @launchpad(Selecting, policy.selection)
    def model_selection(context: dg.AssetExecutionContext, config: Selecting) -> object:
        """Evidence for the number of clusters, 2 to 10: how they separate, how stable they are.

        Recommends a number, which the model has where its config says auto.
        """
        import pandas as pd

        # The evidence is of the customers whom the same run fits, whoever forgets to say it twice.
        launched: Any = context.run.run_config
        beside = launched.get("ops", {}).get(KMEANS_MODEL.table, {}).get("config", {})
        wanted = config.training_month or beside.get("training_month")
        month = training_month(warehouse.query, wanted, policy.source.today())
        # A fit that is refused leaves the evidence of the champion as it was.
        least = policy.model.model_dump(include={"min_months", "min_customers"})
        least |= {name: beside[name] for name in least if name in beside}
        pool = training_pool(warehouse.query, month, **least)
        measuring = config.model_dump(include={"resamples", "seed", "min_share"})
        rows = recommend(compare_n_clusters(pool, **measuring), config)
        figures = figures_table(pd.DataFrame(rows, columns=SHOWN))
        said = {"recommendation": conclusion(rows), "figures": figures}
        if recommended := [row["n_clusters"] for row in rows if row["is_recommended"]]:
            said["recommended"] = recommended[0]
        customers = int(pool.is_newest.sum())
        context.add_output_metadata(snapshot_metadata(month, customers) | said)
        return MODEL_SELECTION.arrow(rows)

    @dg.asset(group_name=GROUP, deps=[*rfm, kmeans_model], **asset_attributes(CHAMPION_MODEL))
    @launchpad(Deciding, policy.gate)
    def champion_model(context: dg.AssetExecutionContext, config: Deciding) -> object:
        """Which model version labels customers, since when, and why.

        The first fit promotes itself. After that the champion stays, so that segments stay
        comparable, until a newly fitted version passes the gate or somebody names one in the
        launchpad. Every comparison is recorded, also where the champion is kept.
        """
        fitted, run_id = newest_fit(context.instance), context.run.run_id
        departing, _ = departures(policy, CHAMPION_MODEL, config.model_dump(mode="json"))
        with warehouse.writing() as con:
            versions, decisions = load(con, KMEANS_MODEL), load(con, CHAMPION_MODEL)

            def compared(champion: str, challenger: str) -> Comparison:
                old, new = (versions[versions["version"] == v] for v in (champion, challenger))
                month = new["training_month"].iloc[0].date()
                # Not by the warehouse, which is open here.
                pool = training_pool(partial(query, con), month, min_customers=2)
                return compare(pool, old, new, config)

            row, is_new = decide(versions, decisions, config, fitted, compared, run_id)
            if not (is_new or config.version) and context.run.job_name == "promote":
                raise UserError(
                    "This launch of promote names no version, and no newly fitted one waits.",
                    "Name a version in the config of champion_model; `customer-segments models "
                    "list` shows them.",
                )
            rows = CHAMPION_MODEL.arrow([row] if is_new else [])
            made_by = installed.made_by(CHAMPION_MODEL, **departing)
            publication = publish(con, CHAMPION_MODEL, rows, run_id=run_id, made_by=made_by)
        champion = row["version"] if is_new else in_force(decisions)[0]
        said = {"champion_version": champion, "is_new_decision": is_new}
        context.add_output_metadata(said | decision_metadata(row))
        return publication

    return dg.Definitions(
        assets=[kmeans_model, model_selection, champion_model],
        asset_checks=stage_checks(CHECKED, installed),
    )


def snapshot_metadata(month: date, customers: int) -> dict[str, Any]:
    """Return what the UI shows of the snapshot that something is trained on."""
    return {"training_month": f"{month:%Y-%m}", "training_customers": customers}


def evident_number(selection: list[dict], month: date) -> int:
    """Return the number of clusters that rows of ``model_selection`` speak for in a month.

    A UserError says that it is of another month.
    """
    months = {f"{row['training_month']:%Y-%m}" for row in selection}
    if months - {f"{month:%Y-%m}"}:
        raise UserError(
            f"n_clusters is auto, and model_selection is of {', '.join(months)}, not of "
            f"{month:%Y-%m}.",
            "Materialize model_selection with this training_month first, or along with "
            "kmeans_model; or say a number.",
        )
    return chosen_number(selection)


def newest_fit(instance: dg.DagsterInstance) -> str | None:
    """Return the version that the newest materialization of ``kmeans_model`` came to.

    Its table cannot tell: fitting an older version again adds no rows to it.
    """
    event = instance.get_latest_materialization_event(dg.AssetKey("kmeans_model"))
    materialization = event.asset_materialization if event else None
    reported = materialization.metadata.get("model_version") if materialization else None
    return str(reported.value) if reported else None


def decision_metadata(row: dict) -> dict[str, object]:
    """Return what the UI shows of a decision."""
    shown: dict[str, object] = {"verdict": row["verdict"], "reason": row["reason"]}
    for name in FIGURES:
        # Null is None in a new row and NaN in one that was loaded.
        if (figure := row.get(name)) is not None and figure == figure:
            shown[name] = float(figure)
    if row["matching"]:
        pairs = row["matching"].replace(" -> ", " | ").split("; ")
        lines = ["champion's segment | challenger's segment", "---|---", *pairs]
        shown["matching"] = dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))
    return shown
