import ctypes
import errno
import os
import sys
from pathlib import Path

import pytest

from core.files import xattrs

linux = pytest.mark.skipif(sys.platform != "linux", reason="os.getxattr is Linux only")


@linux
def test_attributes_of_a_file_are_read(tmp_path: Path) -> None:
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
    assert found.values["user.one"] == b"1\x00"
    assert found.values["user.two"] == b""
    assert found.unkept == []


@linux
@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODATA])
def test_file_system_without_any(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(_: int) -> list[str]:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "listxattr", fail)
    assert xattrs.of(0) == ({}, [])


@linux
@pytest.mark.parametrize("code", [errno.E2BIG, errno.ERANGE, errno.EIO, errno.EPERM, errno.EACCES, errno.ESTALE])
def test_names_that_are_refused_are_told(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """More than a call gives, or not shown to this program: there may be attributes, so they are not kept."""

    def fail(_: int) -> list[str]:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "listxattr", fail)
    assert xattrs.of(0).unkept_text() == xattrs.UNLISTED


@linux
def test_one_that_is_refused_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system itself keeps there may be refused; what has just been removed is no loss."""

    def value(_: int, name: str) -> bytes:
        if name in ("user.secret", "security.secret"):
            raise PermissionError(errno.EACCES, "no")
        if name == "user.gone":
            raise OSError(errno.ENODATA, "gone")
        return b"v"

    names = ["user.secret", "security.secret", "user.gone", "user.open"]
    monkeypatch.setattr(os, "listxattr", lambda _: names)
    monkeypatch.setattr(os, "getxattr", value)
    found = xattrs.of(0)
    assert found.values == dict.fromkeys(names, b"") | {"user.open": b"v"}
    assert found.unkept == ["user.secret"]


@linux
@pytest.mark.promise(33)
def test_long_ones_are_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listxattr", lambda _: ["user.fork", "user.more"])
    monkeypatch.setattr(
        os, "getxattr", lambda _, name: bytes(xattrs.LARGEST_RECORDED - 10 if name == "user.fork" else 10)
    )
    found = xattrs.of(0)
    assert {name: len(value) for name, value in found.values.items()} == {
        "user.fork": xattrs.LARGEST_RECORDED - 10,
        "user.more": 10,
    }
    assert found.unkept_text() == ""


@linux
def test_those_beyond_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listxattr", lambda _: [f"user.{number:02}\n" for number in range(20)])
    monkeypatch.setattr(os, "getxattr", lambda _, name: bytes(200 if name == "user.01\n" else 10))
    found = xattrs.of(0, 105)
    assert sum(map(len, found.values.values())) == 100
    assert len(found.values) == 20
    assert len(found.unkept) == 10
    assert found.unkept_text().startswith("user.01%0A, user.11%0A, ")
    assert found.unkept_text().endswith(" and 2 more")


def test_macos_takes_no_part_of_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {b"short": 3, b"fork": 10**6, b"gone": -1}

    class Libc:
        def flistxattr(self, fd: int, buffer: object, size: object, options: int) -> int:
            text = b"\0".join(sizes) + b"\0"
            if buffer is not None:
                buffer.raw = text  # type: ignore[attr-defined]
            return len(text)

        def fgetxattr(self, fd: int, name: bytes, buffer: object, *_: object) -> int:
            ctypes.set_errno(93)
            if buffer is not None:
                buffer.raw = b"abc" if name == b"short" else bytes(sizes[name])  # type: ignore[attr-defined]
            return sizes[name]

    monkeypatch.setattr(xattrs, "_libc", Libc)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert xattrs.of(3, 1000) == ({"short": b"abc", "fork": b"", "gone": b""}, ["fork"])
    assert len(xattrs.of(3).values["fork"]) == 10**6
