"""The only code that knows DuckDB files, transactions and locks.

Every table has one ``Contract``. ``Warehouse.publish`` stages what an asset made, audits it
against the contract and swaps it in, with its line in the ledger, in one transaction.
``io_manager`` is how Dagster assets reach it. What the tables promise is in ``tables``.
"""

from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.warehouse import Warehouse

__all__ = ["Contract", "Warehouse", "WriteMode"]
