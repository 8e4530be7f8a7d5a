"""``customer_rfm`` -> ``kmeans_model``, ``champion_model``, ``model_selection``.

A model is rows, not a pickle: centroids, scaling and names per cluster, all versions kept.
"""
