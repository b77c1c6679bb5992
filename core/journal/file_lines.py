"""Parses the lines of a journal about files and folders; what is not valid is passed over, never believed."""

from typing import Any

import msgspec

from core.catalog.failures import LIST
from core.content import Content
from core.files import times
from core.journal.journal_format import Line
from core.media import old_reasons
from core.models import Outcome
from core.paths import decode

_LIMIT = 2**63
"""SQLite's integers have 64 bits, signed."""


class FileLine(msgspec.Struct, frozen=True):
    """A `file` or `entry` line. `content` is None for a file that was never read, `payload` "" where none was
    written.

    `failure` is (stage, side, code, detail) of a file that failed. `before`: what an earlier import, begun at that
    time, read under the same path, size and mtime, where the content differs. `sort` and `target` are as in
    core.media.left_out.
    """

    path: bytes
    outcome: Outcome
    size: int
    mtime_ns: int
    kind: str
    content: Content | None
    payload: str
    reason: str
    far: str = ""
    unkept: str = ""
    failure: tuple[str, str, int, str] | None = None
    before: tuple[Content, float] | None = None
    sort: str = ""
    target: bytes | None = None


def file_line(line: Line) -> FileLine | None:
    """The parsed `file` or `entry` line; None when it is not valid."""
    try:
        size, mtime_ns = _whole(line["size"], 0), _whole(line["mtime_ns"], -_LIMIT)
        content = None
        if "xxh128" in line:
            content = Content(size, bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"]))
            if (len(content.xxh128), len(content.sha256)) != (16, 32):
                return None
        outcome = Outcome[line["outcome"].upper()]
        return FileLine(
            decode(line["file"] if "file" in line else line["entry"]),
            outcome,
            size,
            mtime_ns,
            str(line.get("kind", "")),
            content,
            str(line.get("payload", "")),
            str(line.get("reason", "")),
            times.read_far(line.get("mtime_exact")),
            str(line.get("xattrs_unkept", "")),
            _failure(line) if outcome is Outcome.FAILED else None,
            _before(line["before"], size) if "before" in line else None,
            *_left_out(line),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None


def folder_lines(lines: list[Line]) -> list[tuple[bytes, int, str]]:
    """(path, mtime_ns, exact time) of the valid `folder` lines; the last is empty where the second is exact."""
    found: list[tuple[bytes, int, str]] = []
    for line in lines:
        if "folder" in line:
            try:
                far = times.read_far(line.get("mtime_exact"))
                found.append((decode(line["folder"]), _whole(line["mtime_ns"], -_LIMIT), far))
            except (KeyError, TypeError, ValueError):
                continue
    return found


def _failure(line: Line) -> tuple[str, str, int, str]:
    """(stage, side, code, detail). Raises TypeError, ValueError."""
    if "side" in line:
        code = _whole(line.get("code", 0), 0)
        return str(line.get("stage", "")), str(line["side"]), code, str(line.get("detail", ""))
    # Older journals lack these members: there, the reason of a file that a transfer gave up begins with the side.
    side, colon, _ = str(line.get("reason", "")).partition(": ")
    return ("", side, 0, "") if colon and side in ("source", "archive", "program") else (LIST, "source", 0, "")


def _left_out(line: Line) -> tuple[str, bytes | None]:
    """(sort, target). Raises TypeError, ValueError."""
    if "sort" in line:
        return str(line["sort"]), decode(line["target"]) if "target" in line else None
    # Written before there were members for these; `file` lines never had a reason.
    reason = str(line.get("reason", ""))
    return old_reasons.sort(reason), old_reasons.target(reason)


def _before(told: Any, size: int) -> tuple[Content, float]:
    """Raises TypeError, ValueError, KeyError."""
    content = Content(size, bytes.fromhex(told["xxh128"]), bytes.fromhex(told["sha256"]))
    return content, float(told["imported"])


def _whole(value: object, least: int) -> int:
    """An integer that SQLite can hold, at least `least`. Raises TypeError, ValueError."""
    if not isinstance(value, int):
        raise TypeError
    if not least <= value < _LIMIT:
        raise ValueError
    return value
