"""What looks wrong with the input as a whole, before anybody is labelled.

Doubts judge the settled rows, and what cleaning makes of them; ``assets`` asks for them before it
publishes what ``ingestion`` has read, and who only wants to know does so in a dry run. What a doubt
is (``doubt``) is known before: reading a column has its own.
"""
