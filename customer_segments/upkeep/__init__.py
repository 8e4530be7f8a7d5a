"""What keeps an installation going for years, in three rooms.

A warehouse outlives many versions of the code. ``migrate`` brings an older one up to the
contracts of this version, ``backup`` and ``restore`` copy it, ``doctor`` says what is wrong.
What a table promises belongs to ``tables``, how it is written to ``storage``.
"""
