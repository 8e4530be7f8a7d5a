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
from customer_segments.tables.segments import CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES
from customer_segments.tables.segments import GONE as GONE
from customer_segments.tables.segments import NEW as NEW

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
