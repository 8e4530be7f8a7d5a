"""Workbooks -> ``raw_transactions``: every row of every sheet, typed, with its month.

What needs sight of more than one row is settled here, once, so that cleaning is row by row
and truly partitionable.
"""
