"""An engine that does nothing but remember, behind a real server."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from core.errors import UsageError
from core.ipc import PREFIX_LENGTH
from core.models import Count, ImportRequest
from core.protocol import Call, FromEngine, Request, pack, transport, unpacker
from core.protocol.requests import Hello
from core.results import AuditResult, AuditScope, Survey
from core.server.server import Server
from core.snapshot import Snapshot

FRAMES = unpacker(FromEngine)


class NoMirrors:
    """No id is one of a mirror."""

    def __contains__(self, id: str) -> bool:
        return False

    async def wait(self, id: str) -> None:
        """Ended."""


class Stub:
    """Stands for `core.engine.engine.Engine`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.busy = False
        self.running = 0
        self.under_way: dict[str, Any] = {"one": None}
        self.go = asyncio.Event()
        self.text = ""

    def snapshot(self) -> Snapshot:
        return Snapshot(time=0.0, version=self.text)

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        self.told.append("start")
        await self.go.wait()
        self.told.append("started")
        return ["one"]

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        if name == "none":
            raise UsageError("there is no import none.", "Look.")
        self.told.append(f"pause {name} {reason}")

    async def resume_import(self, name: str, accept: Sequence[str] = ()) -> None:
        self.told.append(f"resume {name}")

    async def cancel_import(self, name: str) -> None:
        self.told.append(f"cancel {name}")

    async def wait(self, names: Sequence[str]) -> None:
        self.told.append("wait")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.told.append("waited for nothing")
            raise

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        raise ZeroDivisionError("by nothing")

    @property
    def imports(self) -> "Stub":
        return self

    @property
    def mirrors(self) -> "NoMirrors":
        return NoMirrors()

    @property
    def maintenance(self) -> "Stub":
        return self

    async def audit(self, path: str, progress: Any, scope: AuditScope) -> AuditResult:
        for number in range(100):
            progress(Count(files=number), Count(files=100))
        return AuditResult(level=path)


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[tuple[Server, Stub]]:
    """A server and its engine."""
    stub = Stub()
    server = Server(cast(Any, stub), str(home))
    await server.open()
    try:
        yield server, stub
    finally:
        stub.go.set()
        await server.close()


class Raw:
    """A client that sends what it is told to, and reads only when it is told to."""

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._number = 0

    async def __aenter__(self) -> "Raw":
        self.socket = transport.connect(self._home)
        # No reader of asyncio's: that would read ahead.
        self.loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()

    async def hello(self) -> None:
        await self.ask(Hello(version="1"))

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.socket, data)

    async def call(self, request: Request[Any]) -> int:
        self._number += 1
        await self.send(pack(Call(number=self._number, request=request)))
        return self._number

    async def ask(self, request: Request[Any]) -> FromEngine:
        await self.call(request)
        return await self.read()

    async def read(self) -> FromEngine:
        (length,) = struct.unpack(">I", await self._exactly(PREFIX_LENGTH))
        message: FromEngine = FRAMES.decode(await self._exactly(length))
        return message

    async def ended(self) -> bool:
        """Whether the server has dropped this client; what it sent before is read."""
        try:
            while await self.loop.sock_recv(self.socket, 1 << 16):
                pass
        except ConnectionError:
            pass
        return True

    async def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = await self.loop.sock_recv(self.socket, length - len(data))
            if not more:
                raise EOFError
            data += more
        return data
