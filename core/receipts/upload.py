"""Writes a file locally, then has a worker bring it to an archive or another folder: it is complete or absent
there."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from tempfile import NamedTemporaryFile
from typing import IO

from core.workers import messages, text_messages
from core.workers.messages import Place
from core.workers.pool import Pool


@asynccontextmanager
async def uploaded_file(pool: Pool, place: Place, staged: str, target: str) -> AsyncIterator[IO[bytes]]:
    """A context manager that gives a local file to write to. When the block ends without an error, a worker copies
    the file to `staged` below `place`, and renames that to `target`, replacing what is there.

    Raises what asking a worker raises.
    """
    with NamedTemporaryFile(prefix="lading-", delete=False) as file:
        try:
            yield file
            file.flush()
            async with pool.worker("receipt") as worker:
                request = text_messages.Put(place, os.fsencode(file.name), staged, target)
                await worker.ask(request, messages.Done)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
