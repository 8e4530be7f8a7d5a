"""Types of money, in the currency of the files."""

# Of a line and of a unit; ingestion takes nothing for a line that would not fit.
LINE = "decimal(18, 4)"
# Sums of lines: all of an Indonesian wholesaler's years in rupiah are far beyond 1e14.
SUM = "decimal(38, 4)"
