"""The engine's side of a listing: the pages of entries that a worker sends."""

from collections.abc import AsyncGenerator

from core.workers.pool import Pool
from core.workers.source_messages import Entry, Listed, ListMore, ListTree


async def pages(pool: Pool, task: str, request: ListTree) -> AsyncGenerator[list[Entry], None]:
    """Pages of the entries of a source; to be closed by the caller. The worker is free again before the last page,
    so that what is asked about a small source needs no second one.

    Raises TaskFailedError, WorkerDiedError.
    """
    async with pool.worker(task) as worker:
        reply = await worker.ask(request, Listed)
        while reply.more:
            yield reply.entries
            reply = await worker.ask(ListMore(), Listed)
    yield reply.entries
