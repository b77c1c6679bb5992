"""The report and the sheet: what is on them, and that nothing in them does anything."""

import base64
import hashlib
from typing import Any

import pytest

from core.errors import UsageError
from core.media.camera import camera_name
from core.models import Outcome, Verdict
from core.paths import display
from core.reports import page, select
from core.reports.contents import duration_words
from core.reports.links import Absolute, Relative
from tests.core.receipts.book import HOSTILE, NAME, Book, mixed
from tests.core.reports.reading import ATTRIBUTES, ELEMENTS, elements, parsed, tag, whole, words

MARKUP = (
    b"<script>alert(1)<",
    b"<img src=x onerror=alert(1)>.jpg",
    b'" onmouseover="alert(1)" x=".jpg',
    b"' onload='alert(1).jpg",
    b"--><svg onload=alert(1)>",
    b"{{ 7 * 7 }}{% raw %}.jpg",
    b"]]>&lt;&amp;&#60;.jpg",
    b"javascript:alert(1).jpg",
)


async def taken(book: Book, item: int, **columns: Any) -> None:
    """What exiftool said of an item."""
    columns["camera"] = camera_name(str(columns.get("make", "")), str(columns.get("model", "")))
    names = ", ".join(["item_id", *columns, "raw"])
    marks = ", ".join("?" * (len(columns) + 2))
    sql = f"INSERT INTO metadata ({names}) VALUES ({marks})"  # noqa: S608
    await book.database.run((sql, [(item, *columns.values(), b"")]))


async def report(book: Book) -> str:
    return await whole(page.report(book.read, NAME, Relative(3)))


def names(text: str) -> list[str]:
    return [words(next(elements(tile, "b"))) for tile in elements(parsed(text), "figure")]


async def test_what_a_report_says(book: Book) -> None:
    await mixed(
        book,
        options={"label": "A001", "operator": "Ada", "note": "day one"},
        verdict=Verdict.KEEP,
        verdict_reason="1 could not be archived (such as bad.jpg)",
    )
    await taken(book, 1, captured_local="2025-12-06T09:30:15", make="Canon", model="EOS R5", lens="RF 50mm")
    document = parsed(await report(book))
    text = words(document)
    for said in (
        *("A001", "KEEP: 1 could not be archived", "Do not erase this card", "Ada", "day one"),
        *("EOS\\u202eDIGITAL", "/Volumes/EOS"),
        *("read back from the medium", "perhaps from memory", "not read back", "Berlin, M\u00e4rz"),
        *("Canon EOS R5", "RF 50mm", "09:30:15", "2025-12-06", "bad.jpg", "Input/output", "seen8"),
        *("2025-12-06 02:00:00 UTC+02:00", "each copy read back and compared"),
        (b"\0" * 15 + b"\1").hex() * 2,
    ):
        assert said in text, said
    assert "keep" in next(elements(document, "p", "verdict")).get("class", "")
    (listed,) = elements(next(elements(document, "details", "all")), "pre")
    assert len("".join(listed.itertext()).splitlines()) == 8
    under = {words(next(elements(one, "b"))): words(one) for one in elements(document, "figcaption")}
    assert "file's time" not in under["a.jpg"]
    assert "file's time" in under["b.jpg"], "it is not taken for the time of capture"


@pytest.mark.parametrize(
    ("verdict", "root", "said"),
    [
        (Verdict.SAFE, b"", "was read back: the card may be erased."),
        (Verdict.SAFE, b"DCIM", "was read back: the source may be erased."),
        (Verdict.KEEP, b"", "Do not erase this card"),
        (Verdict.OPEN, b"", ""),
    ],
)
async def test_what_the_verdict_means_is_said(book: Book, verdict: Verdict, root: bytes, said: str) -> None:
    await book.add(verdict=verdict, root=root)
    shown = words(next(elements(parsed(await report(book)), "p", "verdict")))
    assert said in shown
    assert ("erase" in shown) == bool(said)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE item SET damage = 'bad'", "were found damaged since: do not erase this card"),
        ("UPDATE item SET level = '', read_back = NULL", "was never read back: do not erase this card"),
        (
            "INSERT INTO unopenable (item_id, queue, why) VALUES (1, 'probe', 'cut')",
            "look at what cannot be opened",
        ),
    ],
    ids=["damaged since", "never read back", "cannot be opened"],
)
@pytest.mark.parametrize("outcome", [Outcome.ARCHIVED, Outcome.DUPLICATE])
async def test_safe_is_no_advice_to_erase_what_is_known_to_be_wrong(
    book: Book, outcome: Outcome, statement: str, said: str
) -> None:
    number = await book.add(verdict=Verdict.SAFE)
    await book.enter(number, (b"a.jpg", outcome, await book.item(), None))
    shown = words(next(elements(parsed(await report(book)), "p", "verdict")))
    assert "the card may be erased" in shown
    await book.database.run((statement, [()]))
    shown = words(next(elements(parsed(await report(book)), "p", "verdict")))
    assert said in shown
    assert "may be erased" not in shown


