"""Files -> ``raw_transactions``: every row of every sheet, typed, with its month.

In the order of the flow: ``files`` gives the cells, ``columns`` says which they are, ``cells`` what
they say, ``sheets`` what of a sheet is doubted; ``intake`` reads them all, ``orders`` finds those
that stand twice, ``survey`` says what was read, and ``reuse`` what need not be read again.

What needs sight of more than one row is settled here, once, so that cleaning is row by row
and truly partitionable.
"""
