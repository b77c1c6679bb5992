"""Checksum lists that other programs wrote: recognizing and parsing them, and their algorithms."""