async def test_what_was_excluded_is_not_said_to_be_archived(book: Book) -> None:
    await book.add(
        verdict=Verdict.SAFE, verdict_reason="2 excluded, as you chose", options={"accept": ["excluded"]}
    )
    shown = words(next(elements(parsed(await report(book)), "p", "verdict")))
    assert "but what was excluded is in the archive" in shown
    assert "may be erased if the excluded files are not wanted" in shown


def test_lengths_in_words() -> None:
    assert [duration_words(seconds) for seconds in (7, 59.6, 94, 3600, 3599.7, 36_001)] == [
        *("7 s", "1 min 0 s", "1 min 34 s", "1 h 0 min", "1 h 0 min", "10 h 0 min")
    ]


async def test_hostile_names_are_text(book: Book) -> None:
    evil = '"><script>alert(2)</script><h1>'
    number = await book.add(
        options={"label": evil, "operator": evil, "note": evil}, verdict=Verdict.KEEP, verdict_reason=evil
    )
    given = [*HOSTILE, *MARKUP]
    for path in given:
        item = await book.item()
        await book.enter(number, (b"x/" + path, Outcome.ARCHIVED, item, None))
        await book.enter(number, (b"failed/" + path, Outcome.FAILED, None, evil))
        await taken(book, item, make=evil, model=path.decode(errors="replace"), lens=evil, captured_local=evil)
    for text in (
        await report(book),
        await whole(page.sheet(book.read, await select.find(book.read, "Berlin, M\u00e4rz"), Absolute())),
    ):
        document = parsed(text)
        assert {tag(one) for one in document.iter()} <= ELEMENTS
        assert {name for one in document.iter() for name in one.attrib} <= ATTRIBUTES
        shown = [words(next(elements(tile, "b"))) for tile in elements(document, "figure")]
        assert sorted(shown) == sorted(" ".join(display(path).split("/")[-1].split()) for path in given)


async def test_a_page_asks_nobody_for_anything(book: Book) -> None:
    await mixed(book)
    document = parsed(await report(book))
    policy = next(one for one in elements(document, "meta") if one.get("http-equiv")).get("content", "")
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "unsafe" not in policy
    (style,) = elements(document, "style")
    assert style.text
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style.text
    assert "@import" not in style.text
    sources = [one.get("src", "") for name in ("img", "video") for one in elements(document, name)]
    assert sources
    assert all(source.startswith("../../../.lading/") for source in sources)


async def test_pictures_are_linked_before_they_are_made(book: Book) -> None:
    number = await book.add()
    later, made, none = await book.item(), await book.item(), await book.item()
    await book.enter(
        number,
        (b"1 later.jpg", Outcome.ARCHIVED, later, None),
        (b"2 made.jpg", Outcome.ARCHIVED, made, None),
        (b"3 none.jpg", Outcome.ARCHIVED, none, None),
    )
    sql = "INSERT INTO derivative VALUES (?, '400', ?, 600, 400, 1, ?)"
    await book.database.run((sql, [(made, ".lading/thumbnails/aa/made %41.jpg", ""), (none, "", "no <decoder>")]))
    document = parsed(await report(book))
    first, second, third = elements(document, "figure")
    digest = later.to_bytes(16, "big").hex()
    assert next(elements(first, "img")).get("src") == f"../../../.lading/thumbnails/00/{digest}_400.jpg"
    assert next(elements(second, "img")).get("src") == "../../../.lading/thumbnails/aa/made%20%2541.jpg"
    assert not list(elements(third, "img"))
    assert "no <decoder>" in words(third)


