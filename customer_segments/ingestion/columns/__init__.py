"""Which columns a sheet has, by their headings and by ``[[layout]]``."""
