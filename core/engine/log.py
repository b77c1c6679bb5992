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
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.catalog import ImportRow

FOLDER, NAME = "log", "engine.log"

STREAMS = "engine.err"
"""What the engine's standard streams were told, by the interpreter or a library."""

SIZE, KEPT = 2 << 20, 4
"""Bytes of a file, and older files that are kept."""

LOOK = 0.25
"""Seconds between two looks for news."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def folder(home: str) -> str:
    """Where the log of an engine is."""
    return os.path.join(home, FOLDER)


class Line(logging.Formatter):
    """time, level, from, message, then what was given as `extra`; `traceback` at the end if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN and key not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # JSON leaves DEL as it is.
        return json.dumps(line, default=_text).replace("\x7f", "\\u007f")


def note(what: str, row: "ImportRow") -> None:
    """Note that something has become of an import."""
    facts = {"import": row.name, "run": row.runs, "state": str(row.state), "verdict": row.verdict}
    facts["reason"] = row.verdict_reason or row.reason
    given = {name: fact for name, fact in facts.items() if fact}
    logging.getLogger("lading.imports").info("an import %s", what, extra=given)


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def make(home: str) -> str:
    """The folder of the log of `home`, which only its owner may enter. Raises OSError."""
    os.makedirs(home, mode=0o700, exist_ok=True)
    os.makedirs(folder(home), mode=0o700, exist_ok=True)
    return folder(home)


def begin(home: str, size: int = SIZE, kept: int = KEPT) -> logging.Handler:
    """Have everything logged in this process end up in the log of `home`. Raises OSError."""
    path = os.path.join(make(home), NAME)
    handler = RotatingFileHandler(path, maxBytes=size, backupCount=kept, encoding="ascii")
    handler.setFormatter(Line())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # A log that cannot be written is no reason to stop.
    logging.raiseExceptions = False
    return handler


def end(handler: logging.Handler) -> None:
    """Stop logging there."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def streams(home: str) -> IO[bytes]:
    """The file for an engine's standard streams, begun anew when it has grown. Raises OSError."""
    path = os.path.join(make(home), STREAMS)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    with suppress(OSError):
        flags |= os.O_TRUNC if os.stat(path).st_size > SIZE else 0
    return open(os.open(path, flags, 0o600), "ab", buffering=0)


def last(home: str, lines: int, *, follow: bool = False) -> Generator[str, None, None]:
    """The last lines of the log, oldest first; with `follow` also each new one, for ever, across rotations."""
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
            # Read after that look: to a file that has been moved nothing is written any more.
            text = newest.read() if newest else ""
            *whole, rest = (rest + text).split("\n")
            yield from whole
            if moved:
                _close(newest)
                newest, rest = _open(path), ""
            if not text:
                time.sleep(LOOK)
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
