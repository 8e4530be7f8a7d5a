"""Types of money, in the currency of the files, and of quantities."""

# Of a line: quantity times price, rounded half up; ingestion takes nothing for
# a line that would not fit.
LINE = "decimal(18, 4)"
PRICE = "decimal(18, 6)"
QUANTITY = "decimal(18, 4)"
# Sums of lines: all of an Indonesian wholesaler's years in rupiah are far beyond 1e14.
SUM = "decimal(38, 4)"
