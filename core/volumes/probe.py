"""Probing a mounted file system that may be dead, in a child process that can be left behind."""

import itertools
import os
import stat
import sys
from typing import Any

import msgspec

from core import subprocesses
from core.files import page_cache
from core.media.camera import camera
from core.volumes.mountpoint import on_volume
from core.volumes.space import Space, space

_ROOT = os.path.abspath(os.path.join(__file__, "../../.."))
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); import core.light_start; from core.volumes import probe; "
    "probe.child(sys.argv[2])"
)
_LONGEST_LISTING = 2000
"""The most names of a folder that are read, to find out which camera has formatted a card."""

NO_ANSWER = "does not answer"
"""The error of a path that did not answer in time."""


class VolumeProbe(msgspec.Struct, frozen=True, kw_only=True):
    """The result of probing a path.

    answers: False when no answer came in time; nothing else is known then.
    directory: whether the path is a folder.
    mount: the mount point of its volume, as the kernel reports it; empty when that is not known.
    space: None when it could not be read.
    camera: a short name of the camera whose card this is (`core.media.camera`).
    error: why a part is missing, in the system's words; empty when all went well.
    """

    answers: bool
    directory: bool = False
    mount: bytes = b""
    space: Space | None = None
    camera: str | None = None
    error: str = ""


def probe(path: bytes, timeout: float = 5.0) -> VolumeProbe:
    """Probe `path` for at most `timeout` seconds: whether it is a folder, its space, its camera; of a file,
    whether a byte of it can be read.

    A child that is stuck in the kernel is left there (`core.subprocesses`); until it is gone the same path counts
    as not answering. Starting the child takes some 50 ms. Errors are in the result, none is raised.
    """
    # -P: a file in the working directory cannot be imported as a module.
    argv: list[str | bytes] = [sys.executable, "-P", "-c", _CHILD, _ROOT, path]
    answer = subprocesses.ask(argv, timeout)
    if answer is None:
        return VolumeProbe(answers=False, error=NO_ANSWER)
    try:
        return msgspec.json.decode(answer.output, type=VolumeProbe)
    except (ValueError, RecursionError):
        return VolumeProbe(answers=False, error=f"the look at it failed (exit status {answer.status})")


def mount_of(path: bytes, timeout: float = 5.0) -> bytes:
    """The mount point of the volume that a folder or file is on, as the kernel reports it; empty where that is not
    known, and for a path that does not exist. Blocks as `probe`."""
    found = probe(path, timeout)
    if found.answers and not found.directory and not found.error:
        found = probe(os.path.dirname(path), timeout)
    return found.mount


def look(path: bytes) -> VolumeProbe:
    """Probe `path` in this process, which blocks for as long as a dead mount does."""
    found: dict[str, Any] = {}
    try:
        mode = os.stat(path).st_mode
        found["directory"] = stat.S_ISDIR(mode)
        if stat.S_ISREG(mode):
            _read(path)
        if found["directory"]:
            found["mount"] = _mount(path)
        found["space"] = space(path)
        if found["directory"]:
            found["camera"] = camera(_names(path), lambda name: _inside(path, name))
    except OSError as error:
        found["error"] = error.strerror or str(error)
    return VolumeProbe(answers=True, **found)


def child(path: str) -> None:
    """The child process of `probe`: prints what `look` finds as JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(look(os.fsencode(path))))


def _read(path: bytes) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        page_cache.uncached(fd)
        page_cache.drop(fd)
        os.pread(fd, 1, 0)
    finally:
        os.close(fd)


def _mount(path: bytes) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return on_volume(fd, os.path.realpath(path))[0]
    finally:
        os.close(fd)


def _names(path: bytes) -> list[str]:
    with os.scandir(path) as entries:
        return [os.fsdecode(entry.name) for entry in itertools.islice(entries, _LONGEST_LISTING)]


def _inside(path: bytes, name: str) -> list[str]:
    folder = os.path.join(path, os.fsencode(name))
    # lstat, so that a link on the card is not followed to another volume.
    return _names(folder) if stat.S_ISDIR(os.lstat(folder).st_mode) else []
