"""Open archives: identity, lock, dedup, and their locations."""
