"""No contract changes unnoticed: versions and fingerprints as they were when last looked at."""

from customer_segments.storage.contracts import version_of
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.tables import CONTRACTS
from customer_segments.upkeep.migrate import STEPS

PINS = {
    "raw_transactions": "v2-ce0afa620c5e",
    "source_sheets": "v3-9b6b02184c90",
    "source_doubts": "v1-91aaaac24d8f",
    "customer_contacts": "v1-0fcbcd005336",
    "cleaned_transactions": "v4-1585c00bc1ec",
    "rejected_transactions": "v3-b14fd2e2762c",
    "customer_rfm": "v5-73b1fa9d1921",
    "kmeans_model": "v2-04a1bda768cb",
    "model_selection": "v3-aa932bea7964",
    "champion_model": "v2-e19b44b813bf",
    "customer_segments": "v4-45480d0157f7",
    "segment_migration": "v2-a221531e9bbe",
    "segment_profiles": "v2-ba6768769c61",
    "customer_value": "v1-4d0f04f30642",
    "value_backtest": "v1-34157b1d5349",
    "segment_value_backtest": "v1-f245947f57fc",
    "algorithm_comparison": "v1-89c9e90b10df",
    "segment_backtest": "v1-908bb2c98f57",
    "refit_agreement": "v1-61b4ba0b4ce8",
    "product_recommendations": "v1-83527d8fe2ee",
    "segment_products": "v1-7fc7abbe3b76",
    "recommendation_backtest": "v1-99f5885cef72",
    "campaign_result": "v1-336f7bdbe89a",
    "check_history": "v1-b23f1557aa6e",
    "publications": "v2-8e67c6b2517c",
}
WHAT_TO_DO = (
    "The contract of {table} changed. Warehouses of before are out there: raise its version, then "
    "pin {label!r} here. If its rows cannot be made anew (WriteMode.INSERT_NEW) and more changed "
    "than new columns that may be null, add a step to customer_segments/upkeep/migrate.py, and a "
    "test that migrates rows of the version before."
)


def test_contracts_are_those_that_are_pinned():
    for table, contract in {**CONTRACTS, PUBLICATIONS.table: PUBLICATIONS}.items():
        assert PINS.get(table) == contract.label, WHAT_TO_DO.format(
            table=table, label=contract.label
        )
    assert set(PINS) == {*CONTRACTS, PUBLICATIONS.table}


def test_steps_lead_to_versions_that_there_are():
    for table, former in STEPS:
        assert 1 <= former < version_of(PINS[table])


def test_labels_of_before_versions_are_read_too():
    champion = CONTRACTS["champion_model"]
    assert champion.is_labelled(champion.label)
    assert champion.is_labelled(champion.fingerprint)
    assert not champion.is_labelled(f"v1-{champion.fingerprint}")
    assert version_of(champion.label) == 2
    assert version_of(champion.fingerprint) == version_of("") == 1
