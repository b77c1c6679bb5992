"""The lock of the state folder, which one engine uses at a time."""

import fcntl
import os
from contextlib import suppress
from typing import IO

from core.errors import DatabaseError, EngineHeldError

LOCK_FILE = "lading.lock"


def lost(home: str, file: IO[str]) -> bool:
    """Whether the state folder is no more the one that was locked, because it was removed or replaced."""
    try:
        found = os.stat(os.path.join(home, LOCK_FILE))
    except FileNotFoundError:
        return True
    except OSError:
        return False  # its disk may answer again
    return not os.path.samestat(found, os.fstat(file.fileno()))


def hold(home: str) -> IO[str]:
    """Lock the state folder for this process; the system releases the lock when the process ends.

    Raises EngineHeldError, DatabaseError.
    """
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        file = open(os.path.join(home, LOCK_FILE), "a+", encoding="utf-8")  # noqa: SIM115 - held until the end
    except OSError as error:
        raise DatabaseError(
            f"the state folder {home} cannot be used: {error.strerror}.", "Set LADING_HOME to a folder of yours."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise EngineHeldError(
            f"process {holder or '?'} uses {home}.", "Wait for it, or set another LADING_HOME."
        ) from error
    file.truncate(0)
    # The process id is only for people to read: on a full disk the lock works without it.
    with suppress(OSError):
        os.write(file.fileno(), str(os.getpid()).encode())
    return file
