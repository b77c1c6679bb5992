"""Blocking work side by side, in threads that hold up no process that wants to end."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16


def each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """What `work` makes of each item, in their order. Raises what it raised for the first that failed.

    The interpreter joins the threads of a ThreadPoolExecutor before it ends; it does not join these.
    """
    turns = threading.Semaphore(AT_ONCE)
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
