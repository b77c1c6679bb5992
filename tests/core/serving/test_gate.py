"""Who may ask for what, before an archive is touched."""

import base64
from collections.abc import Iterable
from typing import Any

import pytest

from core.serving.gate import Environ, Gate, Start

TOKEN = "t" * 24


class Asking:
    """A gate, and which of the applications behind it was reached."""

    def __init__(self, **options: Any) -> None:
        self.reached: list[tuple[str, str, str]] = []
        self.ranges: list[str | None] = []
        self.gate = Gate(TOKEN, self.app("folders"), self.app("page"), self.app("picture"), **options)

    def app(self, name: str) -> Any:
        def answer(environ: Environ, start_response: Start) -> Iterable[bytes]:
            self.reached.append((name, environ.get("SCRIPT_NAME", ""), environ["PATH_INFO"]))
            self.ranges.append(environ.get("HTTP_RANGE"))
            start_response("200 OK", [])
            return []

        return answer

    def __call__(self, path: str, method: str = "GET", host: str = "127.0.0.1:80", **more: str) -> str:
        said: list[str] = []
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": host, **more}
        list(self.gate(environ, lambda status, headers: said.append(status)))
        return said[0][:3]


def test_what_is_reached() -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/") == "200"
    assert ask(f"/{TOKEN}/by card/A", "PROPFIND") == "200"
    assert ask(f"/{TOKEN}/by card/A") == "200"
    assert ask(f"/{TOKEN}/", "PROPFIND") == "200"
    assert ask(f"/{TOKEN}/.lading/thumbnails/aa/x.jpg") == "200"
    assert ask(f"/{TOKEN}") == "301"
    assert ask.reached == [
        ("page", "", f"/{TOKEN}/"),
        ("folders", f"/{TOKEN}", "/by card/A"),
        ("folders", f"/{TOKEN}", "/by card/A"),
        ("folders", f"/{TOKEN}", "/"),
        ("picture", "", ".lading/thumbnails/aa/x.jpg"),
    ]


def test_the_path_of_options_is_decoded_once() -> None:
    ask = Asking()
    raw = f"/{TOKEN}/by%20card/100%2525"
    assert ask(raw, "OPTIONS", REQUEST_URI=raw) == "200"
    assert ask(f"/{TOKEN}/by card/100%25", "OPTIONS", REQUEST_URI=raw) == "200", "also if it is decoded already"
    assert ask.reached == [("folders", f"/{TOKEN}", "/by card/100%25")] * 2
    raw = f"/{TOKEN}/%2e%2e/x"
    assert ask(raw, "OPTIONS", REQUEST_URI=raw) == "400"


@pytest.mark.parametrize("path", ["/", "", "/wrong/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", f"//{TOKEN}/", "/\u00e9/"])
def test_without_the_token_there_is_nothing(path: str) -> None:
    ask = Asking()
    assert ask(path) == "404"
    assert not ask.reached


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "[::1", "10.0.0.1"]
)
def test_another_name_is_refused(host: str) -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/", host=host) == "421"
    assert not ask.reached


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8484", "127.0.0.1", "[::1]:8484"])
def test_this_machine_is_not(host: str) -> None:
    assert Asking()(f"/{TOKEN}/", host=host) == "200"


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPPATCH", "POST", "PATCH", "TRACE"]
)
def test_nothing_is_written(method: str) -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/by card/A/x.jpg", method) == "403"
    assert not ask.reached


@pytest.mark.parametrize("rest", ["..", "../x", "by card/../../x", ".lading/../etc"])
def test_no_path_leads_up(rest: str) -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/{rest}") == "400"
    assert not ask.reached


def test_requests_without_the_password_are_refused() -> None:
    ask = Asking(hosts=None, password="p\u00e4ss:word")  # noqa: S106

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    for said in ("", basic("ada:wrong"), basic("p\u00e4ss:word"), "Basic !!!", "Bearer x", "Basic"):
        assert ask(f"/{TOKEN}/", host="nas:80", HTTP_AUTHORIZATION=said) == "401", said
    assert not ask.reached
    assert ask(f"/{TOKEN}/", host="nas:80", HTTP_AUTHORIZATION=basic("ada:p\u00e4ss:word")) == "200"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("bytes=0-3", "bytes=0-3"),
        ("bytes=8-", "bytes=8-"),
        ("bytes=-3", "bytes=-3"),
        ("BYTES= 2-3 ,", "bytes=2-3"),
        ("bytes=5-2", None),
        ("bytes=-0", None),
        ("bytes=0-1,4-5", None),
        ("bytes=abc", None),
        ("bytes=-", None),
        ("bytes=\u0661-\u0662", None),
        ("chars=0-3", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("path", ["by card/A", ".lading/thumbnails/aa/x.jpg"])
def test_only_one_range_of_bytes_is_followed(path: str, asked: str, kept: str | None) -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/{path}", HTTP_RANGE=asked) == "200"
    assert ask(f"/{TOKEN}/{path}", "HEAD", HTTP_RANGE=asked) == "200"
    assert ask.ranges == [kept, None], "a range is for GET alone"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS"])
def test_a_path_that_is_no_text_leads_nowhere(method: str) -> None:
    ask = Asking()
    assert ask(f"/{TOKEN}/by card/\xff", method) == "404"
    assert not ask.reached
    assert ask(f"/{TOKEN}/by card/" + "\u00e9".encode().decode("latin-1"), method) == "200"
