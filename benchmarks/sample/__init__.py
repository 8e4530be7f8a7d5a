"""Invented customers whose transactions have UCI's layout, and UCI's dirt.

In the order of the flow: ``archetypes`` says what kinds of customers there are, ``customers``
draws them, ``catalogue`` is what they buy, ``transactions`` makes their order lines, ``dirt``
soils these, ``writers`` puts them into a workbook or a Parquet file. Nothing is imported here:
numpy, pandas, pyarrow and openpyxl load only when a sample is made.
"""
