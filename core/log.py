"""The engine's log: one JSON object a line, in pure printable ASCII, a few files of limited size."""

import json
import logging
import os
import time
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import IO, Any

FOLDER, NAME = "log", "engine.log"

STREAMS = "engine.err"
"""The output of the engine's standard streams, by the interpreter or a library."""

SIZE, KEPT = 2 << 20, 4
"""The most bytes of a file, and how many older files are kept."""

POLL_INTERVAL = 0.25
"""Seconds between two checks for new lines."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def folder(home: str) -> str:
    """The folder of an engine's log."""
    return os.path.join(home, FOLDER)


class JsonFormatter(logging.Formatter):
    """A line has time, level, from, message, then the members of `extra`; `traceback` at the end if there is
    one."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN and key not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # JSON does not escape DEL.
        return json.dumps(line, default=_text).replace("\x7f", "\\u007f")


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def make(home: str) -> str:
    """Make the folder of the log of `home`, which only its owner may enter. Raises OSError."""
    os.makedirs(home, mode=0o700, exist_ok=True)
    os.makedirs(folder(home), mode=0o700, exist_ok=True)
    return folder(home)


def begin(home: str, size: int = SIZE, kept: int = KEPT) -> logging.Handler:
    """Write everything logged in this process to the log of `home`. Raises OSError."""
    path = os.path.join(make(home), NAME)
    handler = RotatingFileHandler(path, maxBytes=size, backupCount=kept, encoding="ascii")
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # A log that cannot be written must not stop the engine.
    logging.raiseExceptions = False
    return handler


def end(handler: logging.Handler) -> None:
    """Stop logging to `handler`, and close it."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def streams(home: str) -> IO[bytes]:
    """Open the file for an engine's standard streams; a large one is truncated. Raises OSError."""
    path = os.path.join(make(home), STREAMS)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    with suppress(OSError):
        flags |= os.O_TRUNC if os.stat(path).st_size > SIZE else 0
    return open(os.open(path, flags, 0o600), "ab", buffering=0)


def last(home: str, lines: int, *, follow: bool = False) -> Generator[str, None, None]:
    """The last lines of the log, oldest first; with `follow` also each new one, forever, across rotations."""
    path = os.path.join(folder(home), NAME)
    found: deque[str] = deque(maxlen=lines)
    for number in range(KEPT, 0, -1):
        with suppress(FileNotFoundError), open(f"{path}.{number}", encoding="utf-8") as old:
            found.extend(old.read().splitlines())
    newest = _open(path)
    try:
        *whole, rest = (newest.read() if newest else "").split("\n")
        found.extend(whole)
        if not follow:
            _close(newest)
        yield from found
        while follow:
            moved = newest is None or _moved(newest, path)
            # The file is read after that check, because nothing is written any more to a file that was rotated.
            text = newest.read() if newest else ""
            *whole, rest = (rest + text).split("\n")
            yield from whole
            if moved:
                _close(newest)
                newest, rest = _open(path), ""
            if not text:
                time.sleep(POLL_INTERVAL)
    finally:
        _close(newest)


def _close(file: IO[str] | None) -> None:
    if file is not None:
        file.close()


def _open(path: str) -> IO[str] | None:
    try:
        return open(path, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _moved(file: IO[str], path: str) -> bool:
    try:
        return not os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False
