"""A terminal's way to the engine, which it starts if need be, and whose snapshots it follows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from core.client import attach
from core.client.calls import Calls
from core.client.connection import Connection
from core.config import Config
from core.errors import EngineError, EngineLostError, LadingError
from core.models import Snapshot
from core.protocol import Pushed, replies, requests

LAST = 5.0
"""Seconds for the last snapshot."""


class Client(Calls):
    """Attached to the engine from `start` to `stop`. A drop-in for `core.engine.engine.Engine`.

    Its methods raise what the engine's own raise, and EngineLostError when the engine ends.
    """

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

    async def start(self) -> None:
        """Attach to the engine, starting one if there is none. Raises EngineError and what its start raises."""
        self._open = await attach.attach(self._settings)

    async def stop(self) -> None:
        """Leave, with the newest snapshot; what runs goes on."""
        connection, self._open = self._connection, None
        if self._snapshot is not None:
            with suppress(LadingError, TimeoutError):
                async with asyncio.timeout(LAST):
                    self._snapshot = (await connection.ask(requests.Look(), Pushed)).snapshot
        await connection.close()

    async def leave(self) -> None:
        """Leave at once, as if the terminal had been cut off."""
        if self._open is not None:
            await self._open.close()

    def snapshot(self) -> Snapshot:
        """What was pushed last, after `subscribe`."""
        if self._snapshot is None:
            raise EngineError("there is no snapshot yet.")
        return self._snapshot

    async def subscribe(self) -> None:
        """Have `snapshot` follow the engine."""
        self._connection.pushed = self._keep
        await self._ask(requests.Subscribe(), replies.Done)
        self._keep(await self._ask(requests.Look(), Pushed))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """The newest snapshot whenever there is one, until the engine ends."""
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

    def _keep(self, pushed: Pushed) -> None:
        self._snapshot = pushed.snapshot
        self._news.set()
