"""Asking the engine once, for commands that print the answer and leave."""

from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any, TypeVar

from core.client import blocking
from core.client.calls import Calls
from core.config import Config

T = TypeVar("T")


def once(settings: Config, work: Callable[[Calls], Coroutine[Any, Any, T]]) -> T:
    """The result of `work`, which does nothing but ask. Raises LadingError.

    Where no engine is up one is started, and an older one may be replaced: that takes an event loop.
    """
    line = blocking.attached(settings.home)
    if line is not None:
        with closing(line):
            return blocking.done(work(line))

    import asyncio

    from core.client.client import Client
    from tui.console.running import perform

    engine = Client(settings)
    return asyncio.run(perform(engine, lambda: work(engine)))
