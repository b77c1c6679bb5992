"""Blocking work beside the screen, in threads that hold up neither it nor its end: volumes can be dead."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T], seconds: float) -> T:
    """The result of `work`. Raises TimeoutError, and leaves the thread to itself."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def give(result: T | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, problem = None, None
        try:
            result = work()
        except Exception as error:
            problem = error
        try:
            loop.call_soon_threadsafe(give, result, problem)
        except RuntimeError:
            # The loop has ended; nobody waits any more.
            return

    threading.Thread(target=run, name="aside", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await answer
