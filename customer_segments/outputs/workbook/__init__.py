"""The customers of a month as files for other programs: a workbook, CSV and Parquet.

In the order of the flow: ``texts`` keeps texts of the data from becoming formulas, ``sheets`` and
``workbook`` lay out what marketers open, ``tables`` writes the same customers for other tools.
"""
