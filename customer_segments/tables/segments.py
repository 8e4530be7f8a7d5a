"""The tables of ``segments``: labelled customers."""

from customer_segments.storage import Column, Contract, Rule, WriteMode
from customer_segments.tables.money import SUM

# In place of a segment, in the migration of who has none on that side.
NEW, GONE = "New", "Gone"

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
        Column("monetary", f"!{SUM}", "Sales minus credit notes; may be negative."),
        Column(
            "account_tier",
            "!string",
            "wholesale: monetary above the month's upper quartile + 1.5 interquartile ranges; else "
            "retail.",
        ),
        Column("cluster", "!int64", "Cluster of the model version."),
        Column("model_version", "!string", "Version of kmeans_model that labelled the row."),
    ),
    key=("snapshot_month", "customer_id"),
    rules=(
        Rule("cluster is not negative", "cluster >= 0"),
        Rule("segment has a name", "segment <> ''"),
        Rule("account_tier is one of two", "account_tier IN ('wholesale', 'retail')"),
    ),
    month_column="snapshot_month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="monetary",
    built_from="customer_rfm",
    version=3,
    sections=("source", "cleaning", "rfm"),
)

SEGMENT_MIGRATION = Contract(
    table="segment_migration",
    grain="a move between segments, or a stay in one, from a month's end to the next",
    columns=(
        Column("snapshot_month", "!date", "Month at whose end customers are in to_segment."),
        Column("from_segment", "!string", "Segment at last month's end; New if not there then."),
        Column("to_segment", "!string", "Segment at this month's end; Gone if not there any more."),
        Column("customers", "!int64", "Customers who moved so, or stayed."),
        Column("revenue_before", f"!{SUM}", "Their monetary at last month's end."),
        Column("revenue", f"!{SUM}", "Their monetary at this month's end."),
        Column("revenue_moved", f"!{SUM}", "What they brought: revenue - revenue_before."),
        Column("model_version", "!string", "Version of kmeans_model that judged both months."),
    ),
    key=("snapshot_month", "from_segment", "to_segment"),
    rules=(
        Rule("a move has customers", "customers >= 1"),
        Rule("revenue_moved is the difference", "revenue_moved = revenue - revenue_before"),
        Rule("who is new had no revenue", f"from_segment <> '{NEW}' OR revenue_before = 0"),
        Rule("who is gone has no revenue", f"to_segment <> '{GONE}' OR revenue = 0"),
        Rule("nobody is new and gone", f"from_segment <> '{NEW}' OR to_segment <> '{GONE}'"),
    ),
    month_column="snapshot_month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="revenue",
    built_from="customer_segments",
    version=2,
    sections=("source", "cleaning", "rfm"),
)

SEGMENT_PROFILES = Contract(
    table="segment_profiles",
    grain="a segment at the end of a month, if with customers",
    columns=(
        Column("snapshot_month", "!date", "First day of the month at whose end this holds."),
        Column("segment", "!string", "Name of the segment."),
        Column("customers", "!int64", "Customers in it."),
        Column("share", "!float64", "Their share of the month's customers, above 0 to 1."),
        Column("revenue", f"!{SUM}", "Their monetary added up; may be negative."),
        Column(
            "revenue_share", "float64", "Share of the month's revenue; null if that is not > 0."
        ),
        Column("median_recency_days", "!float64", "Median days from the last sale."),
        Column("mean_recency_days", "!float64", "Mean days from the last sale."),
        Column("median_frequency", "!float64", "Median sale invoices per customer."),
        Column("mean_frequency", "!float64", "Mean sale invoices per customer."),
        Column("median_monetary", "!float64", "Median monetary per customer."),
        Column("mean_monetary", "!float64", "Mean monetary per customer."),
        Column("customers_last_month", "int64", "Customers a month before, by the same model."),
        Column("customers_last_year", "int64", "Customers a year before, by the same model."),
        Column("revenue_last_month", SUM, "Their monetary then; null: no snapshot."),
        Column("revenue_last_year", SUM, "Their monetary then; null: no snapshot."),
        Column("model_version", "!string", "Version of kmeans_model that judged all months."),
        Column("suggested_action", "!string", "What to do about customers of the segment."),
    ),
    key=("snapshot_month", "segment"),
    rules=(
        Rule("a segment has customers", "customers >= 1"),
        Rule("share is a share", "share > 0 AND share <= 1"),
        Rule("recency is at least a day", "least(median_recency_days, mean_recency_days) >= 1"),
        Rule("frequency is at least one", "least(median_frequency, mean_frequency) >= 1"),
        Rule("customers before are not negative", "customers_last_month >= 0"),
        Rule("customers a year before are not negative", "customers_last_year >= 0"),
        Rule(
            "a month before is known or not",
            "(customers_last_month IS NULL) = (revenue_last_month IS NULL)",
        ),
        Rule(
            "a year before is known or not",
            "(customers_last_year IS NULL) = (revenue_last_year IS NULL)",
        ),
    ),
    month_column="snapshot_month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="revenue",
    built_from="customer_segments",
    version=2,
    sections=("source", "cleaning", "rfm"),
)
