"""Restoring original trees from the archive."""
