"""Calls into a file system that may never return: each runs in a thread that is abandoned after a timeout.

The process that serves has no worker processes: a thread that is stuck in the kernel delays only its caller, and
not the end of the process, because nothing joins it.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")
# A Future has a Condition, which takes as long as opening a small file.
Answer = queue.SimpleQueue[tuple[Any, BaseException | None]]
Line = queue.SimpleQueue[tuple[Callable[[], Any], Answer]]

ANSWER_TIMEOUT = 8.0
"""Seconds that a file system gets for one call."""

MOST_CALLS = 64
"""The most calls at once, including stuck ones; beyond that a call fails at once."""


class NoAnswerError(OSError):
    """The file system does not answer."""

    def __init__(self) -> None:
        super().__init__("the archive does not answer")


class TimedCalls:
    """Runs calls in threads, and waits for each for a limited time."""

    def __init__(self, timeout: float = ANSWER_TIMEOUT) -> None:
        self._timeout = timeout
        self._idle: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._calls = 0
        self._counting = threading.Lock()

    def call(self, work: Callable[[], T]) -> T:
        """The result of `work`. Raises what it raises, and NoAnswerError when it takes longer than the timeout."""
        with self._counting:
            if self._calls >= MOST_CALLS:
                raise NoAnswerError
            self._calls += 1  # until the call has returned
        answer = Answer()  # a new one for each call, so that nobody gets a result that comes too late
        try:
            line = self._idle.get_nowait()
        except queue.Empty:
            line = Line()
            threading.Thread(target=self._run, args=(line,), name="archive", daemon=True).start()
        line.put((work, answer))
        try:
            result, problem = answer.get(timeout=self._timeout)
        except queue.Empty:
            raise NoAnswerError from None
        if problem is not None:
            raise problem
        return cast(T, result)

    def _run(self, line: Line) -> None:
        while True:
            work, answer = line.get()
            try:
                result, problem = work(), None
            except BaseException as error:
                result, problem = None, error
            with self._counting:
                self._calls -= 1
            # The thread is free before the caller continues, so that its next call can use it.
            self._idle.put(line)
            answer.put((result, problem))
