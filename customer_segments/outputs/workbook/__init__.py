"""The customers of a month as files for other programs: a workbook, CSV and Parquet.

In the order of the flow: ``tables`` writes customers for other tools and keeps texts of the data
from becoming formulas, ``sheets`` and ``workbook`` lay out what marketers open.
"""
