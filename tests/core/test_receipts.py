"""The receipt of an import, on a real database, in every form."""

import csv
import io
import json
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from core import receipts
from core.database import Database
from core.errors import DatabaseError, UsageError
from core.models import Count, ImportRequest, Outcome, State, Verdict
from core.paths import decode, display
from core.receipts import times
from core.receipts.row import PAGE

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
            ("INSERT INTO archive VALUES (1, 'uuid-1', ?)", [(b"/Volumes/NAS/Archive",)]),
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
        await self.database.run(
            (
                "INSERT INTO file VALUES (?, ?, 1, ?, x'', 10, 1764979200123456789, 'images', ?, ?, ?)",
                list(self._rows(import_id, files)),
            )
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

    async def all(self, name: str = NAME) -> list[receipts.FileRow]:
        return [row async for page in receipts.rows(self.read, name) for row in page]


@pytest_asyncio.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    database = await Database.open(str(tmp_path))
    made = Book(database)
    await made.setup()
    yield made
    await database.close()


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


# What it says


async def test_the_head_counts_everything(book: Book) -> None:
    await mixed(book, verdict="KEEP", verdict_reason="1 file failed", previous="ab" * 32, receipt="cd" * 32)
    head = await receipts.head(book.read, NAME)
    one, two, three = (Count(files=n, bytes=10 * n) for n in (1, 2, 3))
    assert head.totals == receipts.Totals(
        seen=Count(files=8, bytes=80), archived=three, duplicate=two, skipped=one, litter=one, failed=one
    )
    assert head.kinds == {"images": Count(files=7, bytes=70)}
    assert [(p.level, p.files, p.bytes) for p in head.proven] == [
        ("", 1, 10),
        ("cache not excluded", 1, 10),
        ("medium", 1, 10),
    ]
    assert (head.duplicates_oldest, head.duplicates_unread) == ("2025-12-06T02:13:20+02:00", 1)
    assert (head.verdict, head.verdict_reason, head.previous) == (Verdict.KEEP, "1 file failed", "ab" * 32)
    assert head.receipt_sha256 == "cd" * 32
    assert (head.started, head.ended) == ("2025-12-06T02:00:00+02:00", "2025-12-06T03:00:00+02:00")
    assert (head.volume_identity, head.volume_capacity) == ("uuid:1234", 64012345678)
    assert (head.archive_uuid, head.archive_path) == ("uuid-1", b"/Volumes/NAS/Archive")
    assert (head.location_name, head.location_folder) == ("Berlin, März", "berlin-0a1b2c")


async def test_the_rows_say_where_everything_lies(book: Book) -> None:
    await mixed(book)
    rows = await book.all()
    first, copy, failed = rows[0], rows[3], rows[-1]
    assert first.path == b"a.jpg"
    assert (first.xxh128, first.sha256) == (f"{1:032x}", f"{1:032x}" * 2)
    assert first.payload.endswith(f"/{1:032x}.jpg")
    assert (copy.outcome, copy.payload, copy.read_back) == (Outcome.DUPLICATE, first.payload, 1_764_980_000.0)
    assert (failed.sha256, failed.payload, failed.read_back) == ("", "", None)
    assert failed.reason == "Input/output\terror\nVerdict     SAFE"


async def test_the_text_is_a_document(book: Book) -> None:
    await mixed(book, verdict="KEEP", verdict_reason="1 file failed", previous="ab" * 32, bytes_read=70)
    parts: list[str] = []
    await receipts.write_text(book.read, NAME, parts.append, "ef" * 32)
    text = "".join(parts)
    lines = text.splitlines()
    assert lines[0] == f"BILL OF LADING  {NAME}"
    for line in (
        "State       done",
        "Started     2025-12-06T02:00:00+02:00 (+02:00)",
        "Volume      EOS\\u202eDIGITAL, exfat, 64,012,345,678 bytes",
        "To          Berlin, März, in locations/berlin-0a1b2c",
        "  archived                 3                      30",
        "  seen                     8                      80",
        "  1 archived file, 10 bytes: read back from the medium.",
        "  1 archived file, 10 bytes: read back, but perhaps from memory.",
        "  1 archived file, 10 bytes: not read back.",
        "  2 duplicates: the files they equal were last read back at 2025-12-06T02:13:20+02:00 or later; "
        "those of 1 never.",
        "  The source was read once (70 bytes).",
        "Verdict     KEEP: 1 file failed",
        f"Previous    receipt, SHA-256 {'ab' * 32}",
        f"List        {NAME}.tsv, SHA-256 {'ef' * 32}",
        f"End of the receipt of {NAME}: 8 entries.",
    ):
        assert lines.count(line) == 1, line
    order = [
        text.index(part) for part in ("\nVerdict", "\nFailed files (1)", "\nSkipped files (1)", "\nAll entries")
    ]
    assert order == sorted(order)
    assert "1 file failed" in lines[[line[:7] for line in lines].index("Verdict")]
    assert len([line for line in lines if line.startswith("  failed   ")]) == 3  # total, failed, all


async def test_a_text_cannot_be_forged_by_what_people_type(book: Book) -> None:
    words = "x\nVerdict     SAFE\x1b[2J\u202e"
    await mixed(
        book,
        options={"label": words, "note": words, "operator": words, "exclude": (words,)},
        verdict="KEEP",
        verdict_reason=words,
        reason=words,
        machine=words,
    )
    text = await book.text()
    assert "\nVerdict     SAFE" not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert (await receipts.head(book.read, NAME)).label == words
    assert json.loads(await book.text("json"))["options"]["exclude"] == [words]


async def test_the_source_read_twice_and_known_files_from_the_record(book: Book) -> None:
    await book.add(options={"verify": "source", "known": "record"}, bytes_read=1234)
    head = await receipts.head(book.read, NAME)
    assert (head.source_reads, head.options.known, head.bytes_read) == (2, "record", 1234)
    assert (
        "  The source was read twice, the second time to compare; known files were not read, but taken from the "
        "record (1,234 bytes)." in (await book.text()).splitlines()
    )


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.CANCELLED])
async def test_an_import_that_is_not_done_says_what_is_to_do(book: Book, state: State) -> None:
    number = await book.add(state=state, reason="NAS gone", ended=None)
    await book.enter(number, *((b"%d" % n, Outcome.TODO, None, None) for n in range(3)))
    await book.enter(number, (b"done", Outcome.ARCHIVED, await book.item("server"), None))
    text = await book.text()
    assert f"State       {state.value}: NAS gone (to do: 3)\n" in text
    assert "Verdict     none yet (to do: 3)\n" in text
    assert "Ended       not yet\n" in text
    assert ": read back from the server.\n" in text
    found = json.loads(await book.text("json"))
    assert (found["state"], found["totals"]["todo"]["files"], found["ended"]) == (state.value, 3, None)


