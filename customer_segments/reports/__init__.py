"""What people look at: a month's evidence, its pictures, and the report they stand in.

In the order of the flow: ``evidence`` reads all that a report needs from one state of the
warehouse, ``pictures`` draws it, and the report puts words around it. Nothing here computes a
figure that a table of the warehouse has; what no table has (retention) is counted in the engine.
"""
