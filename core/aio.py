"""Awaiting work that a cancellation must not interrupt, or within a time in which this process runs; errors of
groups of tasks."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

PULSE = 1.0
"""The most seconds between two checks of the time that has passed."""


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is completed even when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error from None
        raise


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`, for waiting for another process: only time in which this process runs counts.

    When a machine or a container is stopped, all of its processes are. When they continue, every time-out of this
    process would have passed before the process that is waited for can do anything.
    """
    loop = asyncio.get_running_loop()
    pulse: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def look(left: float, due: float) -> None:
            nonlocal pulse
            # If this call comes late, this process was stopped, or its loop was held up: that time does not count.
            left -= PULSE if loop.time() < due + PULSE else 0.0
            if left <= 0:
                limit.reschedule(loop.time())
            else:
                pulse = after(left)

        def after(left: float) -> asyncio.TimerHandle:
            due = loop.time() + min(PULSE, left)
            return loop.call_at(due, look, left, due)

        pulse = after(seconds)
        try:
            yield
        finally:
            pulse.cancel()


def first_error(error: Exception) -> Exception:
    """The first error within exception groups, else `error` itself."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