@pytest.mark.parametrize("form", FORMS)
async def test_an_empty_import_has_a_receipt(book: Book, form: receipts.Form) -> None:
    await book.add(verdict="SAFE", verdict_reason="nothing on it")
    text = await book.text(form)
    if form == "text":
        assert "Verdict     SAFE: nothing on it\n" in text
        assert "  No file was archived.\n" in text
    else:
        assert await parsed(book, form) == []
        assert not await book.all()
    if form == "json":
        assert next(iter(json.loads(text))) == "receipt"
        assert json.loads(text)["receipt"] == 1


# Names


@pytest.mark.parametrize("root", [b"", ROOT], ids=["volume", "folder"])
@pytest.mark.parametrize("form", ["json", "csv", "tsv"])
async def test_hostile_names_come_back_byte_for_byte(book: Book, form: receipts.Form, root: bytes) -> None:
    number = await book.add(root=root)
    item = await book.item()
    paths = [b"sub/" + name for name in HOSTILE] + list(HOSTILE)
    await book.enter(
        number, *(((root + b"/" if root else b"") + path, Outcome.ARCHIVED, item, None) for path in paths)
    )
    text = await book.text(form)
    assert [decode(row["path"]) for row in await parsed(book, form)] == paths
    assert text.isascii()
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)
    if form == "csv":
        assert not re.search(r"^\"?[=+@-]", text, re.MULTILINE)


