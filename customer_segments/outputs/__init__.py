"""A month as people see it: a report with pictures, a workbook, a table in the terminal.

In the order of the flow: ``reading`` reads all that is known of a month from one state of the
warehouse, by what ``queries`` asks; ``words`` and ``columns`` say how figures are written;
``pictures``, ``report``, ``workbook`` and ``summary`` show the view, ``evaluated`` what was judged;
``assets`` is Dagster around them. Nothing here computes a figure that a table of the warehouse has.
"""
