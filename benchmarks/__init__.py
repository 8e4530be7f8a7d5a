"""What a run costs, next to what the same workbook costs in a notebook.

Belongs here: measuring. Does not: tests. Nothing here is part of the product or of its tests,
since times depend on the machine.
"""
