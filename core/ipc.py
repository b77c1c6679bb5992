"""Framed messages between processes, and processes that end with the engine that started them.

A frame is a length in 4 bytes, big-endian, then that many bytes of MessagePack.
"""

import os
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

PREFIX_LENGTH = 4
"""Bytes of a frame's length prefix."""


class FrameTooLargeError(ValueError):
    """A frame exceeds the limit of its connection."""

    def __init__(self, length: int) -> None:
        super().__init__(f"a frame of {length:,} bytes")
        self.length = length


def framed(data: bytes) -> bytes:
    """Prefix `data` with its length."""
    return len(data).to_bytes(PREFIX_LENGTH, "big") + data


def length_of(head: bytes | bytearray) -> int:
    """Decode a frame's length prefix."""
    return int.from_bytes(head, "big")


async def read_frame(reader: "asyncio.StreamReader", largest: int) -> bytes:
    """The content of the next frame. Raises FrameTooLargeError, IncompleteReadError, ConnectionError."""
    length = length_of(await reader.readexactly(PREFIX_LENGTH))
    if length > largest:
        raise FrameTooLargeError(length)
    return await reader.readexactly(length)


class Line(Generic[T]):
    """A process's blocking connection to the engine, on the socket of descriptor `fd`. Its methods raise EOFError
    when the engine is gone.

    read(2) and write(2) are enough for it; importing the module socket would be a twentieth of a worker's start.
    """

    def __init__(self, fd: int, decoder: "msgspec.msgpack.Decoder[T]") -> None:
        self._fd = fd
        self._decoder = decoder
        self._encoder = msgspec.msgpack.Encoder()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def waits(self, seconds: float) -> bool:
        """Wait up to `seconds` for a message, or for the engine's end. Returns whether one has come."""
        return bool(self._poll.poll(seconds * 1000))

    def receive(self) -> T:
        """Wait for the next message."""
        return self._decoder.decode(self._read(length_of(self._read(PREFIX_LENGTH))))

    def send(self, message: Any) -> None:
        """Send a message."""
        view = memoryview(framed(self._encoder.encode(message)))
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError from error

    def _read(self, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                count = os.readv(self._fd, [view])
            except ConnectionResetError as error:
                raise EOFError from error
            if not count:
                raise EOFError
            view = view[count:]
        return data


def leave_with_engine(pipe: int, leave: Callable[[], object]) -> None:
    """Call `leave` as soon as the engine's end of `pipe` is closed, whatever the main thread does."""

    import threading  # only where it is used: every command imports this module

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        leave()

    threading.Thread(target=watch, daemon=True, name="lifeline").start()
