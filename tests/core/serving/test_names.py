"""Folders of original names."""

import time

import pytest

from core.database import Database
from core.errors import ArchiveError
from core.models import Outcome
from core.paths import relative
from core.schema import DATABASE_FILE
from core.serving.names import FRESH, SHARE, ServedFile, ServedFolder, ServedNames, name_of
from tests.core.receipts.book import HOSTILE, Book
from tests.core.receipts.conftest import book

__all__ = ["book"]


def names(book: Book) -> ServedNames:
    return ServedNames(f"{home(book.database)}/{DATABASE_FILE}", "uuid-1")


def home(database: Database) -> str:
    return database.home


def listing(found: ServedNames, *parts: str) -> list[str]:
    folder = found.find(parts)
    assert isinstance(folder, ServedFolder), parts
    return list(folder.members)


def payload(found: ServedNames, *parts: str) -> bytes:
    file = found.find(parts)
    assert isinstance(file, ServedFile), parts
    return file.payload.xxh128


async def test_all_four_ways(book: Book) -> None:
    number = await book.add(options={"label": "A001"}, root=b"card")
    item = await book.item()
    await book.enter(number, (b"card/DCIM/100/a.jpg", Outcome.ARCHIVED, item, None))
    await book.database.run(
        ("INSERT INTO folder VALUES (?, ?, ?)", [(number, b"DCIM", 5 * 10**9), (number, b"MISC", 7 * 10**9)]),
        (
            "INSERT INTO metadata (item_id, captured_local, camera, raw) VALUES (?, ?, ?, x'')",
            [(item, "2025-12-06T09:00:00", "Canon/R5")],
        ),
    )
    found = names(book)
    assert listing(found) == ["by card", "by date", "by location", "by camera"]
    assert listing(found, "by card") == ["A001"]
    assert listing(found, "by card", "A001") == ["DCIM", "MISC"]
    assert listing(found, "by location", "Berlin, M\u00e4rz") == ["A001"]
    assert listing(found, "by date", "2025") == ["2025-12-06"]
    assert listing(found, "by camera") == ["Canon%2FR5"]
    digest = item.to_bytes(16, "big")
    for parts in (
        ("by card", "A001", "DCIM", "100", "a.jpg"),
        ("by location", "Berlin, M\u00e4rz", "A001", "DCIM", "100", "a.jpg"),
        ("by date", "2025", "2025-12-06", "a.jpg"),
        ("by camera", "Canon%2FR5", "2025-12-06", "a.jpg"),
    ):
        assert payload(found, *parts) == digest
        assert found.find((*parts, "x")) is None
        assert found.find((*parts[:-1], "b.jpg")) is None
    misc = found.find(("by card", "A001", "MISC"))
    assert isinstance(misc, ServedFolder)
    assert misc.mtime == 7.0
    assert found.find(("elsewhere",)) is None
    assert found.find(("by card", "B002")) is None


async def test_what_has_one_name_is_all_there(book: Book) -> None:
    older, newer = await book.add("1", {"label": "A"}), await book.add("2", {"label": "A"})
    one, two = await book.item(), await book.item()
    await book.enter(older, (b"a.jpg", Outcome.ARCHIVED, one, None))
    await book.enter(newer, (b"a.jpg", Outcome.ARCHIVED, two, None), (b"x/a.jpg", Outcome.DUPLICATE, one, None))
    await book.enter(newer, (b"b.jpg", Outcome.FAILED, None, "no"), (b"c.jpg", Outcome.LITTER, None, "no"))
    found = names(book)
    assert listing(found, "by card", "A") == ["a.jpg", "x", "a-2.jpg"]
    assert payload(found, "by card", "A", "a.jpg") == two.to_bytes(16, "big"), "the newest has the name"
    (year,) = listing(found, "by date")
    (day,) = listing(found, "by date", year)
    assert sorted(listing(found, "by date", year, day)) == ["a-2.jpg", "a.jpg"], "each content once"


