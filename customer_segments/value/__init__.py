"""``cleaned_transactions`` and ``customer_rfm`` -> ``customer_value``: what customers may spend.

Belongs here: what a customer spent in a year and may spend in the months to come, and how well
that was foretold in the past. Does not: what to do about it, or any promise of what an action
changes.
"""
