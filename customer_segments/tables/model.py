"""The tables of ``model``: models and decisions."""

from customer_segments.storage import Column, Contract, Rule, WriteMode

KMEANS_MODEL = Contract(
    table="kmeans_model",
    grain="a cluster of a fitted model; every version ever fitted is kept",
    columns=(
        Column("version", "!string", "Hash of the numbers below: same data, same version."),
        Column("cluster", "!int64", "0 for the cluster of highest monetary centroid, and so on."),
        Column("segment", "!string", "Name of the segment; unique within a version."),
        Column("description", "!string", "What its customers are like, in words."),
        Column("suggested_action", "!string", "What to do about them."),
        Column("training_month", "!date", "Snapshot month that the model was fitted on."),
        Column("n_clusters", "!int64", "Clusters of this version."),
        Column("seed", "!int64", "Seed of the fit."),
        Column("training_customers", "!int64", "Customers in the training snapshot."),
        Column("customers", "!int64", "Of these, those in this cluster."),
        Column("inertia", "!float64", "Sum of squared distances to the centroids, all clusters."),
        Column("silhouette", "!float64", "Mean silhouette of all training customers."),
        Column("recency_centroid", "!float64", "Centroid, standardized log1p(recency_days)."),
        Column("frequency_centroid", "!float64", "Centroid, standardized log1p(frequency)."),
        Column("monetary_centroid", "!float64", "Centroid, standardized log1p(max(monetary, 0))."),
        Column("recency_mean", "!float64", "Mean of log1p(recency_days) in training."),
        Column("frequency_mean", "!float64", "Mean of log1p(frequency) in training."),
        Column("monetary_mean", "!float64", "Mean of log1p(max(monetary, 0)) in training."),
        Column("recency_scale", "!float64", "Standard deviation of log1p(recency_days)."),
        Column("frequency_scale", "!float64", "Standard deviation of log1p(frequency)."),
        Column("monetary_scale", "!float64", "Standard deviation of log1p(max(monetary, 0))."),
        Column("recency_rank", "!float64", "Mean percentile of its customers, 1 = most recent."),
        Column("frequency_rank", "!float64", "Mean percentile of its customers, 1 = most often."),
        Column("monetary_rank", "!float64", "Mean percentile of its customers, 1 = most money."),
    ),
    key=("version", "cluster"),
    rules=(
        Rule("cluster is below n_clusters", "cluster BETWEEN 0 AND n_clusters - 1"),
        Rule("a cluster has customers", "customers >= 1"),
        Rule(
            "scales are positive",
            "recency_scale > 0 AND frequency_scale > 0 AND monetary_scale > 0",
        ),
        Rule("silhouette is between -1 and 1", "silhouette BETWEEN -1 AND 1"),
    ),
    write_mode=WriteMode.INSERT_NEW,
    built_from="customer_rfm",
    sections=("source", "cleaning", "rfm", "model"),
)

CHAMPION_MODEL = Contract(
    table="champion_model",
    grain="a decision which model version labels customers, the newest in force",
    columns=(
        Column("decision", "!int64", "Running number; the largest is in force."),
        Column("version", "!string", "Version of kmeans_model that labels from then on."),
        Column("previous_version", "string", "The champion before; null for the first."),
        Column("challenger", "string", "Version compared with it, or chosen; null for the first."),
        Column("verdict", "!string", "first fit, promoted, kept, chosen or imported."),
        Column("decided_at", "!timestamp(6)", "When, UTC."),
        Column("reason", "!string", "Why; which figure failed which threshold, if one did."),
        Column("adjusted_rand_index", "float64", "Of the labels of champion and challenger."),
        Column("moved_share", "float64", "Share of customers whom the refit alone would move."),
        Column("stability", "float64", "Challenger's mean adjusted Rand index over resamples."),
        Column("silhouette", "float64", "Challenger's, on the snapshot it was trained on."),
        Column("champion_silhouette", "float64", "Champion's, on the same features."),
        Column("matching", "!string", "Which of its segments became which of the challenger's."),
        Column("run_id", "!string", "Dagster run that decided; empty for an import."),
    ),
    key=("decision",),
    rules=(
        Rule("decisions count from one", "decision >= 1"),
        Rule(
            "verdict is one of five",
            "verdict IN ('first fit', 'promoted', 'kept', 'chosen', 'imported')",
        ),
        Rule(
            "a champion that is kept stays, any other verdict changes it",
            "(verdict = 'kept') = (version IS NOT DISTINCT FROM previous_version)",
        ),
        Rule(
            "a challenger has a champion before it",
            "(challenger IS NULL) = (previous_version IS NULL)",
        ),
        Rule("moved_share is a share", "moved_share BETWEEN 0 AND 1"),
    ),
    write_mode=WriteMode.INSERT_NEW,
    built_from="kmeans_model",
    version=2,
    sections=("gate",),
)

MODEL_SELECTION = Contract(
    table="model_selection",
    grain="a number of clusters that was tried",
    columns=(
        Column("n_clusters", "!int64", "Clusters."),
        Column("training_month", "!date", "Snapshot month that was clustered."),
        Column("training_customers", "!int64", "Customers in it."),
        Column("inertia", "!float64", "Sum of squared distances to the centroids."),
        Column("silhouette", "!float64", "Mean silhouette; of a sample beyond 20,000 customers."),
        Column(
            "null_silhouette",
            "!float64",
            "The same for a normal cloud of the same covariance, where there are no segments.",
        ),
        Column("davies_bouldin", "!float64", "Davies-Bouldin index; less is better."),
        Column("calinski_harabasz", "!float64", "Calinski-Harabasz index; more is better."),
        Column(
            "stability", "float64", "Mean adjusted Rand index over resamples; null without them."
        ),
        Column(
            "cluster_jaccard",
            "array<float64>",
            "Mean Jaccard index of each cluster over resamples, highest monetary centroid first.",
        ),
        Column("worst_jaccard", "float64", "The least of these."),
        Column("smallest_share", "!float64", "Share of customers in the smallest cluster."),
        Column("resamples", "!int64", "Resamples of the bootstrap; 0 if there was none."),
        Column("passes", "!boolean", "Whether it was measured to pass every gate."),
        Column("is_recommended", "!boolean", "The largest number that passes; at most one."),
        Column("reason", "!string", "Why it is recommended, or why not, in a sentence."),
    ),
    key=("n_clusters",),
    rules=(
        Rule("at least two clusters", "n_clusters >= 2"),
        Rule(
            "silhouettes are between -1 and 1",
            "silhouette BETWEEN -1 AND 1 AND null_silhouette BETWEEN -1 AND 1",
        ),
        Rule("smallest_share is a share", "smallest_share BETWEEN 0 AND 1"),
        Rule("stability is at most 1", "stability BETWEEN -1 AND 1"),
        Rule("worst_jaccard is between 0 and 1", "worst_jaccard BETWEEN 0 AND 1"),
        Rule("a Jaccard index for each cluster", "len(cluster_jaccard) = n_clusters"),
        Rule(
            "stability is measured on resamples, and only there",
            "(resamples > 0) = (stability IS NOT NULL AND worst_jaccard IS NOT NULL "
            "AND cluster_jaccard IS NOT NULL)",
        ),
        Rule("what is recommended passes", "passes OR NOT is_recommended"),
    ),
    write_mode=WriteMode.REPLACE,
    built_from="customer_rfm",
    version=2,
    sections=("source", "cleaning", "rfm", "selection"),
)