async def test_cards_of_one_name_are_told_apart(book: Book) -> None:
    for number, root in enumerate((b"one", b"two")):
        id = await book.add(str(number), {"label": "A"}, root=root)
        await book.enter(id, (root + b"/%d.jpg" % number, Outcome.ARCHIVED, await book.item(), None))
    found = names(book)
    assert listing(found, "by card") == ["A", "A-2"]
    assert (listing(found, "by card", "A"), listing(found, "by card", "A-2")) == (["0.jpg"], ["1.jpg"])


async def test_hostile_names_are_one_name_each(book: Book) -> None:
    number = await book.add(options={"label": "../.."})
    for name in HOSTILE:
        await book.enter(number, (name, Outcome.ARCHIVED, await book.item(), None))
    found = names(book)
    (card,) = listing(found, "by card")
    assert "/" not in card
    flat = [one for one in HOSTILE if b"/" not in one]
    assert set(map(name_of, flat)) <= set(listing(found, "by card", card))
    assert relative(b"", HOSTILE[0]) == HOSTILE[0]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"a.jpg", "a.jpg"),
        (b"caf\xe9.jpg", "caf%E9.jpg"),
        (b"line\nbreak", "line%0Abreak"),
        (b"..", "%2E."),
        ("a/b", "a%2Fb"),
        ("", "%"),
        ("\u00e9\U0001f4f7", "\u00e9\U0001f4f7"),
    ],
)
def test_names_are_made_fit_for_webdav(given: bytes | str, name: str) -> None:
    assert name_of(given) == name


async def test_a_name_is_found_in_either_form_of_unicode(book: Book) -> None:
    """HFS+ decomposes names; clients on a Mac may ask in the other form."""
    composed, decomposed = "M\u00e9.jpg", "Me\u0301.jpg"
    number = await book.add(options={"label": "Zoe\u0308"})
    for name in (f"{decomposed[:-4]}/{decomposed}", "both/" + composed, "both/" + decomposed):
        await book.enter(number, (name.encode(), Outcome.ARCHIVED, await book.item(), None))
    found = names(book)
    for card in ("Zo\u00eb", "Zoe\u0308"):
        for folder in (composed[:-4], decomposed[:-4]):
            for name in (composed, decomposed):
                assert isinstance(found.find(("by card", card, folder, name)), ServedFile)
        assert payload(found, "by card", card, "both", composed) != payload(
            found, "by card", card, "both", decomposed
        )
        assert found.find(("by card", card, "both", "Mo\u0308.jpg")) is None
    assert isinstance(found.find(("by location", "Berlin, Ma\u0308rz", "Zo\u00eb")), ServedFolder)
    assert found.find(("by card", "Zo\u00eb", "both", decomposed, "below")) is None


async def test_an_archive_that_the_catalog_does_not_know(book: Book) -> None:
    with pytest.raises(ArchiveError):
        ServedNames(f"{home(book.database)}/{DATABASE_FILE}", "another")


async def test_one_thread_reads_a_group_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on with what there is, which may be ten seconds old."""
    number = await book.add(options={"label": "A"})
    await book.enter(number, (b"a.jpg", Outcome.ARCHIVED, await book.item(), None))
    found = names(book)
    assert listing(found, "by card", "A") == ["a.jpg"]
    await book.enter(number, (b"b.jpg", Outcome.ARCHIVED, await book.item(), None))
    assert listing(found, "by card", "A") == ["a.jpg"], "it is not old enough"
    later = time.monotonic() + FRESH + SHARE
    monkeypatch.setattr("time.monotonic", lambda: later)
    made, meanwhile = found._build, list[list[str]]()

    def slowly(*key: str) -> ServedFolder | None:
        if key == ("by card", "A"):
            meanwhile.append(listing(found, "by card", "A"))
        return made(*key)

    monkeypatch.setattr(found, "_build", slowly)
    assert listing(found, "by card", "A") == ["a.jpg", "b.jpg"]
    assert meanwhile == [["a.jpg"]], "read once, and nobody waited"
