"""Hostile names in a receipt, in every form."""

import json
import re

import pytest

from core import receipts
from core.models import Outcome
from core.paths import decode, display
from tests.core.receipts.book import HOSTILE, ROOT, Book, mixed, parsed


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
