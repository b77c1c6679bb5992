"""Plain requests for whole files, answered without WsgiDAV, which takes as long for one as reading and comparing a
small file. Programs that copy a card ask for nothing else; a range goes to WsgiDAV.

Conditions are judged here, because WsgiDAV 4.4 sends a file again that was not modified since exactly its own time
and refuses a known tag together with a later time.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

from core.serving.content import ArchivedStream, ContentDamagedError, Payload, Root
from core.serving.gate import Application, Environ, Start, refuse
from core.serving.names import ServedFile, ServedNames
from core.serving.webdav import content_type, etag

CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
"""Conditions of a request, as WSGI names them, in the order of RFC 9110, 13.2.2."""

MORE = ("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF", "CONTENT_LENGTH")
"""What makes a GET more than plain. Not the depth, which a GET has none of (RFC 4918, 10.2): rclone sends one with
each (1.75, backend/webdav/webdav.go, Open)."""

_TAG = re.compile(r'(W/)?("[^"]*")')


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
        plain = environ["REQUEST_METHOD"] == "GET" and not any(environ.get(one) for one in MORE)
        conditions = [one for one in CONDITIONS if one in environ]
        name, file = self._requested_file(environ) if plain or conditions else ("", None)
        if file is not None and conditions:
            unmet = _unmet_status(environ, file)
            if unmet:
                told = [("ETag", f'"{etag(file)}"'), ("Last-Modified", _date(file))]
                if unmet[:3] == "304":
                    start_response(unmet, told)
                    return []
                return refuse(start_response, unmet, "It is not as the request wants it.", told)
            for one in conditions:
                del environ[one]
        if file is None or not plain:
            return self._folders(environ, start_response)
        try:
            content = ArchivedStream(self._root, file.payload, self._damaged)
        except (FileNotFoundError, ContentDamagedError) as error:
            return refuse(start_response, "404 Not Found", f"{error}")
        except OSError as error:
            return refuse(start_response, "503 Service Unavailable", f"{error}")
        headers = [
            ("Content-Length", str(file.payload.size)),
            ("Last-Modified", _date(file)),
            ("Content-Type", content_type(name)),
            ("ETag", f'"{etag(file)}"'),
            ("Accept-Ranges", "bytes"),
            ("Content-Disposition", "inline"),
        ]
        start_response("200 OK", headers)
        return _read(content, self._block)

    def _requested_file(self, environ: Environ) -> tuple[str, ServedFile | None]:
        """(name, file) that a GET or HEAD asks for; ("", None) for any other request, and where the path is no
        file's."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "", None
        try:
            # WSGI gives the bytes of a path as Latin-1 (PEP 3333).
            path = environ["PATH_INFO"].encode("latin-1").decode()
        except UnicodeError:
            return "", None
        parts = [part for part in path.split("/") if part]
        found = self._names.find(parts)
        return (parts[-1], found) if isinstance(found, ServedFile) else ("", None)


def _date(file: ServedFile) -> str:
    return formatdate(math.floor(file.mtime), usegmt=True)


def _unmet_status(environ: Environ, file: ServedFile) -> str:
    """The status to answer with, where a condition is not met (RFC 9110, 13.2.2); else empty."""
    match, unmodified, none, modified = (environ.get(one) for one in CONDITIONS)
    changed = math.floor(file.mtime)
    if match is not None:
        if not _matches(match, file, weakly=False):
            return "412 Precondition Failed"
    elif unmodified is not None and changed > _seconds(unmodified, math.inf):
        return "412 Precondition Failed"
    if none is not None:
        return "304 Not Modified" if _matches(none, file, weakly=True) else ""
    return "304 Not Modified" if modified is not None and changed <= _seconds(modified, -math.inf) else ""


def _matches(tags: str, file: ServedFile, *, weakly: bool) -> bool:
    """Whether a header's list of tags has this file's ETag, or is `*`. `weakly`: a tag that is marked as weak
    counts, too (RFC 9110, 8.8.3.2)."""
    own = f'"{etag(file)}"'
    return tags.strip() == "*" or any(tag == own and (weakly or not weak) for weak, tag in _TAG.findall(tags))


def _seconds(date: str, otherwise: float) -> float:
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return otherwise


def _read(content: ArchivedStream, block: int) -> Iterator[bytes]:
    try:
        while data := content.read(block):
            yield data
    finally:
        content.close()
