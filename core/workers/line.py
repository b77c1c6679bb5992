"""The worker's end of its line to the engine: framed messages over a socket, and a pipe that ends with it."""

import os
import select
import socket
import threading

import msgspec

from core.workers.messages import FRAME, Reply, Request


class Line:
    """Blocking requests and replies. EOFError when the engine is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
        self._encoder = msgspec.msgpack.Encoder()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def waits(self, seconds: float) -> bool:
        """Whether a request comes in, or the engine goes, within `seconds`."""
        return bool(self._poll.poll(seconds * 1000))

    def receive(self) -> Request:
        """The next request. Raises EOFError."""
        length = int.from_bytes(self._read(FRAME), "big")
        return self._decoder.decode(self._read(length))

    def send(self, reply: Reply) -> None:
        """Answer the request. Raises EOFError when nobody reads any more."""
        data = self._encoder.encode(reply)
        try:
            self._socket.sendall(len(data).to_bytes(FRAME, "big") + data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError from error

    def _read(self, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                count = self._socket.recv_into(view)
            except ConnectionResetError as error:
                raise EOFError from error
            if not count:
                raise EOFError
            view = view[count:]
        return data


def leave_with_engine(pipe: int) -> None:
    """End this process as soon as the engine's end of `pipe` is closed, whatever the main thread does."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()
