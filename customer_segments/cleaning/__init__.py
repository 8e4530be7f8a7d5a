"""``raw_transactions`` -> ``cleaned_transactions`` and ``rejected_transactions``.

Every raw row lands in exactly one of the two; a rejected one says why. Row by row: what needs
sight of other rows was settled by ingestion.
"""
