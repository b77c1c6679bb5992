"""The engine's socket: its path, and who may connect."""

import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from typing import Protocol

from core.errors import EngineError

FOLDER, NAME, POINTER = "run", "engine.sock", "socket"

LONGEST_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes of a socket's path: sun_path of unix(4) and unix(7), less the final NUL."""

BACKLOG = 128
"""The most connections that wait to be accepted."""

BUFFER = 64 << 10
"""Bytes that the system buffers for a client that does not read."""

# From <sys/socket.h>, and on macOS <sys/un.h> and <sys/ucred.h> (xnu, bsd/sys: SOL_LOCAL 0, LOCAL_PEERCRED 1,
# LOCAL_PEERPID 2).
_SO_PEERCRED, _UCRED = 17, struct.Struct("3i")
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED = 0, 1, struct.Struct("=IIh2x16I")
_LOCAL_PEERPID, _PID = 2, struct.Struct("i")


class HasOptions(Protocol):
    """The part of a socket that `peer` needs."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes: ...


def peer(connection: HasOptions, platform: str = sys.platform) -> int:
    """The user id at the other end of a connected Unix socket. Raises OSError."""
    if platform == "darwin":
        data = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size)
        version, user, *_ = _XUCRED.unpack(data.ljust(_XUCRED.size, b"\0"))
        if version != 0 or len(data) < 8:
            raise OSError(f"credentials of version {version}")
        return int(user)
    return int(_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size))[1])


def process(connection: HasOptions, platform: str = sys.platform) -> int:
    """The process id at the other end of a connected Unix socket; 0 where the system does not tell it, as once
    that end is closed."""
    try:
        if platform == "darwin":
            return int(_PID.unpack(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID, _PID.size))[0])
        return int(_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size))[0])
    except OSError:
        return 0


def place(home: str, longest: int = LONGEST_PATH) -> str:
    """The path at which the engine of the state folder `home` makes its socket: inside it, if the path is short
    enough."""
    path = os.path.join(home, FOLDER, NAME)
    if len(os.fsencode(path)) <= longest:
        return path
    import hashlib
    import tempfile  # both are seldom needed, and slow to load

    name = f"lading-{os.getuid()}-{hashlib.sha256(os.fsencode(os.path.realpath(home))).hexdigest()[:16]}"
    for folder in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - a folder of our own in it, looked at before use
        path = os.path.join(folder, name, NAME)
        if len(os.fsencode(path)) <= longest:
            return path
    raise EngineError(f"no path for its socket is short enough: {path}.", "Set a shorter LADING_HOME.")


def find(home: str) -> str:
    """The path of a running engine's socket, which may have been started in another environment."""
    with suppress(FileNotFoundError), open(os.path.join(home, FOLDER, POINTER), "rb") as file:
        return os.fsdecode(file.read())
    return os.path.join(home, FOLDER, NAME)


def listen(home: str, longest: int = LONGEST_PATH) -> tuple[socket.socket, str]:
    """A listening socket, which replaces one that a dead engine left, and its path. Raises EngineError.

    Only the holder of the state folder's lock may call this.
    """
    path = place(home, longest)
    pointer = os.path.join(home, FOLDER, POINTER)
    try:
        _private(os.path.dirname(pointer))
        _private(os.path.dirname(path))
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            with suppress(FileNotFoundError):
                os.unlink(path)
            listening.bind(path)
            os.chmod(path, 0o600)
            listening.listen(BACKLOG)
            _point(pointer, path if os.path.dirname(path) != os.path.dirname(pointer) else "")
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        raise EngineError(f"its socket {path} cannot be made: {error}.", "Set another LADING_HOME.") from error
    return listening, path


def tidy(path: str, home: str) -> None:
    """Remove the folder of a socket that was closed, if it was only made for that. Raises OSError."""
    if os.path.dirname(path) != os.path.join(home, FOLDER):
        os.rmdir(os.path.dirname(path))


def connect(home: str) -> socket.socket:
    """A non-blocking connection to the engine of the state folder `home`.

    Raises OSError when none answers, EngineError when the socket is another user's.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = find(home)
    try:
        connection.settimeout(1.0)
        connection.connect(path)
        user = peer(connection)
        connection.setblocking(False)
    except BaseException:
        connection.close()
        raise
    if user != os.geteuid():
        connection.close()
        raise EngineError(
            f"the engine at {path} belongs to another user (number {user}).",
            "Set LADING_HOME to a folder of yours.",
        )
    return connection


def _private(folder: str) -> None:
    """Make a folder that only this user may enter, or check that an existing one is so. Raises OSError."""
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    facts = os.lstat(folder)
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise OSError(f"{folder} is not a folder of yours")
    if facts.st_mode & 0o077:
        os.chmod(folder, 0o700)


def _point(pointer: str, path: str) -> None:
    """Write the path of the socket to the file `pointer`; an empty path removes the file. Raises OSError."""
    if not path:
        with suppress(FileNotFoundError):
            os.unlink(pointer)
        return
    new = f"{pointer}.new"
    with open(new, "wb") as file:
        file.write(os.fsencode(path))
    os.replace(new, pointer)
