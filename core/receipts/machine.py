"""The receipt for programs: JSON, CSV (RFC 4180), and the tag file `lading/ID.tsv` of a bag.

Paths are percent-encoded by `core.paths.encode`, and other text holds no control characters outside JSON.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from core.models import State
from core.paths import display, encode
from core.receipts.heading import Head, Heading, heading
from core.receipts.lookup import Read
from core.receipts.row import WORDS, FileRow, Tally, contradiction, pages
from core.receipts.times import stamp, stamp_ns

Out = Callable[[str], None]

COLUMNS = (
    "path",
    "size",
    "mtime_ns",
    "mtime",
    "kind",
    "xxh128",
    "sha256",
    "payload",
    "outcome",
    "level",
    "read_back",
    "reason",
)
"""Of CSV and TSV, named in their first line. `mtime` and `read_back` are in UTC. See `FileRow` for the rest."""

_FORMULA = ("=", "+", "-", "@")


async def checked(read: Read, found: Heading) -> AsyncIterator[list[FileRow]]:
    """The pages of all files that the head counted. Raises DatabaseError at the end when they do not add up."""
    tally, totals = Tally(), found.head.totals
    async for page in pages(read, found.import_id, found.root, found.last):
        tally.add(page)
        yield page
    tally.check(totals.seen.files)
    if found.head.state in (State.DONE, State.CANCELLED):  # no other stands still
        for outcome, count in tally.outcomes.items():
            counted = getattr(totals, WORDS[outcome]).files
            if count != counted:
                raise contradiction(f"{counted} files were counted as {WORDS[outcome]}, then {count}")


async def write_tsv(read: Read, name: str, out: Out) -> None:
    """One line a file, fields parted by TAB, nothing quoted: no field can hold a TAB or a line break."""
    found = await heading(read, name)
    out("\t".join(COLUMNS) + "\n")
    async for page in checked(read, found):
        out("".join("\t".join(_fields(row)) + "\n" for row in page))


async def write_csv(read: Read, name: str, out: Out) -> None:
    """RFC 4180. A path that a spreadsheet would take for a formula has its first character encoded, too."""
    found = await heading(read, name)
    out(",".join(COLUMNS) + "\r\n")
    async for page in checked(read, found):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for row in page:
            path, *others = _fields(row)
            writer.writerow([f"%{ord(path[0]):02X}{path[1:]}" if path.startswith(_FORMULA) else path, *others])
        out(text.getvalue())


async def write_json(read: Read, name: str, out: Out) -> None:
    """One object: the head's members after `"receipt": 1`, then `files`, one a line. ASCII only."""
    found = await heading(read, name)
    out(json.dumps({"receipt": 1, **_members(found.head)})[:-1] + ', "files": [')
    between = "\n"
    async for page in checked(read, found):
        out(between + ",\n".join(json.dumps(_file(row)) for row in page))
        between = ",\n"
    out("\n]}\n")


def _fields(row: FileRow) -> tuple[str, ...]:
    return (
        encode(row.path),
        str(row.size),
        str(row.mtime_ns),
        stamp_ns(row.mtime_ns),
        display(row.kind),
        row.xxh128,
        row.sha256,
        display(row.payload),
        WORDS[row.outcome],
        display(row.level),
        "" if row.read_back is None else stamp(row.read_back),
        display(row.reason),
    )


def _file(row: FileRow) -> dict[str, Any]:
    return {
        "outcome": WORDS[row.outcome],
        "path": encode(row.path),
        "size": row.size,
        "mtime_ns": row.mtime_ns,
        "mtime": stamp_ns(row.mtime_ns),
        "kind": row.kind,
        "xxh128": row.xxh128,
        "sha256": row.sha256,
        "payload": row.payload,
        "level": row.level,
        "read_back": None if row.read_back is None else stamp(row.read_back),
        "reason": row.reason,
    }


def _members(head: Head) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(head, builtin_types=(bytes,))
    return {name: encode(value) if isinstance(value, bytes) else value for name, value in members.items()}
