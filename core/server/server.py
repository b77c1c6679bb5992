"""The engine's end of the socket: clients come and go, and none of them can hold anything up."""

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core import VERSION
from core.errors import EngineError
from core.protocol import PERIOD, Pushed, Welcome, pack
from core.server import sockets
from core.server.session import Session

if TYPE_CHECKING:
    from core.engine.engine import Engine

MOST = 64
"""Clients at once."""

LINGER = 0.5
"""Seconds for clients to take the last answers."""

log = logging.getLogger("lading.server")


class Server:
    """Listens from `open` to `close`."""

    def __init__(self, engine: "Engine", home: str) -> None:
        self.engine = engine
        self.stopping = asyncio.Event()
        """Set when a client has asked for the end."""
        self.since = time.time()
        self.clients: set[Session] = set()
        self.leaving = False
        self._home = home
        self._path = ""
        self._made = (0, 0)
        self._tasks: set[asyncio.Task[Any]] = set()

    # Life

    async def open(self) -> None:
        """Begin to answer. Raises EngineError."""
        await self._listen()
        self._pushing = asyncio.create_task(self._push(), name="snapshots")

    async def _listen(self) -> None:
        listening, self._path = sockets.listen(self._home)
        self._made = _identity(self._path)
        self._server = await asyncio.start_unix_server(self._attend, sock=listening)

    async def mend(self) -> None:
        """Make the socket again if somebody has removed it."""
        if not self.leaving and _identity(self._path) != self._made:
            log.warning("the socket was gone", extra={"path": self._path})
            self._server.close()
            with suppress(EngineError):
                await self._listen()

    def leave(self) -> bool:
        """Let nobody in any more. False, and nothing done, while somebody is attached."""
        if self.busy:
            return False
        self.shut()
        return True

    def shut(self) -> None:
        """Let nobody in any more, and begin nothing."""
        if not self.leaving:
            self.leaving = True
            self._server.close()
            if _identity(self._path) == self._made:
                with suppress(OSError):
                    os.unlink(self._path)
                    sockets.tidy(self._path, self._home)

    async def close(self) -> None:
        """Let everybody go; those that have just had an answer get a moment to leave by themselves."""
        self.shut()
        if leaving := [client.left.wait() for client in self.clients]:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*leaving), LINGER)
        for client in list(self.clients):
            client.drop()
        for task in (self._pushing, *self._tasks):
            task.cancel()
        await asyncio.gather(self._pushing, *self._tasks, return_exceptions=True)

    # Clients

    @property
    def attached(self) -> int:
        """Clients that have said who they are."""
        return sum(1 for client in self.clients if client.greeted)

    @property
    def busy(self) -> bool:
        """Whether somebody is attached, or what somebody has asked for is still being done."""
        return bool(self.attached or self._tasks)

    @property
    def buffered(self) -> int:
        """Bytes that wait for clients to read them."""
        return sum(client.buffered for client in self.clients)

    def welcome(self) -> Welcome:
        """How the engine is."""
        return Welcome(
            version=VERSION,
            pid=os.getpid(),
            since=self.since,
            busy=self.engine.busy,
            clients=self.attached,
            running=self.engine.running,
        )

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        try:
            user = sockets.peer(connection)
        except OSError:
            user = -1
        if user != os.geteuid() or len(self.clients) >= MOST or self.leaving:
            log.warning("a connection was refused", extra={"user": user, "clients": len(self.clients)})
            writer.transport.abort()
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sockets.BUFFER)
        client = Session(self, reader, writer)
        self.clients.add(client)
        try:
            await client.serve()
        finally:
            self.clients.discard(client)

    async def _push(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            ready = [client for client in self.clients if client.subscribed and client.ready]
            if not ready:
                continue
            try:
                frame = pack(Pushed(snapshot=self.engine.snapshot()))
            except Exception:
                log.exception("there is no snapshot")
                continue
            for client in ready:
                client.offer(frame)

    def keep(self, work: "asyncio.Task[Any]") -> None:
        """Keep hold of work that may outlive its client."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)


def _identity(path: str) -> tuple[int, int]:
    """What a path leads to, in two numbers."""
    try:
        facts = os.lstat(path)
    except OSError:
        return (0, 0)
    return facts.st_dev, facts.st_ino
