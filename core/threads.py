"""Blocking work in threads that delay neither the event loop nor the end of the process."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from core.aio import time_limit

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 16
"""The most items that one call of `each` works on at a time."""


def _start_thread(work: Callable[[], T], name: str) -> "Future[T]":
    """Do the work in a new thread. Returns the future of its result.

    The interpreter joins the threads of a ThreadPoolExecutor before it ends. It does not join this thread, so a
    call that never returns does not keep the process alive.
    """
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()  # nobody can cancel it any more, because the thread sets its result

    def run() -> None:
        try:
            answer.set_result(work())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return answer


def each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of `work` for each item, in their order, computed in parallel. Raises the error of the first
    item that failed."""
    turns = threading.Semaphore(MOST_THREADS)

    def in_turn(item: T) -> R:
        with turns:
            return work(item)

    return [answer.result() for answer in [_start_thread(partial(in_turn, item), "beside") for item in items]]


def within(work: Callable[[], T], seconds: float) -> T:
    """Do `work` in a thread, and block until it is done. Returns its result; raises its error, and TimeoutError
    after `seconds`: then the thread is abandoned."""
    return _start_thread(work, "within").result(seconds)


async def aside(work: Callable[[], T], seconds: float) -> T:
    """Do `work` in a thread beside the event loop, and wait until it is done. Returns its result; raises its
    error, and TimeoutError after `seconds`: then the thread is abandoned."""
    async with time_limit(seconds):
        return await asyncio.wrap_future(_start_thread(work, "aside"))
