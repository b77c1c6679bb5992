"""The engine's end of the socket. No client can delay the engine or another client."""

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core import VERSION, host
from core.errors import EngineError
from core.protocol import PUSH_INTERVAL, Pushed, Welcome, pack, transport
from core.server.session import Session

if TYPE_CHECKING:
    from core.engine.engine import Engine

CLIENTS_AT_ONCE = 64
"""The most clients at once."""

LINGER = 0.5
"""Seconds for clients to read the last answers."""

log = logging.getLogger("lading.server")


class Server:
    """The listening socket and its clients, from `open` to `close`."""

    def __init__(self, engine: "Engine", home: str) -> None:
        self.engine = engine
        self.stopping = asyncio.Event()
        """Set when a client has asked the engine to stop."""
        self._began = host.uptime()
        self.clients: set[Session] = set()
        self.leaving = False
        self._home = home
        self._path = ""
        self._made = (0, 0)
        self._tasks: set[asyncio.Task[Any]] = set()

    # Opening and closing

    async def open(self) -> None:
        """Start to answer. Raises EngineError."""
        await self._listen()
        self._pushing = asyncio.create_task(self._push(), name="snapshots")

    async def _listen(self) -> None:
        listening, self._path = transport.listen(self._home)
        self._made = _identity(self._path)
        self._server = await asyncio.start_unix_server(self._serve_client, sock=listening)

    async def mend(self) -> None:
        """Create the socket again if it was removed."""
        if not self.leaving and _identity(self._path) != self._made:
            log.warning("the socket was gone", extra={"path": self._path})
            self._server.close()
            with suppress(EngineError):
                await self._listen()

    def leave(self) -> bool:
        """Accept no more clients. Returns False, and does nothing, while the server is `busy`."""
        if self.busy:
            return False
        self.shut()
        return True

    def shut(self) -> None:
        """Accept no more clients, and start no more work."""
        if not self.leaving:
            self.leaving = True
            self._server.close()
            if _identity(self._path) == self._made:
                with suppress(OSError):
                    os.unlink(self._path)
                    transport.tidy(self._path, self._home)

    async def close(self) -> None:
        """Close all connections; clients that have just had a reply get LINGER seconds to disconnect by
        themselves."""
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
        """The number of clients that have sent Hello."""
        return sum(1 for client in self.clients if client.greeted)

    @property
    def busy(self) -> bool:
        """Whether a client is attached, or work for one that has left is not done."""
        return bool(self.attached or self._tasks)

    @property
    def buffered(self) -> int:
        """Bytes that clients have not read yet."""
        return sum(client.buffered for client in self.clients)

    def welcome(self) -> Welcome:
        """The engine's state, as a greeting. `since`, when the engine began, is reckoned from the time that it has
        run and the present clock, because the clock may have been set meanwhile."""
        return Welcome(
            version=VERSION,
            pid=os.getpid(),
            since=time.time() - (host.uptime() - self._began),
            busy=self.engine.busy,
            clients=self.attached,
            running=self.engine.imports.running,
        )

    async def _serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends. Other users' connections, and more than CLIENTS_AT_ONCE, are
        refused."""
        connection: socket.socket = writer.get_extra_info("socket")
        try:
            user = transport.peer(connection)
        except OSError:
            user = -1
        if user != os.geteuid() or len(self.clients) >= CLIENTS_AT_ONCE or self.leaving:
            log.warning("a connection was refused", extra={"user": user, "clients": len(self.clients)})
            writer.transport.abort()
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, transport.BUFFER)
        client = Session(self, reader, writer)
        self.clients.add(client)
        try:
            await client.serve()
        finally:
            self.clients.discard(client)

    async def _push(self) -> None:
        """Send a snapshot every PUSH_INTERVAL to each subscribed client that has read everything before."""
        while True:
            await asyncio.sleep(PUSH_INTERVAL)
            try:
                ready = [client for client in self.clients if client.subscribed and client.ready]
                frame = pack(Pushed(snapshot=self.engine.snapshot())) if ready else b""
                for client in ready:
                    client.offer(frame)
            except Exception:
                log.exception("there is no snapshot")

    def keep(self, work: "asyncio.Task[Any]") -> None:
        """Keep a reference to work that may outlive its client."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)


def _identity(path: str) -> tuple[int, int]:
    """The device and inode of a path; zeros where there is nothing."""
    try:
        facts = os.lstat(path)
    except OSError:
        return (0, 0)
    return facts.st_dev, facts.st_ino
