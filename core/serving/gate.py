"""Access control, before a request reaches an archive's folders.

The address holds a token that cannot be guessed. A request for another host name than this server's is refused,
because a web page could otherwise let its own name resolve to this machine, and read in a browser what is meant
for its user alone (DNS rebinding). Requests that would write are refused, too.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

METHODS = ("GET", "HEAD", "OPTIONS", "PROPFIND")
_RANGE = re.compile(r"bytes=[ \t,]*(?:([0-9]{1,18})-([0-9]{1,18})?|-0*([1-9][0-9]{0,17}))[ \t,]*", re.IGNORECASE)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Gate:
    """The WSGI application. `folders` answers below /TOKEN; `page` and `picture` answer a browser there.

    hosts: the host names that requests may use; None: any. password: asked for with any user name.
    """

    def __init__(
        self,
        token: str,
        folders: Application,
        page: Application,
        picture: Application,
        *,
        hosts: frozenset[str] | None = LOOPBACK,
        password: str = "",
    ) -> None:
        self._token = token
        self._folders = folders
        self._page = page
        self._picture = picture
        self._hosts = hosts
        self._password = password

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        if not self._host_is_allowed(environ):
            return refuse(start_response, "421 Misdirected Request", "This server has another name.")
        if environ["REQUEST_METHOD"] == "OPTIONS" and "REQUEST_URI" in environ:
            # Cheroot 11.1 gives the path of this method as it was sent, without decoding %XX (parse_request_uri).
            path = urlsplit(environ["REQUEST_URI"]).path
            environ["PATH_INFO"] = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
        _keep_plain_range(environ)
        path = environ.get("PATH_INFO", "")
        first, slash, rest = path.removeprefix("/").partition("/")
        if not hmac.compare_digest(first.encode("utf-8", "replace"), self._token.encode()):
            return refuse(start_response, "404 Not Found", "There is nothing here.")
        if self._password and not self._password_is_right(environ.get("HTTP_AUTHORIZATION", "")):
            asked = [("WWW-Authenticate", 'Basic realm="Lading", charset="UTF-8"')]
            return refuse(start_response, "401 Unauthorized", "The password is asked for.", asked)
        if environ["REQUEST_METHOD"] not in METHODS:
            allowed = [("Allow", ", ".join(METHODS))]
            return refuse(start_response, "403 Forbidden", "The archive is only read here.", allowed)
        if ".." in rest.split("/"):
            return refuse(start_response, "400 Bad Request", "No path leads up.")
        if not _is_text(path):
            # All names served here are UTF-8, and WsgiDAV 4.4 ends the connection at any other bytes.
            return refuse(start_response, "404 Not Found", "There is nothing here.")
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            if not slash:
                start_response(
                    "301 Moved Permanently", [("Location", f"/{self._token}/"), ("Content-Length", "0")]
                )
                return []
            if not rest:
                return self._page(environ, start_response)
            if rest.startswith(".lading/"):
                return self._picture({**environ, "PATH_INFO": rest}, start_response)
        environ["SCRIPT_NAME"] = f"/{self._token}"
        environ["PATH_INFO"] = f"/{rest}"
        return self._folders(environ, start_response)

    def _host_is_allowed(self, environ: Environ) -> bool:
        """Whether the host name of a request is one of this server's."""
        if self._hosts is None:
            return True
        try:
            name = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
        except ValueError:
            return False
        return name in self._hosts

    def _password_is_right(self, said: str) -> bool:
        """Whether `said`, an Authorization header, has the password (RFC 7617, Basic); any user name will do."""
        kind, _, code = said.partition(" ")
        try:
            password = base64.b64decode(code, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
        return kind.lower() == "basic" and hmac.compare_digest(password, self._password.encode())


def _keep_plain_range(environ: Environ) -> None:
    """Remove a Range header that is not to be followed, so that the whole file is sent (RFC 9110, 14.2): with
    another method than GET, with another unit, malformed, or with several ranges, of which WsgiDAV 4.4 would send
    the last one alone."""
    asked = environ.pop("HTTP_RANGE", "")
    found = _RANGE.fullmatch(asked.strip()) if environ["REQUEST_METHOD"] == "GET" else None
    if found is None or (found[2] and int(found[2]) < int(found[1])):
        return
    environ["HTTP_RANGE"] = f"bytes=-{found[3]}" if found[3] else f"bytes={found[1]}-{found[2] or ''}"


def _is_text(path: str) -> bool:
    """Whether the bytes of a path, which WSGI gives as Latin-1 (PEP 3333), are UTF-8."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def refuse(start_response: Start, status: str, why: str, more: Iterable[tuple[str, str]] = ()) -> list[bytes]:
    """Answer with a status and a plain text."""
    data = f"{why}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(data)))]
    start_response(status, [*headers, *more])
    return [data]
