"""The pages in Chromium: its requests, its display in dark and light mode, and its print."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from core.models import Outcome
from core.reports import page, select
from core.reports.links import Relative
from tests.core.receipts.book import Book
from tests.core.reports.reading import whole
from tests.core.reports.test_page import MARKUP
from tests.rigs.chromium import browser

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="Chromium comes from Debian here"),
]

TILES = 400

LATER = b"IMG_0000.JPG"
"""Its picture is not made yet."""


async def test_a_long_sheet(book: Book, tmp_path: Path) -> None:
    number = await book.add()
    drawn = io.BytesIO()
    Image.new("RGB", (600, 400), (200, 30, 30)).save(drawn, "JPEG")
    for name in (*MARKUP, *(b"IMG_%04d.JPG" % one for one in range(TILES))):
        item = await book.item()
        await book.enter(number, (name, Outcome.ARCHIVED, item, None))
        digest = item.to_bytes(16, "big").hex()
        made = tmp_path / ".lading" / "thumbnails" / digest[:2] / f"{digest}_400.jpg"
        made.parent.mkdir(parents=True, exist_ok=True)
        if name != LATER:
            made.write_bytes(drawn.getvalue())
    sheet = tmp_path / "sheet.html"
    chosen = await select.find(book.read, "Berlin, M\u00e4rz")
    sheet.write_text(await whole(page.sheet(book.read, chosen, Relative(0))))
    with browser() as seen:
        seen.open(sheet.as_uri())
        assert seen.value("document.querySelectorAll('figure').length") == TILES + len(MARKUP)
        light = brightness(seen.picture())
        assert seen.value("document.querySelector('figure img').naturalWidth") == 600
        later = f"document.querySelector('[title=\"{LATER.decode()}\"]').parentNode.querySelector('img')"
        assert seen.value(f"{later}.naturalWidth") == 0
        assert seen.value(f"Math.round(100 * {later}.offsetWidth / {later}.offsetHeight)") == 150
        first = len(seen.requests)
        assert 10 < first < TILES / 2, "only what is near is fetched"
        seen.scroll_to(1)
        seen.value("document.querySelectorAll('figure')[document.querySelectorAll('figure').length - 1].innerText")
        assert all(one.startswith(tmp_path.as_uri()) for one in seen.requests)
        assert seen.value("document.scripts.length + document.querySelectorAll('[onerror],[onload]').length") == 0

        seen.open(sheet.as_uri(), width=390, height=800, scheme="dark")
        assert brightness(seen.picture()) < light / 2
        assert seen.value("document.documentElement.scrollWidth") == 390, "nothing is wider than a telephone"
        for letter in (False, True):
            printed = PdfReader(io.BytesIO(seen.printed(letter=letter)))
            shown = sum(one.extract_text().count("IMG_") for one in printed.pages)
            assert shown == TILES


def brightness(picture: bytes) -> int:
    """The brightness (0 to 255) of the background, at the left edge."""
    with Image.open(io.BytesIO(picture)) as image:
        found = image.convert("L").getpixel((2, image.height // 2))
    assert isinstance(found, int)
    return found
