"""A book for each test."""

from tests.core.receipts.conftest import book

__all__ = ["book"]
