"""The contracts of all tables, in the order in which data flows; a file per stage declares them.

Belongs here: what the tables promise; ``storage.Contract`` says what each key of the files means.
A column has its type and its description; types in capitals are those of ``money``. Does not:
what makes the rows (the stages), how they are written (``storage``).
"""

from pathlib import Path

from customer_segments.storage.contracts import declared
from customer_segments.tables.money import LINE, PRICE, QUANTITY, SUM

# Names of types in the files.
TYPES = {"LINE": LINE, "PRICE": PRICE, "QUANTITY": QUANTITY, "SUM": SUM}
STAGES = (
    *("ingestion", "cleaning", "rfm", "model"),
    *("segments", "value", "evaluation", "campaigns", "offers", "quality"),
)

# In place of a segment, in the migration of who has none on that side.
NEW, GONE = "New", "Gone"


CONTRACTS = {
    table: contract
    for stage in STAGES
    for table, contract in declared(Path(__file__).with_name(f"{stage}.toml"), **TYPES).items()
}

RAW_TRANSACTIONS = CONTRACTS["raw_transactions"]
SOURCE_SHEETS = CONTRACTS["source_sheets"]
SOURCE_DOUBTS = CONTRACTS["source_doubts"]
CUSTOMER_CONTACTS = CONTRACTS["customer_contacts"]
CLEANED_TRANSACTIONS = CONTRACTS["cleaned_transactions"]
REJECTED_TRANSACTIONS = CONTRACTS["rejected_transactions"]
CUSTOMER_RFM = CONTRACTS["customer_rfm"]
KMEANS_MODEL = CONTRACTS["kmeans_model"]
MODEL_SELECTION = CONTRACTS["model_selection"]
CHAMPION_MODEL = CONTRACTS["champion_model"]
CUSTOMER_SEGMENTS = CONTRACTS["customer_segments"]
SEGMENT_MIGRATION = CONTRACTS["segment_migration"]
SEGMENT_PROFILES = CONTRACTS["segment_profiles"]
CUSTOMER_VALUE = CONTRACTS["customer_value"]
VALUE_BACKTEST = CONTRACTS["value_backtest"]
SEGMENT_VALUE_BACKTEST = CONTRACTS["segment_value_backtest"]
ALGORITHM_COMPARISON = CONTRACTS["algorithm_comparison"]
SEGMENT_BACKTEST = CONTRACTS["segment_backtest"]
REFIT_AGREEMENT = CONTRACTS["refit_agreement"]
PRODUCT_RECOMMENDATIONS = CONTRACTS["product_recommendations"]
SEGMENT_PRODUCTS = CONTRACTS["segment_products"]
RECOMMENDATION_BACKTEST = CONTRACTS["recommendation_backtest"]
CAMPAIGN_RESULT = CONTRACTS["campaign_result"]
CHECK_HISTORY = CONTRACTS["check_history"]

LABELS = (CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES)
OFFERS = (PRODUCT_RECOMMENDATIONS, SEGMENT_PRODUCTS)
EVALUATION = (ALGORITHM_COMPARISON, SEGMENT_BACKTEST)
