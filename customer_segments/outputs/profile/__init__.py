"""A quick profile of transactions before and after cleaning, as a page for the browser."""
