"""What checks judged: verdicts by month, their sentences, and the history of them."""
