"""What the segments are worth beside other ways to group the same customers.

Belongs here: other clustering algorithms and the classic grid of quintiles on the same features
and gates, and how well each grouping foretells what customers spend. Does not: choosing the
number of clusters or the model that labels (``model``), or showing any of it (``outputs``).

What it is not: evidence that a campaign works. It says who would buy anyway, from history alone;
what an action changes only a test with a group left alone can tell.
"""
