"""Connections that wait a moment for their next request, and send the head of an answer with its first bytes: a
small file then takes one thread and one packet of a client that copies many."""

import select
import socket
from typing import Any

from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection

NEXT_REQUEST = 2
"""Milliseconds that a thread waits for the next request on its connection."""


_GO_ON = b"HTTP/1.1 100 "
"""The beginning of what a client waits for before it sends a request's body (RFC 9110, 10.1.1)."""


class Writer(StreamWriter):
    """Holds back the first write of an answer, which is its head, until the next one or `release`.

    What is written is sent as it is; Cheroot 11 copies it three times.
    """

    def __init__(self, sock: socket.socket, mode: str, bufsize: int) -> None:
        super().__init__(sock, mode, bufsize)
        self._socket = sock
        self._head: bytes = b""
        self._holds = True

    def write(self, val: Any, /) -> int:
        """Write what was held back and `val`, which are bytes. Returns the length of `val`. Raises OSError."""
        if val.startswith(_GO_ON):
            self._send(val)
        elif self._holds:
            self._holds, self._head = False, val
        else:
            self._send(self._head + val if self._head else val)
            self._head = b""
        self.bytes_written += len(val)
        return len(val)

    def release(self) -> None:
        """Write what is still held back: there is no more of this answer. Raises OSError."""
        head, self._holds, self._head = self._head, True, b""
        self._send(head)

    def _send(self, data: bytes) -> None:
        # Not sendall: its time limit is one for all of it, and clients may be slow.
        left = memoryview(data)
        while left:
            left = left[self._socket.send(left) :]


def _file(sock: socket.socket, mode: str, bufsize: int) -> Any:
    return (Writer if "w" in mode else StreamReader)(sock, mode, bufsize)


class Connection(HTTPConnection):
    """Cheroot gives a connection back to its main thread after each request, and that to the next thread that is
    free: each request then waits for two threads, which costs about as much as reading a small file."""

    def __init__(self, server: Any, sock: socket.socket, makefile: Any = None) -> None:
        super().__init__(server, sock, _file)

    def communicate(self) -> bool:
        """Answer requests for as long as each comes at once, and nobody else waits for a thread.

        Returns whether the connection is kept. Raises OSError.
        """
        while True:
            kept = super().communicate()  # type: ignore[no-untyped-call]
            self.wfile.release()
            if not kept:
                return False
            if self.server.requests.qsize or not self.server.ready or not self._comes():
                return True

    def _comes(self) -> bool:
        """Whether the next request is there, or the client has ended the connection."""
        if self.rfile.has_data():
            return True
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        return bool(waiting.poll(NEXT_REQUEST))
