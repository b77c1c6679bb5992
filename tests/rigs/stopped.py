"""A process that was stopped for a while, as when its machine slept or its container was frozen."""

import asyncio
from collections.abc import Callable

STOPPED = 3600.0
"""Seconds that a process was stopped: longer than any time-out."""


def stopped() -> None:
    """Let the clock of the running loop be as after STOPPED seconds in which this process did not run: every timer
    that is set is due at once."""
    loop = asyncio.get_running_loop()
    before: Callable[[], float] = loop.time
    loop.time = lambda: before() + STOPPED  # type: ignore[method-assign]
