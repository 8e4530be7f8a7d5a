"""A quick profile of transactions before and after cleaning, as a page for the browser.

In the order of the flow: ``figures`` counts in the engine, over all rows; ``page`` lays them out,
with a library's report on a sample of the rows beside them.
"""
