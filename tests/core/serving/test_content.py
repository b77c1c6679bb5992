"""Archived files as they are sent away: compared, below the root only; a file system that hangs is an error."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
import xxhash

from core.errors import ArchiveError
from core.serving import timed_calls
from core.serving.content import BLOCK, ArchivedStream, ContentDamagedError, Payload, Root
from core.serving.server import Serving
from core.serving.timed_calls import NoAnswerError, TimedCalls

DATA = os.urandom(3 * BLOCK + 17)


def payload(path: str, data: bytes = DATA) -> Payload:
    return Payload(path, len(data), xxhash.xxh3_128_digest(data), hashlib.sha256(data).digest())


class Opened:
    """A root with one file, and what was called damaged."""

    def __init__(self, folder: Path, data: bytes = DATA) -> None:
        (folder / "a").mkdir()
        (folder / "a" / "file").write_bytes(data)
        self.damaged: list[tuple[str, str]] = []
        self.root = Root(str(folder), TimedCalls())

    def content(self) -> ArchivedStream:
        return ArchivedStream(
            self.root, payload("a/file"), lambda file, why: self.damaged.append((file.path, why))
        )


def whole(content: ArchivedStream) -> bytes:
    parts = []
    while data := content.read(BLOCK):
        parts.append(data)
    return b"".join(parts)


@pytest.mark.parametrize("name", ["gone", "gone/below", "a file"])
def test_an_archive_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(ArchiveError, match=f"{name} cannot be opened: (No such file|Not a directory)"):
        Serving("no database", str(tmp_path / name), damaged=lambda file, why: None)


def test_a_whole_file(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    with opened.content() as content:
        assert whole(content) == DATA
    assert not opened.damaged


def test_a_stream_is_read_from_any_position(tmp_path: Path) -> None:
    with Opened(tmp_path).content() as content:
        content.seek(BLOCK + 5)
        assert content.read(10) == DATA[BLOCK + 5 : BLOCK + 15]
        content.seek(-4, os.SEEK_END)
        assert content.read() == DATA[-4:]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK])
def test_a_small_file_is_compared_too_and_holds_no_descriptor(tmp_path: Path, size: int) -> None:
    opened = Opened(tmp_path, DATA[:size])
    before = len(os.listdir("/dev/fd"))
    content = ArchivedStream(opened.root, payload("a/file", DATA[:size]), lambda file, why: None)
    assert len(os.listdir("/dev/fd")) == before
    assert whole(content) == DATA[:size]
    content.seek(size // 2)
    assert content.read(7) == DATA[:size][size // 2 :][:7]
    if size:
        (tmp_path / "a" / "file").write_bytes(bytes(size - 1) + b"x")
        wrong = ArchivedStream(
            opened.root, payload("a/file", DATA[:size]), lambda file, why: opened.damaged.append((file.path, why))
        )
        with pytest.raises(ContentDamagedError):
            whole(wrong)
        assert opened.damaged


def test_the_end_of_a_damaged_file_is_never_given(tmp_path: Path) -> None:
    opened = Opened(tmp_path, DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with opened.content() as content:
        assert b"".join(content.read(BLOCK) for _ in range(3)) == DATA[: 3 * BLOCK]
        with pytest.raises(ContentDamagedError):
            content.read(BLOCK)
    assert [path for path, _ in opened.damaged] == ["a/file"]


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", b""])
def test_a_file_of_another_size_is_not_opened(tmp_path: Path, data: bytes) -> None:
    opened = Opened(tmp_path, data)
    with pytest.raises(ContentDamagedError):
        opened.content()
    assert opened.damaged


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "link", "folder/file", "a", "nothing"])
def test_nothing_but_files_below_the_root(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").write_text("secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    opened = Opened(inside)
    os.symlink(tmp_path / "outside", inside / "link")
    os.symlink(inside / "a", inside / "folder")
    with pytest.raises(OSError, match=r"."):
        os.close(opened.root.open(path))


def test_another_folder_in_its_place_is_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    opened = Opened(inside)
    inside.rename(tmp_path / "moved")
    inside.mkdir()
    (inside / "a").mkdir()
    (inside / "a" / "file").write_bytes(DATA)
    with pytest.raises(OSError, match="not where it was"):
        opened.content()


def test_what_hangs_is_an_error_and_nobody_else_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_calls, "MOST_CALLS", 3)
    calls = TimedCalls(timeout=0.05)
    let_go = threading.Event()
    for _ in range(2):
        with pytest.raises(NoAnswerError):
            calls.call(let_go.wait)
    with monkeypatch.context() as patience:
        # What answers may take longer than that for its thread to get a processor.
        patience.setattr(calls, "_timeout", 60.0)
        assert calls.call(lambda: "well") == "well"
    with pytest.raises(NoAnswerError):
        calls.call(let_go.wait)
    with pytest.raises(NoAnswerError):
        calls.call(lambda: pytest.fail("too many hang already"))
    let_go.set()
    until_free(calls)


def until_free(calls: TimedCalls) -> None:
    """What has hung answers again."""
    for _ in range(1000):
        try:
            assert calls.call(lambda: "well") == "well"
        except NoAnswerError:
            threading.Event().wait(0.01)
        else:
            return
    pytest.fail("it never did")


def test_an_error_is_the_callers(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("this")

    calls = TimedCalls()
    with pytest.raises(ValueError, match="this"):
        calls.call(fail)
    assert calls.call(lambda: 1) == 1
