"""The ASC MHL manifest of one import (ASC MHL Specification 2.0): original paths, XXH3-128.

Streamed. Names that no XML 1.0 document can hold are left out, and its comment says how many.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from html import escape

from core import VERSION, machine
from core.errors import UsageError
from core.models import Outcome, State
from core.receipts.heading import Heading, heading
from core.receipts.lookup import Read
from core.receipts.row import FileRow, pages
from core.receipts.times import stamp, stamp_ns

Out = Callable[[str], None]

HELD = (Outcome.ARCHIVED, Outcome.DUPLICATE)
PASSED = (Outcome.SKIPPED, Outcome.LITTER)
ALWAYS = (".DS_Store", "ascmhl", "ascmhl/")
"""Patterns that every history ignores (specification, ignore patterns): the reference tool's own."""

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WILD = re.compile(r"([\\*?\[\]!# ])")
_C4 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


async def write_mhl(read: Read, name: str, out: Out) -> tuple[int, int]:
    """Give the manifest of import `name` to `out`, by the piece; how many files are in it, how many left out.

    Raises UsageError when there is no such import or it has not ended.
    """
    found = await heading(read, name)
    head = found.head
    if head.state not in (State.DONE, State.CANCELLED):
        raise UsageError(f"import {head.id} has not ended.", "Resume it, or cancel it, first.")
    unfit = 0
    async for page in _files(read, found, HELD):
        unfit += sum(_text(row.path) is None for row in page)
    out('<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">\n')
    out("".join(f"  {line}\n" for line in _creator(found, unfit)))
    out("  <processinfo>\n    <process>transfer</process>\n    <ignore>\n")
    out("".join(f"      <pattern>{pattern}</pattern>\n" for pattern in ALWAYS))
    async for page in _files(read, found, PASSED):
        out("".join(_pattern(row) for row in page))
    out("    </ignore>\n  </processinfo>\n")
    count = 0
    async for page in _files(read, found, HELD):
        lines = [line for row in page if (line := _hash(row, found))]
        out(("" if count or not lines else "  <hashes>\n") + "".join(lines))
        count += len(lines)
    out(("  </hashes>\n" if count else "") + "</hashlist>\n")
    return count, unfit + head.totals.failed.files


def _files(read: Read, found: Heading, outcomes: tuple[Outcome, ...]) -> AsyncIterator[list[FileRow]]:
    return pages(read, found.import_id, found.root, found.last, outcomes)


def _creator(found: Heading, unfit: int) -> Iterator[str]:
    head = found.head
    yield "<creatorinfo>"
    yield f"  <creationdate>{datetime.now().astimezone().isoformat(timespec='seconds')}</creationdate>"
    yield f"  <hostname>{_safe(machine.host())}</hostname>"
    yield f'  <tool version="{escape(VERSION)}">Lading</tool>'
    if head.operator:
        yield f"  <author>{_safe(head.operator)}</author>"
    yield f"  <location>{_safe(head.location_name)}</location>"
    said = [f"Import {head.id}", head.label, head.note]
    if unfit:
        said.append(f"left out, because XML cannot hold their names: {unfit} files")
    if head.totals.failed.files:
        said.append(f"could not be read: {head.totals.failed.files} files")
    yield f"  <comment>{_safe('; '.join(filter(None, said)))}</comment>"
    yield "</creatorinfo>"


def _safe(text: str) -> str:
    return _escape(_UNFIT.sub("\ufffd", text))


def _escape(text: str) -> str:
    # A bare CR is read as LF (XML 1.0, 2.11).
    return escape(text, quote=False).replace("\r", "&#13;")


def _text(path: bytes) -> str | None:
    """The path as XML holds it; None when it cannot."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return None
    return None if _UNFIT.search(text) else _escape(text)


def _pattern(row: FileRow) -> str:
    """What to ignore, as in a gitignore file. The reference tool compares absolute paths."""
    text = _text(_WILD.sub(r"\\\1", row.path.decode(errors="replace")).encode())
    return f"      <pattern>**/{text}</pattern>\n" if text else ""


def _hash(row: FileRow, found: Heading) -> str:
    if (path := _text(row.path)) is None:
        return ""
    modified = stamp_ns(row.mtime_ns, found.zone)
    when = f' lastmodificationdate="{escape(modified)}"' if modified else ""
    # Of one that was taken from the record nothing was read.
    hashed = "" if row.reason or found.head.ended is None else f' hashdate="{escape(found.head.ended)}"'
    return (
        f'    <hash>\n      <path size="{row.size}"{when}>{path}</path>\n'
        f'      <xxh128 action="original"{hashed}>{row.xxh128}</xxh128>\n    </hash>\n'
    )


class Chain:
    """What `ascmhl_chain.xml` says of the first manifest of a history."""

    def __init__(self) -> None:
        self._sha = hashlib.sha512()

    def add(self, data: bytes) -> None:
        """More of the manifest."""
        self._sha.update(data)

    def text(self, manifest: str) -> bytes:
        """The file, for a manifest of this name."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">\n'
            f'  <hashlist sequencenr="1">\n    <path>{_escape(manifest)}</path>\n'
            f"    <c4>{_c4(self._sha.digest())}</c4>\n  </hashlist>\n</ascmhldirectory>\n"
        ).encode()


def _c4(sha512: bytes) -> str:
    """A C4 ID (SMPTE ST 2114): SHA-512 in base 58, 88 digits behind "c4"."""
    number, text = int.from_bytes(sha512, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _C4[digit] + text
    return "c4" + text.rjust(88, _C4[0])


def manifest_name(folder: str, now: float) -> str:
    """The name of the first manifest beside a tree (specification: generation, folder, UTC)."""
    moment = re.sub("[:]", "", stamp(now).replace("T", "_").removesuffix("+00:00"))
    return f"0001_{folder}_{moment}Z.mhl"
