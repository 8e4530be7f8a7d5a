"""The table of what checks judged."""

from customer_segments.storage import Column, Contract, Rule, WriteMode

CHECK_HISTORY = Contract(
    table="check_history",
    grain="what one evaluation of a check said of one month, or of a whole table",
    columns=(
        Column("verdict", "!int64", "Running number; a later one has a larger one."),
        Column("evaluated_at", "!timestamp(6)", "When, UTC; the same for all of an evaluation."),
        Column("run_id", "!string", "Dagster run that evaluated it."),
        Column("table_name", "!string", "Table that was judged."),
        Column("check_name", "!string", "Check."),
        Column("month", "date", "First day of the month judged; null for the whole table."),
        Column("level", "!string", "ok, warn or error."),
        Column("said", "!string", "What is wrong, or why it was not judged; empty if all is well."),
        Column("figures", "!string", "What was judged, as a JSON object of figures by name."),
        Column(
            "publication",
            "int64",
            "Line of publications that wrote what was judged; null if none did.",
        ),
    ),
    key=("verdict",),
    rules=(
        Rule("level is one of three", "level IN ('ok', 'warn', 'error')"),
        Rule("what is wrong is said", "level = 'ok' OR said <> ''"),
    ),
    write_mode=WriteMode.INSERT_NEW,
    built_from="raw_transactions",
    sections=("checks",),
)
