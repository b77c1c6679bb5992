"""The asynchronous client: starts the engine if none runs, sends requests, receives snapshots."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TypeVar

from core.client import launcher
from core.client.api import EngineCalls
from core.client.calls import OnProgress, OnText
from core.client.connection import Connection
from core.config import Config
from core.errors import EngineError, EngineLostError, LadingError
from core.protocol import Pushed, Request, requests
from core.snapshot import Snapshot

R = TypeVar("R")

LAST = 5.0
"""Seconds for fetching the last snapshot."""


class Client(EngineCalls):
    """Attached to the engine from `start` to `stop`."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self._open: Connection | None = None
        self._snapshot: Snapshot | None = None
        self._news = asyncio.Event()

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            raise EngineLostError("there is no connection to it.", "Start the command again.")
        return self._open

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """See Calls."""
        return await self._connection.call(request, progress=progress, text=text)

    async def start(self) -> None:
        """Attach to the engine, starting one if there is none. Raises EngineError and what its start raises."""
        self._open = await launcher.attach(self._settings)

    async def stop(self) -> None:
        """Detach, after fetching the newest snapshot. The engine continues."""
        connection, self._open = self._connection, None
        if self._snapshot is not None:
            with suppress(LadingError, TimeoutError):
                async with asyncio.timeout(LAST):
                    self._snapshot = await connection.look()
        await connection.close()

    async def leave(self) -> None:
        """Detach at once, as if the terminal had been lost."""
        if self._open is not None:
            await self._open.close()

    def snapshot(self) -> Snapshot:
        """The snapshot that was pushed last, after `subscribe`."""
        if self._snapshot is None:
            raise EngineError("there is no snapshot yet.")
        return self._snapshot

    async def subscribe(self) -> None:
        """Subscribe, so that `snapshot` is kept up to date."""
        self._connection.pushed = self._pushed
        await self.call(requests.Subscribe())
        self._keep(await self.look())

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield each new snapshot until the engine ends; those that were missed meanwhile are skipped."""
        await self.subscribe()
        ended = asyncio.create_task(self._connection.ended())
        ended.add_done_callback(lambda _: self._news.set())
        try:
            while not ended.done():
                self._news.clear()
                yield self.snapshot()
                await self._news.wait()
        finally:
            ended.cancel()

    def _pushed(self, pushed: Pushed) -> None:
        self._keep(pushed.snapshot)

    def _keep(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._news.set()
