"""``customer_rfm`` and the champion -> ``customer_segments``: labelled customers."""
