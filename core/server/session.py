"""One client's connection to the engine: calls in, answers and snapshots out."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from core.errors import EngineError, EngineLostError, LadingError
from core.protocol import (
    CALLS,
    FRAME,
    GREETING,
    LARGEST_REPLY,
    LARGEST_REQUEST,
    Answer,
    Call,
    Failed,
    Message,
    Reply,
    Request,
    encodable,
    pack,
    unpacker,
)
from core.protocol.replies import Done, Started
from core.protocol.requests import (
    Change,
    Forget,
    Hello,
    Look,
    Page,
    Resume,
    Status,
    Stop,
    Subscribe,
)
from core.server import handlers

if TYPE_CHECKING:
    from core.server.server import Server

log = logging.getLogger("lading.session")

_calls: "msgspec.msgpack.Decoder[Call]" = unpacker(Call)


class HostileError(Exception):
    """A client that says what none may say."""


class Calling(msgspec.Struct, frozen=True):
    """A call under way: the work, and the task that answers when it has ended."""

    request: Request
    work: "asyncio.Task[Reply]"
    task: "asyncio.Task[None]"


class Session:
    """One connection. What it is sent is written by one call at a time, so little waits for it to read."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.greeted = False
        self.subscribed = False
        self.left = asyncio.Event()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._writer.transport.set_write_buffer_limits(high=0)
        self._turn = asyncio.Lock()
        self._page = asyncio.Lock()
        self._paging = 0
        """The call that holds `_page` until its answer has been taken."""
        self._room = asyncio.Semaphore(CALLS)
        self._calls: dict[int, Calling] = {}

    @property
    def buffered(self) -> int:
        """Bytes that wait for it to read them."""
        return self._writer.transport.get_write_buffer_size()

    @property
    def ready(self) -> bool:
        """Whether it has read what it was sent."""
        return not (self._turn.locked() or self.buffered or self._writer.is_closing())

    def offer(self, frame: bytes) -> None:
        """Send a frame, if it can be sent without waiting."""
        if self.ready:
            self._writer.write(frame)

    async def send(self, message: Message) -> None:
        """Send a message when those before it have been read. Raises ConnectionError."""
        async with self._turn:
            self._writer.write(_packed(message))
            await self._writer.drain()

    def drop(self) -> None:
        """End the connection now."""
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Answer until the connection ends."""
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

    async def _receive(self) -> Call:
        await self._room.acquire()
        length = int.from_bytes(await self._reader.readexactly(FRAME), "big")
        if length > LARGEST_REQUEST:
            raise HostileError(f"a frame of {length:,} bytes")
        data = await self._reader.readexactly(length)
        try:
            return _calls.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise HostileError(f"no message: {error}") from error

    def _begin(self, call: Call) -> None:
        if call.number in self._calls:
            raise HostileError("a number twice")
        work = asyncio.create_task(self._work(call), name=type(call.request).__name__)
        task = asyncio.create_task(self._answer(call.number, work))
        self._server.keep(work)
        self._calls[call.number] = Calling(call.request, work, task)
        task.add_done_callback(lambda _: self._end(call.number))

    def _end(self, number: int) -> None:
        del self._calls[number]
        if self._paging == number:
            self._paging = 0
            self._page.release()
        self._room.release()

    async def _answer(self, number: int, work: "asyncio.Task[Reply]") -> None:
        await asyncio.wait([work])
        reply = Failed.of(EngineLostError("the call was ended.")) if work.cancelled() else work.result()
        with suppress(ConnectionError):
            await self.send(Answer(number=number, reply=reply))

    async def _work(self, call: Call) -> Reply:
        try:
            if isinstance(call.request, Page):
                await self._page.acquire()
                self._paging = call.number
            return await self._reply(call)
        except LadingError as error:
            return Failed.of(error)
        except Exception as error:
            log.exception("a fault of the program", extra={"request": type(call.request).__name__})
            return Failed.of(LadingError(f"{type(error).__name__}: {error}.", "Its traceback: lading log."))

    async def _reply(self, call: Call) -> Reply:
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
                return await handlers.reply(server.engine, request, call.number, self)
        return Done()

    def _forget(self, number: int) -> None:
        calling = self._calls.get(number)
        if calling is None:
            return
        if isinstance(calling.request, Change):
            self._server.keep(asyncio.create_task(self._pause(calling)))
        else:
            calling.work.cancel()

    async def _pause(self, calling: Calling) -> None:
        """Pause what a start or a resume has begun."""
        await asyncio.wait([calling.work])
        begun: tuple[str, ...] = ()
        if not calling.work.cancelled() and not isinstance(reply := calling.work.result(), Failed):
            begun = reply.ids if isinstance(reply, Started) else begun
            begun = (calling.request.id,) if isinstance(calling.request, Resume) else begun
        for id in begun:
            with suppress(LadingError):
                await self._server.engine.pause_import(id)


def _packed(message: Message) -> bytes:
    try:
        frame = pack(message)
    except ValueError as error:
        frame, problem = b"", str(error)
    else:
        problem = "it is too long" if len(frame) - FRAME > LARGEST_REPLY else ""
    if problem and isinstance(message, Answer):
        reply = Failed.of(LadingError(f"the answer cannot be sent: {encodable(problem)}."))
        return pack(Answer(number=message.number, reply=reply))
    return frame
