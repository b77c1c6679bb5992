"""Keys that are typed faster than screens open and lists arrive, as over a slow connection.

Textual sends a key to whatever has the focus at that moment, so keys that came in one piece would all go to the
screen of the first. Here each is handed on once the one before it has been done, and, if it is about rows that are
still read, once these are there.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual.app import App
from textual.events import Key
from textual.message import Message

POLL_INTERVAL = 0.01
"""Seconds between two looks whether a screen or a list is there."""

PATIENCE = 2.0
"""Seconds after which a key is handed on whatever is still read."""

DONE_TIMEOUT = 0.2
"""Seconds to wait for one `KeyDone`; the app may be waiting for the engine."""

ROUNDS = 2
"""How many `KeyDone` are waited for after each key: handling the key may have posted a message itself, such as
that a line was entered."""


class Waits:
    """A screen that knows which keys have to wait."""

    def waits(self, key: str) -> bool:
        """Whether this key has to wait until the screen has done what it is doing, such as fetching rows."""
        raise NotImplementedError


class KeyDone(Message):
    """Is posted after a key and takes the same way through the widgets, so it arrives when the key was handled."""

    def __init__(self, arrived: asyncio.Event) -> None:
        super().__init__()
        self.arrived = arrived


class TypeAhead:
    """Hands keys on to `deliver`, one at a time. `waits` says whether a key still has to wait."""

    def __init__(
        self, app: App[str], deliver: Callable[[Key], Awaitable[None]], waits: Callable[[Key], bool]
    ) -> None:
        self._app = app
        self._deliver = deliver
        self._waits = waits
        self._typed: deque[tuple[Key, float]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, key: Key) -> None:
        """Take a key that was typed."""
        self._typed.append((key, time.monotonic() + PATIENCE))
        if self._task is None or self._task.done():
            # A task of its own, so that the app can do what the keys lead to.
            self._task = asyncio.create_task(self._hand_on(), name="keys")

    def stop(self) -> None:
        """Forget all keys, because the app ends."""
        self._typed.clear()
        if self._task is not None:
            self._task.cancel()

    async def _hand_on(self) -> None:
        while self._typed:
            key, until = self._typed[0]
            while self._waits(key) and time.monotonic() < until:
                await asyncio.sleep(POLL_INTERVAL)
                if urgent := next((one for one in self._typed if not self._waits(one[0])), None):
                    # A key that leaves the screen does not wait for keys before it that act on rows: they are
                    # dropped.
                    while self._typed[0] is not urgent:
                        self._typed.popleft()
                    key, until = urgent
            self._typed.popleft()
            try:
                await self._deliver(key)
                for _ in range(ROUNDS):
                    await self._done()
            except Exception as error:
                # The error is raised again in the app, which ends with it.
                self._app.call_later(raise_it, error)

    async def _done(self) -> None:
        """Wait until the focused widget, its screen and the app have handled the messages that they were sent
        before."""
        arrived, place = asyncio.Event(), self._app.focused or self._app.screen
        place.post_message(KeyDone(arrived))
        until = time.monotonic() + DONE_TIMEOUT
        # A widget that is closed meanwhile passes no message on.
        while not arrived.is_set() and place.is_running and place.is_attached and time.monotonic() < until:
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), POLL_INTERVAL)


def raise_it(error: Exception) -> None:
    """Raise `error`; for `App.call_later`."""
    raise error
