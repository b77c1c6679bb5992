"""Connections: several requests on one, and what is sent together."""

import http.client
import os
import socket
import threading
from collections.abc import Iterable, Iterator

import pytest
from cheroot import wsgi

from core.serving import connections
from core.serving.connections import Connection, Writer
from core.serving.gate import Environ, Start

LARGE = os.urandom(3 << 20)


class Served:
    """A server of a few answers, and the threads that gave them."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.server = wsgi.Server(("127.0.0.1", 0), self.app, numthreads=4, shutdown_timeout=1)
        self.server.ConnectionClass = Connection
        self.server.prepare()
        self.running = threading.Thread(target=self.server.serve)
        self.running.start()

    def app(self, environ: Environ, start: Start) -> Iterable[bytes]:
        self.threads.append(threading.get_ident())
        path = environ["PATH_INFO"]
        if path == "/unchanged":
            start("304 Not Modified", [("ETag", '"x"')])
            return []
        if path == "/pieces":
            start("200 OK", [("Content-Type", "text/plain")])
            return iter([b"one", b"two", b"three"])
        body = LARGE if path == "/large" else environ["wsgi.input"].read() or b"small"
        start("200 OK", [("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.bind_addr[1], timeout=60)


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.server.stop()
    one.running.join()


def asked(client: http.client.HTTPConnection, path: str, method: str = "GET") -> tuple[int, bytes]:
    client.request(method, path)
    answer = client.getresponse()
    return answer.status, answer.read()


def test_every_kind_of_answer_comes_on_one_connection(served: Served) -> None:
    client = served.client()
    for _ in range(3):
        assert asked(client, "/small") == (200, b"small")
        assert asked(client, "/unchanged") == (304, b"")
        assert asked(client, "/small", "HEAD") == (200, b"")
        assert asked(client, "/pieces") == (200, b"onetwothree")
        assert asked(client, "/large") == (200, LARGE)
    client.close()


def test_requests_that_follow_at_once_have_one_thread(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "NEXT_REQUEST", 60_000)
    client = served.client()
    for _ in range(20):
        assert asked(client, "/small") == (200, b"small")
    assert (len(served.threads), len(set(served.threads))) == (20, 1)
    other = served.client()
    assert asked(other, "/small") == (200, b"small"), "it does not wait for the first one"
    client.close()
    other.close()


def test_a_request_that_comes_later_is_answered_too(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "NEXT_REQUEST", 0)
    client = served.client()
    for _ in range(20):
        assert asked(client, "/small") == (200, b"small")
    client.close()


def test_requests_that_are_sent_together(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.bind_addr[1])) as client:
        client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n")
        said = b""
        while more := client.recv(1 << 16):
            said += more
    assert said.count(b"\r\n\r\nsmall") == 4


def test_who_asks_before_it_sends_is_answered_first(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.bind_addr[1]), timeout=60) as client:
        client.sendall(b"PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 100 Continue\r\n")
        client.sendall(b"body")
        said = b""
        while not said.endswith(b"\r\n\r\nbody"):
            said += client.recv(1 << 16)
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_head_of_an_answer_is_sent_with_its_first_bytes() -> None:
    # Each write to such a socket is a packet of its own.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        theirs.setblocking(False)
        writer = Writer(ours, "wb", 4096)
        for _ in range(2):
            assert writer.write(b"head") == 4
            with pytest.raises(BlockingIOError):
                theirs.recv(100)
            writer.write(b"one")
            assert theirs.recv(100) == b"headone"
            writer.write(b"two")
            assert theirs.recv(100) == b"two"
            writer.release()
        writer.write(b"a head alone")
        writer.release()
        assert theirs.recv(100) == b"a head alone"
        assert writer.bytes_written == 32
        with pytest.raises(BlockingIOError):
            theirs.recv(100)


def test_a_client_that_reads_slowly_gets_everything() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer = Writer(ours, "wb", 4096)

        def write() -> None:
            writer.write(b"head")
            writer.write(LARGE)
            ours.shutdown(socket.SHUT_WR)

        writing = threading.Thread(target=write)
        writing.start()
        said = bytearray()
        while more := theirs.recv(5000):
            said += more
        writing.join()
    assert said == b"head" + LARGE
