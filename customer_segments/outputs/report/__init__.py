"""The report of a month: one HTML page that needs no other.

In the order of the flow: ``page`` gives the template its figures, ``glossary.toml`` the words
that are explained, ``report.html.j2`` says it all; ``showing`` puts its pictures into Dagster.
"""
