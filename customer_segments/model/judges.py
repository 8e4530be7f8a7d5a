"""What is looked at in models: that versions separate, and the champion is still one to trust.

Belongs here: figures of newly fitted versions and of the champion, what stands out; that versions
are whole. Does not: the gate that a challenger has to pass (``gates``), measuring (``comparison``).
"""

from collections.abc import Callable, Iterable

from ibis import coalesce, ifelse
from ibis.expr.types import Table

from customer_segments.months import between, month_of
from customer_segments.quality.judge import Judge, Row
from customer_segments.quality.scope import Scope
from customer_segments.quality.spine import Spine
from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION


def promised(model: Table) -> Table:
    """Return clusters, names and customers that each version says it has."""
    says = {"clusters": model.n_clusters, "names": model.n_clusters}
    return model.select("version", **says, customers=model.training_customers).distinct()


def found(model: Table) -> Table:
    """Return clusters, names and customers that the rows of each version add up to."""
    return model.group_by("version").agg(
        clusters=model.cluster.nunique(),
        names=model.segment.nunique(),
        customers=model.customers.sum().cast("int64"),
    )


def versions(_scope: Scope) -> Table:
    """Return silhouette and smallest share of the versions of the newest training month."""
    model = KMEANS_MODEL.relation
    newest = model.filter(model.training_month == model.training_month.max())
    figures = newest.group_by("version", month="training_month").agg(
        silhouette=newest.silhouette.max(),
        smallest_share=(newest.customers / newest.training_customers).min(),
    )
    return figures.order_by("version")


def passing(_scope: Scope) -> Table:
    """Return how many numbers of clusters passed every gate, where they were resampled."""
    selection = MODEL_SELECTION.relation
    counted = selection.agg(passing=selection.passes.sum(), resamples=selection.resamples.max())
    return counted.filter(counted.resamples > 0).select("passing")


def champion(scope: Scope) -> Table:
    """Return the champion's silhouette and stability, and what the newest refit would move.

    Its stability is what was measured when it was the challenger, or else the evidence's of as
    many clusters of the same customers, which are the same model. A refit with another number of
    clusters moves customers by intent, one of before the champion's time from another champion:
    neither counts.
    """
    decisions, model, selection = (
        scope.relation(contract) for contract in (CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION)
    )
    trained_on = ["n_clusters", "training_month", "training_customers"]
    versions = model.select("version", "silhouette", *trained_on).distinct()
    measured = decisions.filter(decisions.stability.notnull())
    newest = measured.stability.argmax(measured.decision)
    own = measured.group_by(version="challenger").agg(own=newest)
    evidence = selection.filter(selection.stability.notnull())
    evidence = evidence.select(*trained_on, evidence="stability")
    is_judged = decisions.verdict.isin(["promoted", "kept"])
    since = ifelse(decisions.verdict != "kept", decisions.decision, None).max()
    refits = decisions.mutate(since=since.over()).filter(decisions.moved_share.notnull(), is_judged)
    refits = refits.filter(refits.decision >= refits.since)
    refits = refits.select("decision", "moved_share", version="challenger")
    refits = refits.inner_join(versions, "version")
    newest = refits.moved_share.argmax(refits.decision)
    moved = refits.group_by("n_clusters").agg(moved_share=newest)
    champion = decisions.filter(decisions.decision == decisions.decision.max()).select("version")
    figures = _with(_with(champion, versions, "version"), own, "version")
    figures = _with(_with(figures, evidence, *trained_on), moved, "n_clusters")
    return figures.select(
        "version", "silhouette", "moved_share", stability=coalesce(figures.own, figures.evidence)
    )


def history(_scope: Scope) -> Table:
    """Return the customers that the champion was fitted on, and the last month of their history."""
    decisions, model = CHAMPION_MODEL.relation, KMEANS_MODEL.relation
    champion = decisions.filter(decisions.decision == decisions.decision.max())
    fitted = model.select("version", "training_month", customers="training_customers").distinct()
    return fitted.semi_join(champion, "version")


def _with_months(rows: list[Row], scope: Scope) -> Iterable[Row]:
    for row in rows:
        months = between(scope.months.first, month_of(row.pop("training_month")))
        yield row | {"months": len(list(months))}


def _with(left: Table, right: Table, *keys: str) -> Table:
    """Return rows with what another table has of them, if anything."""
    return left.left_join(right, keys).drop(*(f"{key}_right" for key in keys))


def _only(figure: str) -> Callable[[list[Row], Scope], Iterable[Row]]:
    """Return what takes one figure of the champion."""
    return lambda rows, _scope: [{"version": row["version"], figure: row[figure]} for row in rows]


NUMBER = Judge(MODEL_SELECTION, "number", passing)
FIT = Judge(KMEANS_MODEL, "fit", versions)
SPINE = Spine((KMEANS_MODEL,), promised(KMEANS_MODEL.relation), found(KMEANS_MODEL.relation))
CHAMPION = (
    Judge(CHAMPION_MODEL, "silhouette", champion, _only("silhouette"), reads=(KMEANS_MODEL,)),
    Judge(CHAMPION_MODEL, "stability", champion, _only("stability"), reads=(MODEL_SELECTION,)),
    Judge(CHAMPION_MODEL, "little_history", history, _with_months, reads=(KMEANS_MODEL,)),
    Judge(CHAMPION_MODEL, "refit_moves", champion, _only("moved_share")),
)
CHECKED = (((NUMBER,), None), ((FIT,), SPINE), (CHAMPION, None))