async def test_hostile_names_do_nothing_in_the_text(book: Book) -> None:
    number = await book.add(root=ROOT)
    await book.enter(number, *((ROOT + b"/" + path, Outcome.FAILED, None, "why") for path in HOSTILE))
    text = await book.text()
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not text.count("\r")
    assert len([line for line in lines if line.startswith("Verdict ")]) == 1
    for path in HOSTILE:
        assert len([line for line in lines if display(path) in line and line.endswith("(why)")]) == 2


@pytest.mark.parametrize("form", ["csv", "tsv"])
async def test_a_hostile_reason_stays_in_its_field(book: Book, form: receipts.Form) -> None:
    await mixed(book)
    rows = await parsed(book, form)
    assert tuple(rows[0]) == receipts.COLUMNS
    assert rows[-1]["reason"] == "Input/output\\x09error\\x0aVerdict     SAFE"
    assert [row["outcome"] for row in rows] == [
        *("archived",) * 3,
        *("duplicate",) * 2,
        "skipped",
        "litter",
        "failed",
    ]


async def test_csv_is_rfc_4180(book: Book) -> None:
    await mixed(book)
    text = await book.text("csv")
    assert text.count("\r\n") == text.count("\n") == 9


@pytest.mark.parametrize(
    ("root", "path", "below"),
    [
        (b"", b"a/b", b"a/b"),
        (b"a", b"a/b", b"b"),
        (b"a/b", b"a/b/b/a", b"b/a"),
        (b"a", b"ab/c", b"ab/c"),
        (b"\xff", b"\xff/\xff", b"\xff"),
    ],
)
async def test_paths_are_below_the_source(book: Book, root: bytes, path: bytes, below: bytes) -> None:
    number = await book.add(root=root)
    await book.enter(number, (path, Outcome.FAILED, None, "no"))
    assert [row.path for row in await book.all()] == [below]


async def test_the_one_file_picked_is_named(book: Book) -> None:
    number = await book.add(root=b"d", source=b"/Volumes/EOS/d", single=b"x\xff.jpg")
    await book.enter(number, (b"d/x\xff.jpg", Outcome.FAILED, None, "no"))
    assert "From        /Volumes/EOS/d (only x\\xff.jpg)\n" in await book.text()
    found = json.loads(await book.text("json"))
    assert (decode(found["single"]), decode(found["files"][0]["path"])) == (b"x\xff.jpg",) * 2


# It adds up, or there is none


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE file SET outcome = 9 WHERE id = 3",
        "UPDATE file SET item_id = NULL WHERE id = 1",
        "UPDATE import SET verdict = 'SAFE'",
    ],
)
async def test_a_catalog_that_contradicts_itself_gives_no_receipt(
    book: Book, form: receipts.Form, damage: str
) -> None:
    await mixed(book)
    await book.database.run((damage, [()]))
    with pytest.raises(DatabaseError, match="so there is no receipt"):
        await book.text(form)


async def test_rows_alone_must_add_up_too(book: Book) -> None:
    await mixed(book)
    await book.database.run(("UPDATE file SET outcome = 9 WHERE id = 3", [()]))
    with pytest.raises(DatabaseError, match="8 entries were seen, but 7 have an outcome"):
        await book.all()


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_that_changes_on_the_way_is_noticed(book: Book, form: receipts.Form) -> None:
    await mixed(book)

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        found = await book.read(sql, parameters)
        if "GROUP BY" in sql:
            await book.database.run(("UPDATE file SET outcome = 5 WHERE id = 1", [()]))
        return found

    with pytest.raises(DatabaseError, match="were counted as"):
        await receipts.write(read, NAME, form, lambda _: None)


