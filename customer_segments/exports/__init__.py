"""The customers of a month as files for other programs: a workbook, CSV and Parquet.

In the order of the flow: ``month`` reads one state of the warehouse, ``texts`` keeps its texts
from becoming formulas, ``sheets`` and ``workbook`` lay out what marketers open, ``tables`` writes
the same customers for other tools.
"""
