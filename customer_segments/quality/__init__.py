"""Judging tables: judges as data, one runner, what they said by month."""
