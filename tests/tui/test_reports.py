"""lading receipt --format html and lading sheet, through a real engine, on a real card."""

import base64
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from pypdf import PdfReader

from tests.core.reports.reading import elements, parsed, words
from tests.rigs import bags
from tests.rigs.engines import lading, swept, until
from tests.tui.test_json import fits

pytestmark = pytest.mark.process

NAMES = ("IMG_0001.JPG", "<img src=x onerror=alert(1)>.jpg", "caf\u00e9 %41 #1?.jpg")


def settled(home: Path) -> bool:
    """Whether nothing is left to be done, the report included."""
    queues = json.loads(lading(home, "queues", "--json").stdout)
    return all(queue["waiting"] + queue["busy"] == 0 for queue in queues)


def test_a_card_has_a_report_that_opens_from_the_archive(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    (card / "DCIM").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        exif = Image.Exif()
        exif[0x0110] = "Model <b>"
        picture = Image.new("RGB", (640, 480), (number * 80, 40, 200))
        picture.save(card / "DCIM" / name, exif=exif)
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive), "--location", "Mill Creek"]
        assert lading(home, "import", str(card), *into, "--label", "A001").returncode == 0
        (bag,) = (archive / "locations").iterdir()
        until(lambda: list((bag / "lading").glob("*.html")))
        (beside,) = (bag / "lading").glob("*.html")
        # With what is found out since it is made anew.
        until(lambda: "Model <b>" in words(parsed(beside.read_text())))
        until(lambda: settled(home))
        until(lambda: not bags.invalid(bag))
        assert f"lading/{beside.name}" in (bag / "tagmanifest-sha256.txt").read_text()
        document = parsed(beside.read_text())
        sources = [image.get("src", "") for image in elements(document, "img")]
        assert len(sources) == len(NAMES)
        thumbnails = [(beside.parent / unquote(source)).resolve(strict=True) for source in sources]
        assert {words(next(elements(tile, "b"))) for tile in elements(document, "figure")} == set(NAMES)

        name = beside.stem
        linked = lading(home, "receipt", name, "--format", "html")
        assert linked.returncode == 0, linked.stderr
        for image in elements(parsed(linked.stdout), "img"):
            assert os.path.exists(unquote(image.get("src", "").removeprefix("file://")))
        page = tmp_path / "out" / "report.html"
        embedded = ["receipt", name, "--format", "html", "--embed", "--output", str(page)]
        assert lading(home, *embedded).returncode == 2, "there is no such folder"
        page.parent.mkdir()
        assert lading(home, *embedded).returncode == 0
        assert lading(home, *embedded).returncode == 2, "it is there already"
        found = re.findall(r"data:image/jpeg;base64,([^\"]+)", page.read_text())
        assert sorted(map(base64.b64decode, found)) == sorted(path.read_bytes() for path in thumbnails)

        printed = tmp_path / "out" / "report.pdf"
        assert lading(home, "receipt", name, "--format", "pdf", "--output", str(printed)).returncode == 0
        pages = PdfReader(printed).pages
        assert len({image.data for page in pages for image in page.images}) == len(NAMES)
        assert "Model <b>" in " ".join(page.extract_text() for page in pages)
        assert lading(home, "receipt", name, "--format", "pdf", "--output", str(printed)).returncode == 2

        sheet = lading(home, "sheet", "Mill", "Creek")
        assert sheet.returncode == 0, sheet.stderr
        assert len(list(elements(parsed(sheet.stdout), "figure"))) == len(NAMES)
        one = lading(home, "sheet", "IMG_0001.JPG")
        assert len(list(elements(parsed(one.stdout), "figure"))) == 1
        assert lading(home, "sheet", "nowhere").returncode == 2
        written = fits("sheet", lading(home, "sheet", "Mill", "Creek", "--json").stdout)
        assert os.path.getsize(written["path"]) == written["bytes"] == len(sheet.stdout.encode())
        assert lading(home, "receipt", name, "--embed").returncode == 2
