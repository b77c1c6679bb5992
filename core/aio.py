"""Awaiting work that a cancellation must not interrupt; errors of groups of tasks."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


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


def first_error(error: Exception) -> Exception:
    """The first error within exception groups, else `error` itself."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
