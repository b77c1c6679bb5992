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

HOP_TIMEOUT = 0.2
"""Seconds for one way: the app may wait for the engine."""

HOPS = 2
"""A key can lead to one more message to its screen, such as a line that was entered."""


class Waits:
    """A screen that knows which keys have to wait."""

    def waits(self, key: str) -> bool:
        """Whether this key has to wait for what the screen is still at."""
        raise NotImplementedError


class Passed(Message):
    """Goes the way of the key before it, and so arrives when that has been done."""

    def __init__(self, arrived: asyncio.Event) -> None:
        super().__init__()
        self.arrived = arrived


class TypeAhead:
    """Hands keys on to `deliver`. `waits`: whether the top screen has to wait with this key."""

    def __init__(
        self, app: App[str], deliver: Callable[[Key], Awaitable[None]], waits: Callable[[Key], bool]
    ) -> None:
        self._app = app
        self._deliver = deliver
        self._waits = waits
        self._typed: deque[tuple[Key, float]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, key: Key) -> None:
        """A key was typed."""
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
                    # What leaves a screen is not kept by keys that were meant for its rows.
                    while self._typed[0] is not urgent:
                        self._typed.popleft()
                    key, until = urgent
            self._typed.popleft()
            try:
                await self._deliver(key)
                for _ in range(HOPS):
                    await self._passed()
            except Exception as error:
                # Raised again in the app, which ends with it.
                self._app.call_later(raised, error)

    async def _passed(self) -> None:
        """Wait until what has the focus, its screen and the app have done what they were sent before."""
        arrived, place = asyncio.Event(), self._app.focused or self._app.screen
        place.post_message(Passed(arrived))
        until = time.monotonic() + HOP_TIMEOUT
        # What is closed meanwhile passes nothing on.
        while not arrived.is_set() and place.is_running and place.is_attached and time.monotonic() < until:
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), POLL_INTERVAL)


def raised(error: Exception) -> None:
    """Raise it."""
    raise error
