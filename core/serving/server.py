"""The server: WsgiDAV behind the gate, on Cheroot, and the sheet for browsers."""

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

from core.catalog import original_names
from core.catalog.file_sets import FileSet
from core.database import Read
from core.errors import ArchiveError
from core.paths import display
from core.reports import page
from core.reports.links import Relative
from core.reports.select import Chosen
from core.serving.connections import Connection
from core.serving.content import BLOCK, Payload, Root
from core.serving.gate import LOOPBACK, Environ, Gate, Start, refuse
from core.serving.names import ServedNames
from core.serving.timed_calls import TimedCalls
from core.serving.webdav import Provider
from core.serving.whole_files import WholeFiles

SERVER_THREADS = 12
"""Requests that are answered in parallel."""

SENT_AT_ONCE = 256 << 10
"""Bytes per read and write; also of the kernel's buffer for a client that does not read on: a player that seeks
leaves at most twice this behind."""

TOKEN_BYTES = 18
"""Random bytes of a token: 144 bits."""

_PICTURE = re.compile(r"\.lading/(?:thumbnails|proxies)/[0-9a-f]{2}/[0-9a-f][0-9A-Za-z_-]*\.(jpg|mp4)")


class Pages:
    """What a browser gets at the top: the sheet of the archive, with its thumbnails and proxies."""

    def __init__(self, names: ServedNames, root: Root, title: str) -> None:
        self._names = names
        self._root = root
        self._title = title

    def sheet(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer with the sheet of everything in the archive."""
        chosen = Chosen(self._title, "archive", FileSet(original_names.FIND_ALL_FILES, (self._names.archive_id,)))
        beside = "The originals, under their own names, are at this address for programs that know WebDAV."
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")])
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        read: Read = self._names.read
        return (piece.encode() for piece in _run_here(page.sheet(read, chosen, Relative(0), beside=beside)))

    def picture(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer with a thumbnail or a proxy, or a range of one (RFC 9110, 14.2)."""
        found = _PICTURE.fullmatch(environ["PATH_INFO"])
        if found is None:
            return refuse(start_response, "404 Not Found", "There is nothing here.")
        try:
            fd = self._root.open(found[0])
            size = self._root.size(fd)
        except FileNotFoundError:
            return refuse(start_response, "404 Not Found", "It is not made yet.")
        except OSError as error:
            return refuse(start_response, "503 Service Unavailable", f"{error}.")
        # There is nothing to compare with what If-Range names, so that the whole file is sent (RFC 9110, 13.1.5).
        part = "" if "HTTP_IF_RANGE" in environ else environ.get("HTTP_RANGE", "")
        first, last = range_of(part, size)
        if part and first >= size:
            self._root.close(fd)
            beyond = [("Content-Range", f"bytes */{size}")]
            return refuse(start_response, "416 Range Not Satisfiable", "It ends before that.", beyond)
        status = "206 Partial Content" if part else "200 OK"
        headers = [
            ("Content-Type", {"jpg": "image/jpeg", "mp4": "video/mp4"}[found[1]]),
            ("Content-Length", str(last - first)),
            ("Accept-Ranges", "bytes"),
            ("Cache-Control", "private, max-age=3600"),
        ]
        if status[:3] == "206":
            headers.append(("Content-Range", f"bytes {first}-{last - 1}/{size}"))
        start_response(status, headers)
        return self._part(fd, first, last if environ["REQUEST_METHOD"] == "GET" else first)

    def _part(self, fd: int, at: int, end: int) -> Iterator[bytes]:
        try:
            while at < end:
                data = self._root.read(fd, at, min(BLOCK, end - at))
                if not data:
                    return
                yield data
                at += len(data)
        finally:
            self._root.close(fd)


def range_of(asked: str, size: int) -> tuple[int, int]:
    """The first byte of a Range header that the gate lets through, and the one after the last; the whole file
    without one. The first is not in the file where all of the range is behind its end."""
    if not asked:
        return 0, size
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _run_here(pieces: AsyncIterator[str]) -> Iterator[str]:
    """Yield the pieces of an asynchronous iterator in this thread. Nothing in them waits, because
    `ServedNames.read` never suspends."""
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(_next(pieces))
            except StopAsyncIteration:
                return


async def _next(pieces: AsyncIterator[str]) -> str:
    return await anext(pieces)


class Serving:
    """One archive, served until `stop`. `damaged` is called for files whose content is not what was archived.

    Raises ArchiveError when the archive cannot be opened, OSError when the address cannot be bound.
    """

    def __init__(
        self,
        database: str,
        archive: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = "",
        damaged: Callable[[Payload, str], None],
    ) -> None:
        calls = TimedCalls()
        try:
            root = Root(archive, calls)
            uuid = _uuid(root)
        except OSError as error:
            raise ArchiveError(
                f"{display(archive)} cannot be opened: {error.strerror or error}.",
                "Mount it, then serve it again.",
            ) from error
        names = ServedNames(database, uuid)
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        settings: dict[str, Any] = {
            "provider_mapping": {"/": Provider(names, root, damaged)},
            "mount_path": f"/{self.token}",
            "simple_dc": {"user_mapping": {"*": True}},
            "block_size": SENT_AT_ONCE,
            "lock_storage": False,
            "property_manager": False,
            "dir_browser": {"enable": False},
            "logging": {"enable": False},
            "verbose": 0,
            "suppress_version_info": True,
            "add_header_MS_Author_Via": True,
        }
        logging.getLogger("wsgidav").setLevel(logging.CRITICAL)
        pages = Pages(names, root, os.path.basename(archive.rstrip("/")))
        gate = Gate(
            self.token,
            WholeFiles(names, root, damaged, WsgiDAVApp(settings), SENT_AT_ONCE),
            pages.sheet,
            pages.picture,
            hosts=LOOPBACK if host in LOOPBACK else None,
            password=password,
        )
        self._server = wsgi.Server(
            (host, port), gate, numthreads=SERVER_THREADS, server_name="lading", shutdown_timeout=1
        )
        self._server.error_log = _ignore  # type: ignore[method-assign]
        self._server.ConnectionClass = Connection
        self._server.prepare()
        # Connections inherit the size of the buffer from the listening socket (Linux, tcp(7); XNU, soreserve in
        # sonewconn).
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AT_ONCE)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.bind_addr[1])

    def run(self) -> None:
        """Serve until `stop`."""
        self._server.serve()

    def stop(self) -> None:
        """Accept no more requests."""
        self._server.stop()


def _ignore(*_: object, **__: object) -> None:
    """Ignore Cheroot's errors, which are about clients that disconnect; files that cannot be read are reported by
    `damaged`."""


def _uuid(root: Root) -> str:
    """The archive's id, from its archive.toml. Raises OSError."""
    import tomllib

    fd = root.open(".lading/archive.toml")
    try:
        return str(tomllib.loads(root.read(fd, 0, 1 << 16).decode(errors="replace"))["id"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise OSError(f"its archive.toml is damaged ({error})") from error
    finally:
        root.close(fd)
