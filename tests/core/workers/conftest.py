"""A pool of real worker processes, and an archive and a source for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.workers.pool import Pool
from tests.core.workers.rig import Rig


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def rig(pool: Pool, tmp_path: Path) -> Rig:
    rig = Rig(pool, tmp_path)
    await rig.open()
    return rig
