import errno
import os
import sys
from pathlib import Path

import pytest

from core.files import xattrs

linux = pytest.mark.skipif(sys.platform != "linux", reason="os.getxattr is Linux only")


@linux
def test_recorded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    try:
        os.setxattr(path, "user.one", b"1\x00")
        os.setxattr(path, "user.two", b"")
    except OSError:
        pytest.skip("no extended attributes here")
    fd = os.open(path, os.O_RDONLY)
    try:
        found = xattrs.of(fd)
    finally:
        os.close(fd)
    assert found["user.one"] == b"1\x00"
    assert found["user.two"] == b""


@linux
def test_file_system_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> list[str]:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "listxattr", fail)
    assert xattrs.of(0) == {}


@linux
def test_one_that_is_refused_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def value(_: int, name: str) -> bytes:
        if name == "user.secret":
            raise PermissionError(errno.EACCES, "no")
        return b"v"

    monkeypatch.setattr(os, "listxattr", lambda _: ["user.secret", "user.open"])
    monkeypatch.setattr(os, "getxattr", value)
    assert xattrs.of(0) == {"user.secret": b"", "user.open": b"v"}


@linux
def test_long_ones_are_named_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listxattr", lambda _: [f"user.{number:02}" for number in range(20)] + ["user.long"])
    monkeypatch.setattr(
        os, "getxattr", lambda _, name: bytes(xattrs.LONGEST + 1 if name == "user.long" else xattrs.LONGEST)
    )
    found = xattrs.of(0)
    assert found["user.long"] == b""
    assert sum(map(len, found.values())) == xattrs.TOGETHER
    assert len(found) == 21


def test_macos_takes_no_part_of_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {b"short": 3, b"fork": 10**6, b"gone": -1}

    class Libc:
        def flistxattr(self, fd: int, buffer: object, size: object, options: int) -> int:
            text = b"\0".join(sizes) + b"\0"
            if buffer is not None:
                buffer.raw = text  # type: ignore[attr-defined]
            return len(text)

        def fgetxattr(self, fd: int, name: bytes, buffer: object, *_: object) -> int:
            if buffer is not None:
                buffer.raw = b"abc"  # type: ignore[attr-defined]
            return sizes[name]

    monkeypatch.setattr(xattrs, "_libc", Libc)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert xattrs.of(3) == {"short": b"abc", "fork": b"", "gone": b""}
