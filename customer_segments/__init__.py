"""Retail transaction workbooks in, labelled customer segments out, month after month.

One folder per stage, in the order in which data flows: ``ingestion``, ``cleaning``, ``doubts``,
``rfm``, ``model``, ``segments``, ``outputs``. ``storage`` is what they stand on, ``automation``
what starts them, ``definitions`` the graph that Dagster loads, ``commands`` the same from a
terminal.
"""

import warnings

# Dagster's backfill policies, which single-run ranges rest on, have been in beta since 2023.
warnings.filterwarnings("ignore", message=".*is currently in beta", module="customer_segments")
warnings.filterwarnings("ignore", message=".*is currently in beta", module="dagster")