@pytest.mark.parametrize("films", [0, 1, 3], ids=["few", "as many as may be", "many"])
async def test_films_of_a_page_with_many_are_links(
    book: Book, films: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await book.add()
    for film in range(films):
        await book.enter(number, (b"MVI_%d.MP4" % film, Outcome.ARCHIVED, await book.item(), None))
    await book.database.run(("UPDATE file SET kind = 'videos'", [()]))
    monkeypatch.setattr(page, "PLAYERS", 1)
    document = parsed(await report(book))
    players, links = [list(elements(document, name)) for name in ("video", "a")]
    assert (len(players), len(links)) == ((0, films) if films > 1 else (films, 0))
    for found in (*players, *links):
        assert found.get("src", found.get("href", "")).startswith("../../../.lading/proxies/")


async def test_one_tile_for_what_belongs_together(book: Book) -> None:
    number = await book.add()
    files = (
        *(b"a/RAW.ARW", b"a/RAW.JPG", b"a/RAW.xmp", b"a/LIVE.HEIC", b"a/LIVE.MOV", b"a/edit.jpg"),
        *(b"clip/clip_%04d.dng" % frame for frame in range(30)),
    )
    items = [await book.item() for _ in files]
    await book.enter(
        number, *((path, Outcome.ARCHIVED, item, None) for path, item in zip(files, items, strict=True))
    )
    await book.enter(number, (b"a/RAW again.ARW", Outcome.DUPLICATE, items[0], None))
    await book.database.run(
        ("INSERT INTO link VALUES (?, ?, ?)", [(2, 1, "raw_pair"), (3, 1, "sidecar"), (6, 4, "edit")]),
        ("INSERT INTO live_pair VALUES (?, ?, 'name')", [(items[3], items[4])]),
    )
    document = parsed(await report(book))
    figures = list(elements(document, "figure"))
    tiles = {words(next(elements(tile, "b"))): " ".join(tile.itertext()) for tile in figures}
    assert list(tiles) == ["LIVE.HEIC", "RAW.ARW", "edit.jpg", "clip_0000.dng"]
    assert "LIVE" in tiles["LIVE.HEIC"].split()
    assert "RAW+JPEG" in tiles["RAW.ARW"]
    assert "30 frames" in tiles["clip_0000.dng"]


async def test_by_day_and_camera_in_order(book: Book) -> None:
    number = await book.add()
    for path, when, model in (
        (b"d.jpg", "2025-12-07T08:00:00", "B"),
        (b"c.jpg", "2025-12-06T10:00:00", "B"),
        (b"b.jpg", "2025-12-06T12:00:00", "A"),
        (b"a.jpg", "2025-12-06T11:00:00", "A"),
    ):
        item = await book.item()
        await book.enter(number, (path, Outcome.ARCHIVED, item, None))
        await taken(book, item, captured_local=when, model=model)
    text = await report(book)
    assert names(text) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    headings = [words(one) for one in elements(parsed(text), "h3")]
    assert headings == ["2025-12-06 A", "2025-12-06 B", "2025-12-07 B"]


async def test_it_is_given_in_pieces(book: Book) -> None:
    number = await book.add()
    item = await book.item()
    await book.enter(number, *((b"%05d.jpg" % one, Outcome.DUPLICATE, item, None) for one in range(8000)))
    pieces = [piece async for piece in page.report(book.read, NAME, Relative(3))]
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 4 * page.LEAST_PIECE
    assert "".join(pieces).count("  duplicate   ") == 8000


async def test_an_empty_import_has_a_report(book: Book) -> None:
    await book.add()
    document = parsed(await report(book))
    assert not list(elements(document, "figure"))


@pytest.mark.parametrize(
    ("text", "what", "count"),
    [
        ("berlin, m\u00e4rz", "location", 2),
        ("berlin-0a1b2c", "location", 2),
        ("a001", "card", 1),
        (NAME, "import", 1),
        (NAME[:17].upper(), "import", 1),
        ("two.jpg", "search", 1),
        ("kind:images card:b002", "search", 1),
    ],
)
async def test_what_a_word_means(book: Book, text: str, what: str, count: int) -> None:
    for name, label, path in ((NAME, "A001", b"one.jpg"), ("20260101-000000-ffff", "B002", b"two.jpg")):
        number = await book.add(name, {"label": label})
        await book.enter(number, (path, Outcome.ARCHIVED, await book.item(), None))
    chosen = await select.find(book.read, text)
    assert chosen.what == what
    assert len(names(await whole(page.sheet(book.read, chosen, Absolute())))) == count


async def test_nothing_that_fits_is_an_error(book: Book) -> None:
    await mixed(book)
    for text in ("nowhere", "", "kind:videos"):
        with pytest.raises(UsageError):
            await select.find(book.read, text)
