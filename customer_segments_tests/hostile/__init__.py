"""Input that is hostile or broken: refused with a clear error, or every row accounted for."""
