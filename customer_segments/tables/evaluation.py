"""The tables of ``evaluation``: evaluation."""

from customer_segments.storage import Column, Contract, Rule, WriteMode

ALGORITHM_COMPARISON = Contract(
    table="algorithm_comparison",
    grain="a way to group the customers of one snapshot",
    columns=(
        Column("labelling", "!string", "Name, such as KMeans, 4 clusters."),
        Column("algorithm", "!string", "Algorithm."),
        Column("n_clusters", "!int64", "Clusters found."),
        Column("settings", "!string", "Parameters, and by which rule they were chosen."),
        Column("training_month", "!date", "Snapshot month that was grouped."),
        Column("training_customers", "!int64", "Customers of it; a sample beyond 10,000."),
        Column("silhouette", "float64", "Mean silhouette of the clustered customers."),
        Column("davies_bouldin", "float64", "Davies-Bouldin index of these; less is better."),
        Column("calinski_harabasz", "float64", "Calinski-Harabasz index; more is better."),
        Column("stability", "!float64", "Mean adjusted Rand index over resamples."),
        Column("worst_jaccard", "float64", "Least mean Jaccard index of a cluster over resamples."),
        Column("smallest_share", "!float64", "Share of customers in the smallest cluster."),
        Column("noise_share", "!float64", "Share of customers in no cluster."),
        Column("passes", "!boolean", "Whether it passes every gate."),
        Column("reason", "!string", "Which gates it misses, or with which figures it passes."),
    ),
    key=("labelling",),
    rules=(
        Rule("shares are shares", "smallest_share BETWEEN 0 AND 1 AND noise_share BETWEEN 0 AND 1"),
        Rule("silhouette is between -1 and 1", "silhouette BETWEEN -1 AND 1"),
        Rule("stability is at most 1", "stability BETWEEN -1 AND 1"),
        Rule("worst_jaccard is between 0 and 1", "worst_jaccard BETWEEN 0 AND 1"),
        Rule("one cluster separates nothing", "n_clusters >= 2 OR silhouette IS NULL"),
        Rule("what passes has clusters", "n_clusters >= 2 OR NOT passes"),
    ),
    write_mode=WriteMode.REPLACE,
    built_from="customer_rfm",
    sections=("source", "cleaning", "rfm", "algorithms"),
)

SEGMENT_BACKTEST = Contract(
    table="segment_backtest",
    grain="a way to group customers at a past date, and the months after it that are foretold",
    columns=(
        Column("labelling", "!string", "Name, as in algorithm_comparison; or score, or bound."),
        Column("as_of", "!date", "Day at which customers were grouped, by what was known then."),
        Column("horizon_months", "!int64", "Months from that day on that are foretold."),
        Column("customers", "!int64", "Customers of that day; a sample beyond 10,000."),
        Column("explained_variance", "float64", "R2 of log1p of net revenue, out of five folds."),
        Column("repurchase_auc", "float64", "Area under the ROC curve of coming back."),
        Column(
            "top_tenth_share", "float64", "Share of revenue of the tenth foretold to spend most."
        ),
        Column("repurchase_share", "!float64", "Share of customers who came back."),
        Column("kind", "!string", "segments; score: a plain sum; bound: gradient boosting."),
    ),
    key=("labelling", "as_of", "horizon_months"),
    rules=(
        Rule("as_of starts a month", "date_trunc('month', as_of) = as_of"),
        Rule("horizon is at least a month", "horizon_months >= 1"),
        Rule("explained_variance is at most 1", "explained_variance <= 1"),
        Rule("repurchase_auc is between 0 and 1", "repurchase_auc BETWEEN 0 AND 1"),
        Rule(
            "shares are shares",
            "top_tenth_share BETWEEN 0 AND 1 AND repurchase_share BETWEEN 0 AND 1",
        ),
        Rule("kind is known", "kind IN ('segments', 'score', 'bound')"),
    ),
    write_mode=WriteMode.REPLACE,
    built_from="customer_rfm",
    sections=("source", "cleaning", "rfm", "backtest"),
)
