"""A book for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from core.database import Database
from tests.core.importing.conftest import rig
from tests.core.receipts.book import Book

__all__ = ["rig"]


@pytest_asyncio.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    database = await Database.open(str(tmp_path))
    made = Book(database)
    await made.setup()
    yield made
    await database.close()