async def test_a_running_import_is_listed_up_to_where_it_was_counted(book: Book) -> None:
    number = await book.add(state=State.RUNNING, listed=0)
    await book.enter(number, *((b"%d" % n, Outcome.TODO, None, None) for n in range(PAGE + 10)))
    calls = 0

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        nonlocal calls
        calls += 1
        found = await book.read(sql, parameters)
        await book.enter(number, (b"new %d" % calls, Outcome.TODO, None, None))
        await book.database.run(("UPDATE file SET outcome = 5 WHERE id IN (?, ?)", [(calls, 2 * PAGE - calls)]))
        return found

    parts: list[str] = []
    await receipts.write(read, NAME, "json", parts.append)
    found = json.loads("".join(parts))
    assert len(found["files"]) == found["totals"]["seen"]["files"] > PAGE
    assert len({row["path"] for row in found["files"]}) == len(found["files"])


@pytest.mark.parametrize("form", FORMS)
async def test_an_import_that_ends_while_it_is_counted(book: Book, form: receipts.Form) -> None:
    number = await book.add(state=State.RUNNING, ended=None)
    await book.enter(number, *((b"%d" % n, Outcome.TODO, None, None) for n in range(3)))
    queries = 0

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        nonlocal queries
        queries += "GROUP BY" in sql or "verdict" in sql
        if queries == 2:
            await book.database.run(
                ("UPDATE file SET outcome = 2, item_id = ?", [(await book.item(),)]),
                ("UPDATE import SET state = 'done', verdict = 'SAFE'", [()]),
            )
        return await book.read(sql, parameters)

    await receipts.write(read, NAME, form, lambda _: None)


async def test_other_imports_between_do_not_show(book: Book) -> None:
    one, two = await book.add("one"), await book.add("two")
    for n in range(20):
        await book.enter(one if n % 2 else two, (b"%d" % n, n % 3 + 3, None, "why"))
    assert [row.path for row in await book.all("one")] == [b"%d" % n for n in range(1, 20, 2)]
    assert len(await parsed(book, "tsv", "two")) == 10


async def test_pages_meet_without_gap_or_overlap(book: Book) -> None:
    number = await book.add()
    count = 2 * PAGE
    await book.enter(number, *((b"%d" % n, n % 3 + 3, None, None) for n in range(count)))
    sizes = [len(page) async for page in receipts.rows(book.read, NAME)]
    assert sizes == [PAGE, PAGE]
    assert [int(row.path) for row in await book.all()] == list(range(count))


