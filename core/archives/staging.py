"""Removing what was staged in an archive and is not wanted any more."""

from contextlib import suppress

from core.aio import time_limit
from core.errors import WorkerDiedError
from core.workers.archive_messages import CleanStaging, NamesCounted
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

CLEAN_TIMEOUT = 10.0
"""Seconds until removing what is staged times out."""


async def remove_staged(pool: Pool, place: Place, owner: str, seconds: float = CLEAN_TIMEOUT) -> None:
    """Remove what `owner` has staged in the archive at `place`. What is left after `seconds`, or after a fault, is
    removed when the archive is opened the next time."""
    with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
        async with time_limit(seconds), pool.worker("clean") as worker:
            await worker.ask(CleanStaging(place, [owner]), NamesCounted)
