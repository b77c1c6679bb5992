"""Blocking work in threads that delay neither the event loop nor the end of the process."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from core.aio import time_limit

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 16


def each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of `work` for each item, in their order, computed in parallel. Raises the error of the first
    item that failed.

    The interpreter joins the threads of a ThreadPoolExecutor before it ends; it does not join these.
    """
    turns = threading.Semaphore(MOST_THREADS)
    answers: list[Future[R]] = [Future() for _ in items]

    def run(item: T, answer: "Future[R]") -> None:
        with turns:
            try:
                answer.set_result(work(item))
            except Exception as error:
                answer.set_exception(error)

    for item, answer in zip(items, answers, strict=True):
        threading.Thread(target=run, args=(item, answer), name="beside", daemon=True).start()
    return [answer.result() for answer in answers]


def within(work: Callable[[], T], seconds: float) -> T:
    """The result of `work`, or its error. Raises TimeoutError after `seconds`; then the thread is abandoned."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    return answer.result(seconds)


async def aside(work: Callable[[], T], seconds: float) -> T:
    """The result of `work`. Raises TimeoutError after `seconds`; then the thread is abandoned."""
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
            # The loop has ended, so nobody waits for the result.
            return

    threading.Thread(target=run, name="aside", daemon=True).start()
    async with time_limit(seconds):
        return await answer
