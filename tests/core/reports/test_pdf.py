"""The report as PDF, parsed again; the tests make fonts that have few characters."""

import io
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image
from pypdf import PdfReader

from core.models import Outcome, Verdict
from core.paths import display
from core.reports import fonts, pdf
from tests.core.receipts.book import HOSTILE, NAME, Book, mixed
from tests.core.reports.test_page import MARKUP, taken

LATIN = "".join(map(chr, (*range(32, 127), *range(160, 256))))


def font(path: Path, characters: str, fs_type: int = 0) -> None:
    """A font in which each of these characters is a box."""
    names = {ord(one): f"u{ord(one):04X}" for one in characters}
    order = [".notdef", *names.values()]
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((500, 0), (500, 700), (0, 700)):
        pen.lineTo(corner)
    pen.closePath()
    box = pen.glyph()
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(order)
    made.setupCharacterMap(names)
    made.setupGlyf(dict.fromkeys(order, box))
    made.setupHorizontalMetrics(dict.fromkeys(order, (600, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    made.setupOS2(sTypoAscender=800, sTypoDescender=-200, fsType=fs_type)
    made.setupPost()
    made.save(str(path))


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """A folder with one font for text."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        font(folder / name, LATIN + "\u0301…·")
    return [str(folder)]


async def no_picture(_: str) -> bytes:
    return b""


async def read(book: Book, places: Iterable[str], picture: pdf.Picture = no_picture) -> PdfReader:
    return PdfReader(io.BytesIO(await pdf.report(book.read, NAME, picture, places)), strict=True)


def words(document: PdfReader) -> str:
    """All text of a document. Any space is a single blank, because line breaks depend on the layout."""
    return " ".join(" ".join(page.extract_text() for page in document.pages).split())


async def named(book: Book, *names: str) -> None:
    number = await book.add()
    for name in names:
        await book.enter(number, (name.encode(), Outcome.ARCHIVED, await book.item(), None))


async def test_it_says_what_the_page_says(book: Book, places: list[str]) -> None:
    await mixed(
        book,
        options={"label": "A001", "operator": "Ada"},
        verdict=Verdict.KEEP,
        verdict_reason="1 could not be archived",
    )
    await taken(book, 1, captured_local="2025-12-06T09:30:15", make="Canon", model="EOS R5", lens="RF 50mm")
    seen: list[str] = []
    drawn = io.BytesIO()
    Image.new("RGB", (600, 400), (200, 30, 30)).save(drawn, "JPEG")

    async def picture(sha256: str) -> bytes:
        seen.append(sha256)
        return drawn.getvalue() if len(seen) == 1 else b"no JPEG"

    document = await read(book, places, picture)
    text = words(document)
    for said in (
        *("A001", "KEEP", "1 could not be archived", "Do not erase this card", "Ada"),
        *("read back from the medium", "Berlin, M\u00e4rz", "b.jpg 00:00:00 (file's time)"),
        *("Canon EOS R5", "RF 50mm", "09:30:15", "2025-12-06", "Failed: 1", "bad.jpg", "Input/output", "seen 8"),
        *((b"\0" * 15 + b"\1").hex() * 2, "EOS\\u202eDIGITAL"),
    ):
        assert said in text, said
    assert len(seen) == len(set(seen)) == 3, "one picture a content"
    (image,) = [one.image for page in document.pages for one in page.images]
    assert image is not None
    assert max(image.size) <= 400
    assert document.metadata is not None
    assert document.metadata.title == "A001"


async def test_hostile_names_are_text(book: Book, places: list[str]) -> None:
    given = [*HOSTILE, *MARKUP, b"{nb}.jpg", b"(\\) Tj ET.jpg", b"**bold** __under__.jpg"]
    number = await book.add(options={"label": "{nb}", "note": "**a** --b--"})
    for path in given:
        item = await book.item()
        await book.enter(number, (path, Outcome.ARCHIVED, item, None))
        await taken(book, item, make="**Evil**", model="(\\) Tj ET {nb}", lens="[x](http://evil.example)")
    document = await read(book, places)
    text = words(document)
    assert "**Evil** (\\) Tj ET {nb}" in text
    for path in given:
        assert " ".join(display(path).split()) in text, path
    assert "**a** --b--" in text
    assert not [page for page in document.pages if "/Annots" in page], "nothing can be clicked"


async def test_a_script_is_shown_by_the_font_that_has_it(book: Book, places: list[str]) -> None:
    font(Path(places[0]) / "Other.ttf", "\u65e5\u672c\u05d0")
    await named(book, "\u65e5\u672c.jpg", "\u05d0.jpg")
    document = await read(book, places)
    assert "\u65e5\u672c.jpg" in words(document)
    assert "no font" not in words(document)


@pytest.mark.parametrize("given", ["none", "restricted", "emoji", "damaged"])
async def test_what_no_font_has_is_written_out_and_told(book: Book, places: list[str], given: str) -> None:
    other = Path(places[0]) / ("Emoji.ttf" if given == "emoji" else "Other.ttf")
    if given == "damaged":
        other.write_bytes(os.urandom(2000))
    elif given != "none":
        font(other, "\u65e5", fs_type=2 if given == "restricted" else 0)
    await named(book, "\u65e5\U0001f4f7.jpg")
    text = words(await read(book, places))
    assert "\\u65e5\\U0001f4f7.jpg" in text
    assert "no font of the machine" in text


async def test_without_any_font_there_is_a_report(book: Book, tmp_path: Path) -> None:
    await named(book, "caf\u00e9 \u2014 \u65e5.jpg")
    text = words(await read(book, [str(tmp_path / "nowhere")]))
    assert "caf\u00e9 \\u2014 \\u65e5.jpg" in text


async def test_a_path_longer_than_a_page(book: Book, places: list[str]) -> None:
    await named(book, "a/" * 2000 + "end.jpg")
    document = await read(book, places)
    assert "end.jpg" in words(document)
    assert len(document.pages) < 12


def test_where_fonts_lie() -> None:
    assert fonts.folders("linux", "/home/ada")[-1] == "/home/ada/.local/share/fonts"
    assert fonts.folders("darwin", "/Users/ada")[-1] == "/Users/ada/Library/Fonts"
    assert "/System/Library/Fonts/Supplemental" in fonts.folders("darwin", "/Users/ada")
