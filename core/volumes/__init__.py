"""Volumes: what is mounted where, and what its file system guarantees."""
