"""A look at a mounted file system that may be dead: done by a child process that can be left behind."""

import itertools
import os
import stat
import sys
from typing import Any

import msgspec

from core import command
from core.files import cache
from core.media.camera import camera
from core.volumes.space import Space, space

_ROOT = os.path.abspath(os.path.join(__file__, "../../.."))
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from core.volumes import probe; probe.child(sys.argv[2])"
_LONGEST_LISTING = 2000


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a path found.

    answers: False when nothing came back in time; nothing else is known then.
    directory: whether the path is a folder.
    space: None when it could not be read.
    camera: a short word for the camera whose card this is (`core.media.camera`).
    error: why a part is missing, in the system's words; empty when all went well.
    """

    answers: bool
    directory: bool = False
    space: Space | None = None
    camera: str | None = None
    error: str = ""


def probe(path: bytes, timeout: float = 5.0) -> Probe:
    """Look at `path` (kind, room, camera; whether a file can be read) for at most `timeout` seconds.

    A child that is stuck in the kernel is left there (`core.command`); until it is gone the same path
    does not answer. Starting the child takes some 50 ms. Errors are part of the answer, none is raised.
    """
    # -P: no file in the working directory is taken for a module.
    argv: list[str | bytes] = [sys.executable, "-P", "-c", _CHILD, _ROOT, path]
    answer = command.ask(argv, timeout)
    if answer is None:
        return Probe(answers=False, error="does not answer")
    try:
        return msgspec.json.decode(answer.output, type=Probe)
    except msgspec.DecodeError:
        return Probe(answers=False, error=f"the look at it failed (exit status {answer.status})")


def look(path: bytes) -> Probe:
    """What `probe` finds, looked up in this process: it blocks for as long as a dead mount does."""
    found: dict[str, Any] = {}
    try:
        mode = os.stat(path).st_mode
        found["directory"] = stat.S_ISDIR(mode)
        if stat.S_ISREG(mode):
            _read(path)
        found["space"] = space(path)
        if found["directory"]:
            found["camera"] = camera(_names(path), lambda name: _inside(path, name))
    except OSError as error:
        found["error"] = error.strerror or str(error)
    return Probe(answers=True, **found)


def child(path: str) -> None:
    """The child process of `probe`: prints what `look` finds as JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(look(os.fsencode(path))))


def _read(path: bytes) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        cache.uncached(fd)
        cache.drop(fd)
        os.pread(fd, 1, 0)
    finally:
        os.close(fd)


def _names(path: bytes) -> list[str]:
    with os.scandir(path) as entries:
        return [os.fsdecode(entry.name) for entry in itertools.islice(entries, _LONGEST_LISTING)]


def _inside(path: bytes, name: str) -> list[str]:
    folder = os.path.join(path, os.fsencode(name))
    # lstat, so that a link on the card does not lead off it.
    return _names(folder) if stat.S_ISDIR(os.lstat(folder).st_mode) else []
