"""Plain requests for whole files, answered without WsgiDAV, which takes as long for one as reading and comparing a
small file. Programs that copy a card ask for nothing else; whatever has a condition or a range goes to WsgiDAV.
"""

from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate

from core.serving.content import ArchivedStream, ContentDamagedError, Payload, Root
from core.serving.gate import Application, Environ, Start, refused
from core.serving.names import ServedFile, ServedNames
from core.serving.webdav import content_type, etag

CONDITIONS = (
    *("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"),
    *("HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF", "CONTENT_LENGTH"),
)
"""What makes a GET more than plain, as WSGI names it. Not the depth, which a GET has none of (RFC 4918, 10.2):
rclone sends one with each (1.75, backend/webdav/webdav.go, Open)."""


class WholeFiles:
    """The WSGI application for the folders. `folders` answers all that is no plain GET of a file; `damaged` is
    called for files whose content is not what was archived; a file is sent in blocks of `block` bytes."""

    def __init__(
        self,
        names: ServedNames,
        root: Root,
        damaged: Callable[[Payload, str], None],
        folders: Application,
        block: int,
    ) -> None:
        self._names = names
        self._root = root
        self._damaged = damaged
        self._folders = folders
        self._block = block

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        name, file = self._asked(environ)
        if file is None:
            return self._folders(environ, start_response)
        try:
            content = ArchivedStream(self._root, file.payload, self._damaged)
        except (FileNotFoundError, ContentDamagedError) as error:
            return refused(start_response, "404 Not Found", f"{error}")
        except OSError as error:
            return refused(start_response, "503 Service Unavailable", f"{error}")
        headers = [
            ("Content-Length", str(file.payload.size)),
            ("Last-Modified", formatdate(file.mtime, usegmt=True)),
            ("Content-Type", content_type(name)),
            ("ETag", f'"{etag(file)}"'),
            ("Accept-Ranges", "bytes"),
            ("Content-Disposition", "inline"),
        ]
        start_response("200 OK", headers)
        return _read(content, self._block)

    def _asked(self, environ: Environ) -> tuple[str, ServedFile | None]:
        """The name and file of a plain GET; None: it is another request, or not of a file."""
        if environ["REQUEST_METHOD"] != "GET" or any(environ.get(one) for one in CONDITIONS):
            return "", None
        try:
            # WSGI gives the bytes of a path as Latin-1 (PEP 3333).
            path = environ["PATH_INFO"].encode("latin-1").decode()
        except UnicodeError:
            return "", None
        parts = [part for part in path.split("/") if part]
        found = self._names.find(parts)
        return (parts[-1], found) if isinstance(found, ServedFile) else ("", None)


def _read(content: ArchivedStream, block: int) -> Iterator[bytes]:
    try:
        while data := content.read(block):
            yield data
    finally:
        content.close()
