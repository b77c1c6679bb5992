"""What a receipt says, on a real database, in every form."""

import json

import pytest

from core import receipts
from core.models import Count, Outcome, State, Verdict
from core.receipts import summary
from core.receipts.files import LEVEL_SQL
from tests.core.receipts.book import FORMS, NAME, Book, mixed, parsed


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
        "record, and parts of some compared (1,234 bytes)." in (await book.text()).splitlines()
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


@pytest.mark.promise(25)
async def test_what_was_found_damaged_is_not_proven(book: Book) -> None:
    await mixed(book)
    await book.database.run(("UPDATE item SET damage = 'its content is not what was archived' WHERE id = 1", [()]))
    head = await receipts.head(book.read, NAME)
    assert [(p.level, p.files) for p in head.proven] == [("", 1), ("cache not excluded", 1), ("damaged", 1)]
    assert (head.duplicates_oldest, head.duplicates_unread, head.duplicates_damaged) == (None, 1, 1)
    text = await book.text()
    assert "  1 archived file, 10 bytes: found damaged when it was read again: not to be relied on.\n" in text
    assert "2 duplicates: of the files they equal 1 was found damaged, no other was read back.\n" in text
    assert "read back from the medium" not in text
    assert [row["level"] for row in await parsed(book, "tsv")][:3] == ["damaged", "cache not excluded", ""]


@pytest.mark.control(25)
async def test_control_it_would_be_called_read_back(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    await mixed(book)
    await book.database.run(("UPDATE item SET damage = 'its content is not what was archived' WHERE id = 1", [()]))
    monkeypatch.setattr(summary, "_GROUPS", summary._GROUPS.replace(LEVEL_SQL, "i.level"))
    assert "1 archived file, 10 bytes: read back from the medium" in await book.text()
