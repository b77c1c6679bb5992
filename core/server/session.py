"""One client's connection to the engine: calls in, answers and snapshots out."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import EngineError, EngineLostError, LadingError
from core.ipc import FrameTooLargeError, read_frame
from core.paths import encodable
from core.protocol import (
    CALLS,
    GREETING,
    LARGEST_REPLY,
    LARGEST_REQUEST,
    Answer,
    Call,
    Failed,
    Message,
    Request,
    Returned,
    pack,
    unpacker,
)
from core.protocol.any_request import AnyRequest
from core.protocol.import_requests import ResumeImport, StartImports
from core.protocol.replies import reply_of
from core.protocol.requests import Change, Forget, FromArchive, Hello, Look, Page, Status, Stop, Subscribe
from core.server import handlers
from core.server.caller import Caller

if TYPE_CHECKING:
    from core.server.server import Server

ENVELOPE = 100
"""The most bytes of an answer besides its value."""

log = logging.getLogger("lading.session")

call_decoder: "msgspec.msgpack.Decoder[Call[AnyRequest]]" = unpacker(Call[AnyRequest])


class HostileError(Exception):
    """The client has broken the protocol."""


class Calling(msgspec.Struct, frozen=True):
    """A call that is being answered: the work, and the task that sends the answer afterwards."""

    request: Request[Any]
    work: "asyncio.Task[Any]"
    task: "asyncio.Task[None]"


class Session:
    """One connection. Only one call writes to it at a time, so that little is buffered until the client reads
    it."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.greeted = False
        self.subscribed = False
        self.left = asyncio.Event()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._writer.transport.set_write_buffer_limits(high=0)
        self._turn = asyncio.Lock()
        self._lanes = {kind: asyncio.Lock() for kind in (Page, FromArchive)}
        self._held: dict[int, asyncio.Lock] = {}
        """The locks of `_lanes` that calls hold until their answers have been read, by the numbers of the
        calls."""
        self._room = asyncio.Semaphore(CALLS)
        self._calls: dict[int, Calling] = {}

    @property
    def buffered(self) -> int:
        """Bytes that the client has not read yet."""
        return self._writer.transport.get_write_buffer_size()

    @property
    def ready(self) -> bool:
        """Whether the client has read everything that was sent."""
        return not (self._turn.locked() or self.buffered or self._writer.is_closing())

    def offer(self, frame: bytes) -> None:
        """Send a frame if that is possible without waiting, else skip it."""
        if self.ready:
            self._writer.write(frame)

    async def send(self, message: Message) -> None:
        """Send a message when those before it have been read. Raises ConnectionError."""
        async with self._turn:
            self._writer.write(pack(message))
            await self._writer.drain()

    def drop(self) -> None:
        """Close the connection now."""
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Answer calls until the connection ends."""
        try:
            async with asyncio.timeout(GREETING):
                first = await self._receive()
            if not isinstance(first.request, Hello):
                raise HostileError("it did not say hello")
            self.greeted = True
            self._begin(first)
            while True:
                self._begin(await self._receive())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (HostileError, TimeoutError) as error:
            log.warning("a client was dropped", extra={"reason": str(error) or "it said nothing"})
        finally:
            self.greeted = self.subscribed = False
            self.left.set()
            self.drop()
            for calling in self._calls.values():
                calling.task.cancel()
                if not isinstance(calling.request, Change):
                    calling.work.cancel()

    async def _receive(self) -> Call[AnyRequest]:
        await self._room.acquire()
        try:
            data = await read_frame(self._reader, LARGEST_REQUEST)
        except FrameTooLargeError as error:
            raise HostileError(str(error)) from error
        try:
            return call_decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise HostileError(f"no message: {error}") from error

    def _begin(self, call: Call[AnyRequest]) -> None:
        if call.number in self._calls:
            raise HostileError("a number twice")
        work = asyncio.create_task(self._work(call), name=type(call.request).__name__)
        task = asyncio.create_task(self._answer(call.number, work))
        self._server.keep(work)
        self._calls[call.number] = Calling(call.request, work, task)
        task.add_done_callback(lambda _: self._end(call.number))

    def _end(self, number: int) -> None:
        del self._calls[number]
        if number in self._held:
            self._held.pop(number).release()
        self._room.release()

    async def _answer(self, number: int, work: "asyncio.Task[Any]") -> None:
        await asyncio.wait([work])
        result = Failed.of(EngineLostError("the call was ended.")) if work.cancelled() else work.result()
        with suppress(ConnectionError):
            await self.send(_answer(number, result))

    async def _work(self, call: Call[AnyRequest]) -> Any:
        """The result of a request, or Failed."""
        try:
            for kind, lane in self._lanes.items():
                if isinstance(call.request, kind):
                    await lane.acquire()
                    self._held[call.number] = lane
            return await self._carry_out(call)
        except LadingError as error:
            return Failed.of(error)
        except Exception as error:
            log.exception("a fault of the program", extra={"request": type(call.request).__name__})
            return Failed.of(LadingError(f"{type(error).__name__}: {error}.", "Its traceback: lading log."))

    async def _carry_out(self, call: Call[AnyRequest]) -> Any:
        server = self._server
        match call.request:
            case Hello() | Status():
                return server.welcome()
            case Stop(if_idle=if_idle):
                if if_idle and (server.engine.busy or server.attached > 1):
                    raise EngineError("it is not idle.")
                server.stopping.set()
            case Subscribe():
                self.subscribed = True
            case Forget(call=number):
                self._forget(number)
            case request:
                if server.leaving and not isinstance(request, Look):
                    raise EngineLostError("it is about to end.", "Try again.")
                return await handlers.handle(server.engine, request, Caller(self, call.number))
        return None

    def _forget(self, number: int) -> None:
        calling = self._calls.get(number)
        if calling is None:
            return
        if isinstance(calling.request, Change):
            self._server.keep(asyncio.create_task(self._pause_begun(calling)))
        else:
            calling.work.cancel()

    async def _pause_begun(self, calling: Calling) -> None:
        """Pause the imports that a call has started or resumed, once it is done, because its client has given it
        up."""
        await asyncio.wait([calling.work])
        begun: list[str] = []
        if not calling.work.cancelled() and not isinstance(result := calling.work.result(), Failed):
            begun = result if isinstance(calling.request, StartImports) else begun
            begun = [calling.request.id] if isinstance(calling.request, ResumeImport) else begun
        for id in begun:
            with suppress(LadingError):
                await self._server.engine.imports.pause_import(id)


def _answer(number: int, result: Any) -> Answer:
    """The answer to a call, or an error when it cannot be sent."""
    problem = ""
    try:
        reply = result if isinstance(result, Failed) else reply_of(result)
        if isinstance(reply, Returned) and len(reply.value) > LARGEST_REPLY - ENVELOPE:
            problem = "it is too long"
    except ValueError as error:
        problem = encodable(str(error))
    if problem:
        reply = Failed.of(LadingError(f"the answer cannot be sent: {problem}."))
    return Answer(number=number, reply=reply)
