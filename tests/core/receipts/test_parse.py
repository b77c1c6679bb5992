"""What is read back from receipts: from the data of new ones, and from the text of those of each old release."""

from datetime import datetime
from pathlib import Path

import pytest

from core import receipts
from core.models import ImportRequest
from core.receipts import parse, parse_old_text
from tests.core.receipts.book import HOSTILE, NAME, Book, mixed

WRITTEN = Path(__file__).parent / "written"
"""A receipt as each release wrote it that had no `ID.json`: a folder for each, by its commit."""

OLD = {
    "d9fee47": parse.Recalled(
        name="20261128-234131-fb3edd65",
        location="Basel",
        volume=("dev:/dev/vda:ext4:274877906944", "/", "ext4", 270_553_174_016),
        values={
            "root": b"srv/lading/card",
            "source": b"/srv/lading/card",
            "single": b"",
            "request": ImportRequest(
                source="/srv/lading/card",
                archive="/new/place",
                location="Basel",
                label="A001, day 1",
                operator="Ada",
                note="a note: (only one)",
                known="record",
                duplicates="location",
                exclude=("*.tmp", "*.bak"),
                libraries=True,
            ),
            "machine": "studio (0123456789abcdef0123456789abcdef)",
            "version": "0.1.0",
            "state": "done",
            "listed": 1,
            "started": datetime.fromisoformat("2026-11-28T23:41:31+00:00").timestamp(),
            "ended": datetime.fromisoformat("2026-11-28T23:41:31+00:00").timestamp(),
            "zone": "+00:00",
            "verdict": "KEEP",
            "verdict_reason": "3 left out (such as left out.tmp)",
            "previous": "",
            "bytes_read": 4_116,
        },
        tsv_sha256="635447a74895054a115ddc4b083fd1b8615fea66d17234b3cc25dd3f2f3b3b54",
    )
}


def test_every_release_has_its_receipt() -> None:
    assert {path.name for path in WRITTEN.iterdir()} == set(OLD)


@pytest.mark.parametrize("release", OLD)
def test_the_text_of_an_old_receipt_is_read_as_ever(release: str) -> None:
    found = parse_old_text.of_text((WRITTEN / release / "receipt.txt").read_text(), "/new/place")
    assert found == OLD[release]


async def _written(book: Book) -> tuple[bytes, str]:
    """The data of an import's receipt, and its text."""
    data: list[str] = []
    text: list[str] = []
    await receipts.write_data(book.read, NAME, data.append, "ab" * 32)
    await receipts.write_text(book.read, NAME, text.append, "ab" * 32, "cd" * 32)
    return "".join(data).encode("ascii"), "".join(text)


@pytest.mark.promise(43)
@pytest.mark.parametrize("name", HOSTILE)
async def test_data_is_read_back_without_any_loss(book: Book, name: bytes) -> None:
    shown = name.decode(errors="replace")
    options = {"label": shown, "operator": shown, "note": f"{shown}, only (this)", "exclude": ("*.a, b", "c")}
    await mixed(book, options=options, source=b"/m/" + name, root=name, single=name, verdict_reason=shown)
    found = parse.of_json((await _written(book))[0], "/new/place")
    values, request = found.values, found.values["request"]
    assert (values["source"], values["root"], values["single"]) == (b"/m/" + name, name, name)
    assert (request.label, request.operator, request.note) == (shown, shown, f"{shown}, only (this)")
    assert (request.exclude, values["verdict_reason"], request.archive) == (("*.a, b", "c"), shown, "/new/place")
    assert request.source.encode(errors="surrogateescape") == b"/m/" + name + b"/" + name
    assert found.volume == ("uuid:1234", "EOS\u202eDIGITAL", "exfat", 64_012_345_678)
    assert (found.name, found.location, found.tsv_sha256) == (NAME, "Berlin, M\u00e4rz", "ab" * 32)


@pytest.mark.control(43)
async def test_control_the_text_loses_what_is_not_plain(book: Book) -> None:
    await mixed(book, source=b"/m/\xff", root=b"\xff", verdict="KEEP")
    data, text = await _written(book)
    assert parse.of_json(data, "/a").values["source"] == b"/m/\xff"
    assert parse_old_text.of_text(text, "/a").values["source"] != b"/m/\xff"


DATA = Path(__file__).parent / "data"
"""The data of a receipt as each form of it was written; a new member makes a new one, and none is changed."""


async def doubtful(book: Book) -> None:
    """An import of which one file differs from an earlier one, and another one cannot be opened."""
    await mixed(
        book, verdict="KEEP", otherwise="SAFE", otherwise_reason="why", accepted=1_764_990_000.0, accepted_by="Ada"
    )
    await book.database.run(
        ("INSERT INTO differing (file_id, item_id, imported) VALUES (2, 3, 1764970000.5)", [()]),
        ("INSERT INTO unopenable (item_id, queue, why) VALUES (1, 'thumbnail', 'it is cut off')", [()]),
        (
            "INSERT INTO checksum_list (id, import_id, path, judged) VALUES (1, 1, CAST('card.md5' AS BLOB), 1)",
            [()],
        ),
        (
            "INSERT INTO listed (import_id, key, list_id, algorithm, digest, path, found, file_id) "
            "VALUES (1, CAST(?1 AS BLOB), 1, 'md5', x'0a', CAST(?1 AS BLOB), ?2, ?3)",
            [("a", b"\n", 1), ("b", b"\x0b", 2), ("gone", None, None)],
        ),
    )


async def test_data_is_written_in_its_newest_form(book: Book) -> None:
    await doubtful(book)
    assert (await _written(book))[0] == max(DATA.iterdir()).read_bytes()


@pytest.mark.parametrize("form", sorted(path.name for path in DATA.iterdir()))
def test_data_of_each_form_is_read_back(form: str) -> None:
    found = parse.of_json((DATA / form).read_bytes(), "/new/place")
    assert (found.name, found.values["verdict"], found.tsv_sha256) == (NAME, "KEEP", "ab" * 32)
    assert found.accepted == (1_764_990_000.0, "Ada")
    if form == "1.json":  # without what differs
        assert (found.differing, found.values["otherwise"]) == ({}, "")
        return
    digest = f"{3:032x}"
    assert found.differing == {"b.jpg": {"xxh128": digest, "sha256": digest * 2, "imported": 1_764_970_000.0}}
    assert (found.values["otherwise"], found.values["otherwise_reason"]) == ("SAFE", "why")


async def test_the_text_lists_the_data_by_its_digest(book: Book) -> None:
    await mixed(book)
    text = (await _written(book))[1]
    assert f"\nData        {NAME}.json, SHA-256 {'cd' * 32}\n" in text


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}', b"null"])
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a receipt"):
        parse.of_json(data, "/a")


async def test_what_has_not_ended_is_refused(book: Book) -> None:
    await mixed(book, state="paused")
    with pytest.raises(ValueError, match="not ended"):
        parse.of_json((await _written(book))[0], "/a")
