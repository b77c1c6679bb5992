"""The receipt as data: JSON, CSV (RFC 4180), and the tag files `lading/ID.tsv` and `ID.json` of a bag.

Paths are percent-encoded by `core.paths.encode`. Other text has no control characters, except in JSON.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from core.catalog import differing, unopenable
from core.database import Read
from core.models import State
from core.paths import display, encode
from core.receipts import checksum_lists
from core.receipts.files import DATA_WORDS, ReceiptRow, Tally, contradiction, pages
from core.receipts.summary import Head, ReceiptHead, heading
from core.receipts.timestamps import stamp, stamp_ns

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
    "stage",
    "side",
    "code",
    "detail",
    "sort",
    "target",
    "unkept",
    "lists",
)
"""The columns of CSV and TSV, which their first line names. `mtime` and `read_back` are in UTC. `ReceiptRow`
describes the others."""

_FORMULA = ("=", "+", "-", "@")


async def checked_pages(read: Read, found: ReceiptHead) -> AsyncIterator[list[ReceiptRow]]:
    """Pages of all files that the head counted. Raises DatabaseError after the last page if there are not as many
    as the head says."""
    tally, totals = Tally(), found.head.totals
    async for page in pages(read, found.import_id, found.root, found.last):
        tally.add(page)
        yield page
    tally.check(totals.seen.files)
    # The counts of an unfinished import may change while its pages are read.
    if found.head.state in (State.DONE, State.CANCELLED):
        for outcome, count in tally.outcomes.items():
            counted = getattr(totals, DATA_WORDS[outcome]).files
            if count != counted:
                raise contradiction(f"{counted} files were counted as {DATA_WORDS[outcome]}, then {count}")


async def write_tsv(read: Read, name: str, out: Out) -> None:
    """TSV: one line for each file, nothing quoted, since no field can contain a TAB or a line break."""
    found = await heading(read, name)
    out("\t".join(COLUMNS) + "\n")
    async for page in checked_pages(read, found):
        out("".join("\t".join(_fields(row)) + "\n" for row in page))


async def write_csv(read: Read, name: str, out: Out) -> None:
    """CSV (RFC 4180). Where a spreadsheet would take a path for a formula, the path's first character is encoded,
    too."""
    found = await heading(read, name)
    out(",".join(COLUMNS) + "\r\n")
    async for page in checked_pages(read, found):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for row in page:
            path, *others = _fields(row)
            writer.writerow([f"%{ord(path[0]):02X}{path[1:]}" if path.startswith(_FORMULA) else path, *others])
        out(text.getvalue())


async def write_json(read: Read, name: str, out: Out) -> None:
    """JSON: one object with `"receipt": 1`, the head's members, then `files`, one on each line. ASCII only."""
    found = await heading(read, name)
    members = {"receipt": 1, **_members(found.head), **await _noteworthy(read, found)}
    out(json.dumps(members)[:-1] + ', "files": [')
    between = "\n"
    async for page in checked_pages(read, found):
        out(between + ",\n".join(json.dumps(_file(row)) for row in page))
        between = ",\n"
    out("\n]}\n")


async def write_data(read: Read, name: str, out: Out, tsv_sha256: str) -> None:
    """The tag file `ID.json`: as `write_json`, but without the files, which are in `ID.tsv`. ASCII only.

    `list_sha256` is the SHA-256 of `ID.tsv`. There is no `receipt_sha256`, because the receipt's text contains the
    digest of this file.
    """
    found = await heading(read, name)
    members = {"receipt": 1, **_members(found.head), **await _noteworthy(read, found)}
    del members["receipt_sha256"]
    out(json.dumps(members | {"list": f"{members['id']}.tsv", "list_sha256": tsv_sha256}, indent=1))
    out("\n")


async def _noteworthy(read: Read, found: ReceiptHead) -> dict[str, Any]:
    """What is archived, but may need a person's attention.

    `unopenable`: photos and films that cannot be opened, and why. `differing`: files that differ from what an
    earlier import read under the same path, size and time: when that import began, the path in the archive and the
    digests of what it read. `otherwise`: the verdict, and its reason, that holds once a person accepts the
    differences; null where there is nothing to accept. The remaining members are about checksum lists on the
    source (core.receipts.checksum_lists).
    """
    broken = await unopenable.of_import(read, found.import_id)
    others = await differing.of_import(read, found.import_id)
    ((word, reason),) = await read(
        "SELECT otherwise, otherwise_reason FROM import WHERE id = ?", (found.import_id,)
    )
    return {
        "unopenable": [{"path": encode(path), "why": why} for path, why in broken],
        "differing": [
            one._asdict() | {"path": encode(one.path), "imported": stamp(one.imported, found.zone)}
            for one in others
        ],
        "otherwise": {"verdict": word, "reason": reason} if word else None,
        **checksum_lists.members(await checksum_lists.of_import(read, found.import_id)),
    }


def _fields(row: ReceiptRow) -> tuple[str, ...]:
    return (
        encode(row.path),
        str(row.size),
        str(row.mtime_ns),
        stamp_ns(row.mtime_ns),
        display(row.kind),
        row.xxh128,
        row.sha256,
        display(row.payload),
        DATA_WORDS[row.outcome],
        display(row.level),
        "" if row.read_back is None else stamp(row.read_back),
        display(row.reason),
        row.stage,
        row.side,
        str(row.code or ""),
        display(row.detail),
        row.sort,
        encode(row.target),
        "yes" if row.unkept else "",
        row.lists,
    )


def _file(row: ReceiptRow) -> dict[str, Any]:
    return {
        "outcome": DATA_WORDS[row.outcome],
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
        "stage": row.stage,
        "side": row.side,
        "code": row.code,
        "detail": row.detail,
        "sort": row.sort,
        "target": encode(row.target),
        "unkept": row.unkept,
        "lists": row.lists,
    }


def _members(head: Head) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(head, builtin_types=(bytes,))
    return {name: encode(value) if isinstance(value, bytes) else value for name, value in members.items()}
