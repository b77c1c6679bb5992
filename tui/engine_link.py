"""The app's connection to the engine, which is made again whenever it is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import LadingError
from core.snapshot import Snapshot

if TYPE_CHECKING:
    from tui.connection import Connection

RECONNECT_INTERVAL = 1.0
"""Seconds before the app tries to reconnect to a lost engine."""


class EngineLink:
    """Keeps the app connected from `start` to `stop`.

    connect: makes a connection, which is not started yet.
    on_connected: is called when an engine has been found.
    on_snapshot: is called with each snapshot that the engine sends.
    on_lost: is called when there is no connection any more, with the error; None where the engine has ended it.
    """

    def __init__(
        self,
        connect: "Callable[[], Connection]",
        *,
        on_connected: Callable[[], None],
        on_snapshot: Callable[[Snapshot], None],
        on_lost: Callable[[LadingError | None], None],
    ) -> None:
        self._connect = connect
        self._on_connected = on_connected
        self._on_snapshot = on_snapshot
        self._on_lost = on_lost
        self._connection: Connection | None = None
        self._following: asyncio.Task[None] | None = None
        self._watching_cards: asyncio.Task[None] | None = None

    @property
    def connection(self) -> "Connection":
        """The connection to the engine. Raises LadingError when there is none just now."""
        if self._connection is None:
            raise LadingError("there is no engine just now.", "Wait until it is found again.", title="Engine")
        return self._connection

    @property
    def connected(self) -> bool:
        """Whether there is a connection just now."""
        return self._connection is not None

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._following = asyncio.create_task(self._follow(), name="engine")

    def stop(self) -> None:
        """Detach; the tasks are cancelled, but not awaited."""
        for task in (self._following, self._watching_cards):
            if task is not None:
                task.cancel()

    async def _follow(self) -> None:
        while True:
            connection = self._connect()
            try:
                await connection.start()
                self._connection = connection
                self._watching_cards = asyncio.create_task(_watch_cards(connection), name="cards")
                self._on_connected()
                async for snapshot in connection.snapshots():
                    self._on_snapshot(snapshot)
                self._on_lost(None)
            except LadingError as error:
                self._on_lost(error)
            finally:
                self._connection = None
                if self._watching_cards is not None:
                    self._watching_cards.cancel()
                with suppress(LadingError, OSError):
                    await connection.leave()
            await asyncio.sleep(RECONNECT_INTERVAL)


async def _watch_cards(connection: "Connection") -> None:
    """Have the engine look for cards while the app is connected. A lost engine is reported by `on_lost`."""
    with suppress(LadingError):
        await connection.watch_cards()
