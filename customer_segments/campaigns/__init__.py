"""Campaigns that can be measured: a group that is left alone, and what can be told by it.

Belongs here: who is in which group, how small a difference a test can show, and the comparison of
a past month's groups. Does not: lists and pages (``outputs``), or what the shop did: nothing here
knows whether anybody was turned to.
"""
