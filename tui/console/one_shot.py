"""A single request to the engine, for commands that print the reply and exit."""

from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any, TypeVar

from core.client import sync_client
from core.client.api import EngineCalls, Through
from core.config import Config

T = TypeVar("T")


def once(settings: Config, work: Callable[[EngineCalls], Coroutine[Any, Any, T]], *, looking: bool = False) -> T:
    """The result of `work`, which only sends requests. Raises LadingError.

    Where no engine runs one is started, and an older one may be replaced: that needs an event loop. With `looking`
    nothing is started; the state database is read instead, which must exist.
    """
    found = sync_client.connect_or_welcome(settings.home)
    if isinstance(found, sync_client.Blocking):
        with closing(found):
            return sync_client.done(work(Through(found)))
    if looking:
        # The database has the answer, so no engine is started, and no import is resumed, only to read.
        from core.server.offline import Offline

        with closing(Offline(settings.home, other_engine=found is not None)) as offline:
            return sync_client.done(work(offline))

    import asyncio

    from core.client.client import Client
    from tui.console.attached import perform

    engine = Client(settings)
    return asyncio.run(perform(engine, lambda: work(engine)))
