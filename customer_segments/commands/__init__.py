"""The console command ``customer-segments``.

Belongs here: arguments, help, what is started and printed; ``app`` lists all commands. Nothing
imports from here. Does not: what is done (the stages), which is imported only by the command
that needs it.
"""
