"""Cells -> typed values, each column by one form: dates, numbers, identifiers."""
