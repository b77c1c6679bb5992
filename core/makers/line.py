"""The maker's end of its line to the engine: framed messages, and a pipe that ends with it."""

import os
import signal
import socket
import threading
from typing import Never

import msgspec

from core.makers.messages import Answer, Order

FRAME = 4
"""Bytes of a message's length, big-endian, that go before it."""


class Line:
    """Blocking orders and answers. EOFError when the engine is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._decoder: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
        self._encoder = msgspec.msgpack.Encoder()

    def receive(self) -> Order:
        """The next order. Raises EOFError."""
        length = int.from_bytes(self._read(FRAME), "big")
        return self._decoder.decode(self._read(length))

    def send(self, answer: Answer) -> None:
        """Tell the engine. Raises EOFError when nobody reads any more."""
        data = self._encoder.encode(answer)
        try:
            self._socket.sendall(len(data).to_bytes(FRAME, "big") + data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError from error

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            try:
                part = self._socket.recv(length - len(data))
            except ConnectionResetError as error:
                raise EOFError from error
            if not part:
                raise EOFError
            data += part
        return data


def leave_with_engine(pipe: int) -> None:
    """End as soon as the engine's end of `pipe` is closed, whatever the main thread or a program does."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        leave()

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def leave() -> Never:
    """End this process and every program it runs, which share its process group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)
