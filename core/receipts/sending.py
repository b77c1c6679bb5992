"""A file made here and brought to an archive or another folder by a worker: complete, or not there."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from tempfile import NamedTemporaryFile
from typing import IO

from core.workers import messages
from core.workers.messages import Place
from core.workers.pool import Pool


@asynccontextmanager
async def sent(pool: Pool, place: Place, staged: str, target: str) -> AsyncIterator[IO[bytes]]:
    """A local file to write; when the block ends it replaces `target`, by way of the new file `staged`.

    Raises what asking a worker raises.
    """
    with NamedTemporaryFile(prefix="lading-", delete=False) as file:
        try:
            yield file
            file.flush()
            async with pool.worker("receipt") as worker:
                request = messages.Put(place, os.fsencode(file.name), staged, target)
                await worker.ask(request, messages.Done)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
