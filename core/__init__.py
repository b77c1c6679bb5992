"""Lading's engine: everything but the screen. Never imports `tui` or `textual`."""

VERSION = "0.1.0"
