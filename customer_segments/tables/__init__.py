"""The contracts of all tables, in the order in which data flows; a module per stage declares them.

Belongs here: what the tables promise. Does not: what makes their rows (the stages), how they are
written (``storage``).
"""

from customer_segments.tables.cleaning import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments.tables.evaluation import ALGORITHM_COMPARISON, SEGMENT_BACKTEST
from customer_segments.tables.ingestion import RAW_TRANSACTIONS, SOURCE_SHEETS
from customer_segments.tables.model import CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION
from customer_segments.tables.quality import CHECK_HISTORY
from customer_segments.tables.rfm import CUSTOMER_RFM
from customer_segments.tables.segments import (
    CUSTOMER_SEGMENTS,
    GONE,
    NEW,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

LABELS = (CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES)
EVALUATION = (ALGORITHM_COMPARISON, SEGMENT_BACKTEST)

CONTRACTS = {
    contract.table: contract
    for contract in (
        RAW_TRANSACTIONS,
        SOURCE_SHEETS,
        CLEANED_TRANSACTIONS,
        REJECTED_TRANSACTIONS,
        CUSTOMER_RFM,
        KMEANS_MODEL,
        MODEL_SELECTION,
        CHAMPION_MODEL,
        *LABELS,
        *EVALUATION,
        CHECK_HISTORY,
    )
}

__all__ = [
    "ALGORITHM_COMPARISON",
    "CHAMPION_MODEL",
    "CHECK_HISTORY",
    "CLEANED_TRANSACTIONS",
    "CONTRACTS",
    "CUSTOMER_RFM",
    "CUSTOMER_SEGMENTS",
    "EVALUATION",
    "GONE",
    "KMEANS_MODEL",
    "LABELS",
    "MODEL_SELECTION",
    "NEW",
    "RAW_TRANSACTIONS",
    "REJECTED_TRANSACTIONS",
    "SEGMENT_BACKTEST",
    "SEGMENT_MIGRATION",
    "SEGMENT_PROFILES",
    "SOURCE_SHEETS",
]
