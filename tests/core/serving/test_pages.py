"""Thumbnails and proxies for a browser: whole, or a range of one."""

import os
from pathlib import Path
from typing import Any

import pytest

from core.serving.content import Root
from core.serving.server import Pages
from core.serving.timed_calls import TimedCalls

DATA = os.urandom(1000)
NAME = ".lading/thumbnails/aa/aa00_400.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    return Root(str(tmp_path), TimedCalls())


def asked(root: Root, method: str = "GET", name: str = NAME, **more: str) -> tuple[str, dict[str, str], bytes]:
    said: list[Any] = []
    names: Any = None
    environ = {"PATH_INFO": name, "REQUEST_METHOD": method, **more}
    answer = Pages(names, root, "title").picture(environ, lambda *answered: said.extend(answered))
    body = b"".join(answer)
    return said[0][:3], dict(said[1]), body


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("bytes=0-3", (0, 3)),
        ("bytes=990-", (990, 999)),
        ("bytes=990-5000", (990, 999)),
        ("bytes=-10", (990, 999)),
        ("bytes=-5000", (0, 999)),
        ("bytes=999-999", (999, 999)),
    ],
)
def test_a_range_of_a_picture_is_sent(root: Root, part: str, shown: tuple[int, int]) -> None:
    status, headers, body = asked(root, HTTP_RANGE=part)
    first, last = shown
    assert (status, headers["Content-Range"]) == ("206", f"bytes {first}-{last}/1000")
    assert (headers["Content-Length"], body) == (str(last - first + 1), DATA[first : last + 1])


@pytest.mark.parametrize("part", ["bytes=1000-", "bytes=5000-6000"])
def test_what_is_behind_the_end_is_no_part(root: Root, part: str) -> None:
    status, headers, body = asked(root, HTTP_RANGE=part)
    assert (status, headers["Content-Range"]) == ("416", "bytes */1000")
    assert headers["Content-Length"] == str(len(body))


def test_the_whole_where_it_may_be_another_one_by_now(root: Root) -> None:
    status, headers, body = asked(root, HTTP_RANGE="bytes=0-3", HTTP_IF_RANGE='"x"')
    assert (status, body) == ("200", DATA)
    assert "Content-Range" not in headers


def test_head_sends_no_content(root: Root) -> None:
    status, headers, body = asked(root, "HEAD")
    assert (status, headers["Content-Length"], body) == ("200", "1000", b"")


@pytest.mark.parametrize(
    "name", [".lading/thumbnails/aa/bb_400.jpg", ".lading/archive.toml", ".lading/proxies/aa"]
)
def test_nothing_else_is_shown(root: Root, name: str) -> None:
    assert asked(root, name=name)[0] == "404"
