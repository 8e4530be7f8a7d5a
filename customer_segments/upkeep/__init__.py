"""What keeps an installation going for years: migrations, backups, a doctor.

A warehouse outlives many versions of the code. ``migrate`` brings an older one up to the
contracts of this version, ``backup`` and ``restore`` copy it, ``doctor`` says what is wrong.
What a table promises belongs to the stages' contracts, how it is written to ``storage``.
"""
