"""Files or a database -> cells: encodings, separators, sheets; not what they mean."""
