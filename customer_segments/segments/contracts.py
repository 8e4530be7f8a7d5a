"""The table of this stage."""

from customer_segments.storage import Column, Contract, Rule, WriteMode

CUSTOMER_SEGMENTS = Contract(
    table="customer_segments",
    grain="a customer at the end of a month, labelled",
    columns=(
        Column("snapshot_month", "!date", "First day of the month at whose end this holds."),
        Column("customer_id", "!string", "Customer."),
        Column("segment", "!string", "Name of the segment."),
        Column("suggested_action", "!string", "What to do about customers of the segment."),
        Column("recency_days", "!int64", "Whole days from the last sale to the month's end."),
        Column("frequency", "!int64", "Distinct sale invoices."),
        Column("monetary", "!decimal(18, 4)", "Sales minus credit notes; may be negative."),
        Column("cluster", "!int64", "Cluster of the model version."),
        Column("model_version", "!string", "Version of kmeans_model that labelled the row."),
    ),
    key=("snapshot_month", "customer_id"),
    rules=(
        Rule("cluster is not negative", "cluster >= 0"),
        Rule("segment has a name", "segment <> ''"),
    ),
    month_column="snapshot_month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="monetary",
    built_from="customer_rfm",
)