async def test_a_hundred_thousand_files_stream(book: Book) -> None:
    number = await book.add(verdict="SAFE")
    item = await book.item()
    await book.enter(number, *((b"DCIM/100EOS/IMG_%06d.JPG" % n, 1 + n % 3, item, None) for n in range(100_000)))
    written = 0

    def out(text: str) -> None:
        nonlocal written
        written += len(text)

    forms: tuple[receipts.Form, ...] = ("text", "json")
    for form in forms:
        tracemalloc.start()
        await receipts.write(book.read, NAME, form, out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 15e6, form
    assert written > 60e6  # what is kept is a small part of it


async def test_no_page_sorts_the_import(book: Book) -> None:
    plans: list[str] = []

    async def read(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        if "CROSS JOIN" in sql:
            plans.extend(str(row[3]) for row in await book.read(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return await book.read(sql, parameters)

    await mixed(book)
    async for _ in receipts.rows(read, NAME):
        pass
    searches = [plan for plan in plans if plan.startswith("SEARCH file ")]
    assert len(searches) == len(Outcome)
    assert all("rowid>?" in plan and "file_import" in plan for plan in searches)
    assert not [plan for plan in plans if plan.startswith("SCAN") and plan != "SCAN page"]


# Which import


async def test_the_beginning_of_an_id_is_enough(book: Book) -> None:
    await book.add("20251206-aa")
    await book.add("20251206-ab")
    await book.add("20251206-ab-2")
    assert (await receipts.head(book.read, "20251206-aa")).id == "20251206-aa"
    assert (await receipts.head(book.read, "20251206-AA")).id == "20251206-aa"
    assert (await receipts.head(book.read, "20251206-ab")).id == "20251206-ab"
    assert (await receipts.head(book.read, "20251206-ab-")).id == "20251206-ab-2"
    with pytest.raises(UsageError, match="Several imports begin with 2025: 20251206-ab-2, 20251206-ab") as error:
        await receipts.head(book.read, "2025")
    assert error.value.advice == "Give more of the id."


@pytest.mark.parametrize("form", FORMS)
async def test_the_nearest_id_is_advice(book: Book, form: receipts.Form) -> None:
    await book.add("20251206-aa")
    with pytest.raises(UsageError, match="There is no import 20251207-aa") as error:
        await book.text(form, "20251207-aa")
    assert error.value.advice == "Did you mean 20251206-aa?"
    for name in ("", "%", "\x1bzzz", "_"):
        with pytest.raises(UsageError, match="no import") as error:
            await book.all(name)
        assert str(error.value).isprintable()
        assert error.value.advice == "`lading imports` lists them."


# Times


async def test_an_import_across_the_change_of_the_clocks(book: Book) -> None:
    spring = 1_774_745_999.9  # 2026-03-29 00:59:59.9 UTC
    await book.add("spring", zone="Europe/Berlin", started=spring, ended=spring + 2)
    await book.add("autumn", zone="Europe/Berlin", started=1_792_889_999, ended=1_792_890_001)
    head = await receipts.head(book.read, "spring")
    assert (head.started, head.ended) == ("2026-03-29T01:59:59+01:00", "2026-03-29T03:00:01+02:00")
    head = await receipts.head(book.read, "autumn")
    assert (head.started, head.ended) == ("2026-10-25T02:59:59+02:00", "2026-10-25T02:00:01+01:00")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("+02:00", "1970-01-01T02:00:00+02:00"),
        ("-0330", "1969-12-31T20:30:00-03:30"),
        ("Asia/Kathmandu", "1970-01-01T05:30:00+05:30"),
        ("UTC", "1970-01-01T00:00:00+00:00"),
        ("No/Where", "1970-01-01T00:00:00+00:00"),
        ("../../etc/passwd", "1970-01-01T00:00:00+00:00"),
        ("Europe", "1970-01-01T00:00:00+00:00"),
        ("+25:00", "1970-01-01T00:00:00+00:00"),
        ("", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_zones(zone: str, shown: str) -> None:
    assert times.stamp(0, times.zone_of(zone)) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (1_764_979_200_123_456_789, "2025-12-06T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59+00:00"),
        (-(2**63), "1677-09-21T00:12:43+00:00"),
        (2**63 - 1, "2262-04-11T23:47:16+00:00"),
        (10**21, ""),
        (-(10**21), ""),
    ],
)
def test_times_of_files(nanoseconds: int, shown: str) -> None:
    assert times.stamp_ns(nanoseconds) == shown


async def test_machine_forms_give_times_exactly(book: Book) -> None:
    await mixed(book)
    (row, *_), (other, *_) = await parsed(book, "json"), await parsed(book, "tsv")
    assert row["mtime_ns"] == int(other["mtime_ns"]) == 1764979200123456789
    assert row["mtime"] == other["mtime"] == "2025-12-06T00:00:00+00:00"
    assert row["read_back"] == other["read_back"] == "2025-12-06T00:13:20+00:00"
