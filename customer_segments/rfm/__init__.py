"""``cleaned_transactions`` -> ``customer_rfm``: a customer's state at the end of each month."""
