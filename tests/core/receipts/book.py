"""A catalog to write imports into, and receipts read back as programs read them."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from core import receipts
from core.catalog.files import NAME as NAMED
from core.database import Database
from core.models import ImportRequest, Outcome, State

NAME = "20251206-090000-a1b2c3"
FORMS: tuple[receipts.Form, ...] = ("text", "json", "csv", "tsv")
HOSTILE = (
    b"new\nline.jpg",
    b"Verdict     SAFE\nVerdict     SAFE: forged",
    b"car\rriage\r\nreturn",
    b"a\ttab\tand\ttab",
    b"\x1b]0;owned\x07\x1b[2J.jpg",
    b"not utf-8 \xff\xfe\xc3(",
    "bidi \u202egpj.exe\u2066".encode(),
    "line\u2028para\u2029next\u0085".encode(),
    b"percent %0A %",
    b'quote " comma , semi ; "" end"',
    b"=HYPERLINK(1)",
    b"-leading/@at/+plus",
    b"@SUM(A1)",
    b" spaces ",
    "nfc \u00e9 nfd e\u0301".encode(),
    b"[/red] markup",
    b"\x7f\x01\x9b31m",
)
ROOT = "DC\nIM/100 \u00c4".encode()


class Book:
    """A catalog with one archive, to write imports into."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.read = database.read
        self.imports = self.files = self.items = 0

    async def setup(self) -> None:
        await self.database.run(
            ("INSERT INTO archive (id, uuid, path) VALUES (1, 'uuid-1', ?)", [(b"/Volumes/NAS/Archive",)]),
            ("INSERT INTO volume VALUES (1, 'uuid:1234', 'EOS\u202eDIGITAL', 'exfat', 64012345678)", [()]),
            (
                "INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'berlin-0a1b2c', ?)",
                [("Berlin, M\u00e4rz",)],
            ),
        )

    async def add(self, name: str = NAME, options: dict[str, Any] | None = None, **columns: object) -> int:
        self.imports += 1
        request = ImportRequest(source="/s", archive="/a", location="Berlin", **(options or {}))
        values: dict[str, object] = {
            "id": self.imports,
            "name": name,
            "archive_id": 1,
            "location_id": 1,
            "volume_id": 1,
            "root": b"",
            "source": b"/Volumes/EOS",
            "single": b"",
            "options": msgspec.json.encode(request).decode(),
            "machine": "studio",
            "version": "0.1.0",
            "state": State.DONE,
            "listed": 1,
            "started": 1_764_979_200.25,
            "ended": 1_764_982_800.0,
            "zone": "+02:00",
            "runs": 1,
            **columns,
        }
        sql = f"INSERT INTO import ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608
        await self.database.run((sql, [tuple(values.values())]))
        return self.imports

    async def item(self, level: str = "medium", read_back: float | None = 1_764_980_000.0, size: int = 10) -> int:
        self.items += 1
        digest = self.items.to_bytes(16, "big")
        path = f"locations/berlin-0a1b2c/data/images/{digest.hex()[:2]}/{digest.hex()}.jpg"
        row = (self.items, 1, 1, digest, digest * 2, size, "images", path, level, read_back)
        await self.database.run((f"INSERT INTO item VALUES ({', '.join('?' * 10)}, NULL)", [row]))  # noqa: S608
        return self.items

    async def enter(self, import_id: int, *files: tuple[bytes, int, int | None, str | None]) -> None:
        """Files as (path, outcome, item, reason), 10 bytes each."""
        before = self.files
        await self.database.run(
            (
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason) VALUES (?, ?, 1, ?, x'', 10, 1764979200123456789, 'images', ?, ?, ?)",
                list(self._rows(import_id, files)),
            ),
            (NAMED, [(json.dumps(list(range(before + 1, before + 1 + len(files)))),)]),
        )

    def _rows(
        self, import_id: int, files: Iterable[tuple[bytes, int, int | None, str | None]]
    ) -> Iterable[tuple[object, ...]]:
        for path, outcome, item, reason in files:
            self.files += 1
            yield self.files, import_id, path, outcome, item, reason

    async def text(self, form: receipts.Form = "text", name: str = NAME) -> str:
        parts: list[str] = []
        await receipts.write(self.read, name, form, parts.append)
        return "".join(parts)

    async def all(self, name: str = NAME) -> list[receipts.ReceiptRow]:
        return [row async for page in receipts.rows(self.read, name) for row in page]


async def mixed(book: Book, **columns: object) -> None:
    """One import with every outcome but to do."""
    number = await book.add(**columns)  # type: ignore[arg-type]
    item, other, unread = await book.item(), await book.item("cache not excluded"), await book.item("", None)
    await book.enter(
        number,
        (b"a.jpg", Outcome.ARCHIVED, item, None),
        (b"b.jpg", Outcome.ARCHIVED, other, None),
        (b"c.jpg", Outcome.ARCHIVED, unread, None),
        (b"copy of a.jpg", Outcome.DUPLICATE, item, None),
        (b"copy of c.jpg", Outcome.DUPLICATE, unread, None),
        (b"pipe", Outcome.SKIPPED, None, "not a regular file"),
        (b".DS_Store", Outcome.LITTER, None, "litter"),
        (b"bad.jpg", Outcome.FAILED, None, "Input/output\terror\nVerdict     SAFE"),
    )


def tsv(text: str) -> list[dict[str, str]]:
    first, *lines, end = text.split("\n")
    assert end == ""
    names = first.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


async def parsed(book: Book, form: receipts.Form, name: str = NAME) -> list[dict[str, Any]]:
    """The files of a machine form, as a program reads them."""
    text = await book.text(form, name)
    if form == "json":
        files: list[dict[str, Any]] = json.loads(text)["files"]
        return files
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True)) if form == "csv" else tsv(text)
