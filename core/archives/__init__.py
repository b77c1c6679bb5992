"""Archives that are open, and their locations."""
