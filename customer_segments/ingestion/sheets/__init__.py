"""A sheet as it is read, and what its columns beside each other give rise to doubt."""
