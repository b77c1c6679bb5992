"""Plain requests for whole files, beside what WsgiDAV answers to the same."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import xxhash

from core.models import Outcome
from core.serving.content import Payload, Root
from core.serving.names import ServedNames
from core.serving.timed_calls import TimedCalls
from core.serving.webdav import Provider
from core.serving.whole_files import WholeFiles
from tests.core.receipts.book import Book
from tests.core.receipts.conftest import book
from tests.core.serving.test_names import names

__all__ = ["book"]

DATA = os.urandom(300_000)
NAME = "a \u00e9\u202e&<.jpg"


class Asking:
    """One file, served; `passed_on` are the requests that went to WsgiDAV."""

    def __init__(self, found: ServedNames, folder: Path, file: Payload) -> None:
        from wsgidav.wsgidav_app import WsgiDAVApp

        self.path = folder / file.path
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(DATA)
        self.damaged: list[str] = []
        self.passed_on: list[str] = []
        root = Root(str(folder), TimedCalls())

        def damaged(file: Payload, why: str) -> None:
            self.damaged.append(why)

        settings: dict[str, Any] = {"provider_mapping": {"/": Provider(found, root, damaged)}, "verbose": 0}
        settings |= {"simple_dc": {"user_mapping": {"*": True}}, "logging": {"enable": False}}
        settings |= {"lock_storage": False, "property_manager": False, "dir_browser": {"enable": False}}
        self._webdav = WsgiDAVApp(settings)
        self._files = WholeFiles(found, root, damaged, self._folders, 64 << 10)

    def _folders(self, environ: dict[str, Any], start: Any) -> Any:
        self.passed_on.append(environ["REQUEST_METHOD"])
        return self._webdav(environ, start)

    def __call__(
        self, path: str, method: str = "GET", more: dict[str, str] | None = None, *, webdav: bool = False
    ) -> tuple[str, dict[str, str], bytes]:
        said: list[Any] = []
        environ = {
            "PATH_INFO": path.encode().decode("latin-1"),
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            **(more or {}),
        }
        app = self._webdav if webdav else self._files
        answer = app(environ, lambda status, headers, *_: said.extend([status, dict(headers)]))
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return said[0], said[1], body


@pytest.fixture
async def ask(book: Book, tmp_path: Path) -> Asking:
    number = await book.add(options={"label": "A"}, root=b"card")
    item = await book.item()
    await book.enter(number, (b"card/" + NAME.encode(), Outcome.ARCHIVED, item, None))
    digests = xxhash.xxh3_128(DATA).digest(), hashlib.sha256(DATA).digest()
    await book.database.run(
        ("UPDATE item SET path = 'data/x', size = ?, xxh128 = ?, sha256 = ?", [(len(DATA), *digests)])
    )
    return Asking(names(book), tmp_path / "archive", Payload("data/x", len(DATA), *digests))


AT = f"/by card/A/{NAME}"


@pytest.mark.parametrize("more", [{}, {"HTTP_DEPTH": "0"}], ids=["plain", "as rclone asks"])
async def test_it_is_what_webdav_answers(ask: Asking, more: dict[str, str]) -> None:
    status, headers, body = ask(AT, more=more)
    assert (status, body == DATA, ask.passed_on) == ("200 OK", True, [])
    expected, theirs, _ = ask(AT, more=more, webdav=True)
    theirs.pop("Date")  # Cheroot adds one where there is none
    assert (status, headers) == (expected, theirs)


@pytest.mark.parametrize(
    ("path", "method", "more", "status"),
    [
        (AT, "HEAD", {}, "200 OK"),
        (AT, "GET", {"HTTP_RANGE": "bytes=5-9"}, "206 Partial Content"),
        (AT, "GET", {"HTTP_IF_MODIFIED_SINCE": "Fri, 01 Jan 2038 00:00:00 GMT"}, "304 Not Modified"),
        ("/by card/A/nothing", "GET", {}, "404 Not Found"),
        ("/by card/A", "GET", {}, "403 Forbidden"),
        (AT + "/below", "GET", {}, "404 Not Found"),
    ],
)
async def test_all_else_is_webdavs(ask: Asking, path: str, method: str, more: dict[str, str], status: str) -> None:
    assert ask(path, method, more)[0] == status
    assert ask.passed_on == [method]


async def test_a_tag_that_is_known_is_not_sent_again(ask: Asking) -> None:
    tag = ask(AT)[1]["ETag"]
    assert ask(AT, more={"HTTP_IF_NONE_MATCH": tag})[0] == "304 Not Modified"
    assert ask.passed_on == ["GET"]


async def test_what_cannot_be_read_is_an_error(ask: Asking) -> None:
    ask.path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with pytest.raises(OSError, match="not what was archived"):
        ask(AT)
    ask.path.write_bytes(DATA[:-1])
    assert ask(AT)[0] == "404 Not Found"
    ask.path.unlink()
    assert ask(AT)[0] == "404 Not Found"
    assert ask.damaged == [
        "its content is not what was archived",
        "it has 299,999 bytes, not 300,000",
        "it is gone",
    ]
    ask.path.parent.rmdir()
    ask.path.parent.parent.rename(ask.path.parent.parent.with_name("away"))
    assert ask(AT)[0] == "503 Service Unavailable"
