"""Pictures of the report and the sheet, in Chromium: dark, light, on a telephone, printed."""

import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.rigs.chromium import Scheme, browser
from tests.rigs.engines import COMMAND

VIEWS: tuple[tuple[str, Scheme, int, int], ...] = (
    ("report", "dark", 1440, 1900),
    ("report", "light", 1440, 1900),
    ("report", "dark", 390, 1600),
    ("report", "light", 390, 1600),
    ("sheet", "dark", 1440, 1500),
    ("sheet", "light", 1440, 1500),
    ("sheet", "dark", 390, 1600),
    ("sheet", "light", 390, 1600),
)

PRINTED_WIDTH = 600
"""Pixels of a printed page."""

COLOURS = 256


def take(imported: str, location: str, folder: Path) -> None:
    """The pages of an import and of its location, from the engine that the environment names."""
    with tempfile.TemporaryDirectory() as made:
        report, sheet = Path(made, "report.html"), Path(made, "sheet.html")
        printed = Path(made, "report.pdf")
        _lading("receipt", imported, "--format", "html", "--output", str(report))
        _lading("receipt", imported, "--format", "pdf", "--output", str(printed))
        _lading("sheet", location, "--output", str(sheet))
        with browser() as seen:
            for name, scheme, width, height in VIEWS:
                seen.open(Path(made, f"{name}.html").as_uri(), width, height, scheme)
                _keep(seen.picture(), folder / f"{name}-{scheme}-{width}.png")
            seen.open(report.as_uri())
            Path(made, "page.pdf").write_bytes(seen.printed())
        _beside(Path(made, "page.pdf"), folder / "report-print.png")
        _beside(printed, folder / "report-pdf.png")


def _lading(*arguments: str) -> None:
    subprocess.run([*COMMAND, *arguments], check=True)


def _beside(pdf: Path, picture: Path) -> None:
    """Its first two pages, by poppler."""
    drawn = ["pdftoppm", "-png", "-l", "2", "-scale-to-x", str(PRINTED_WIDTH), "-scale-to-y", "-1"]
    subprocess.run([*drawn, str(pdf), str(pdf.with_suffix(""))], check=True)
    pages = [Image.open(path) for path in sorted(pdf.parent.glob(f"{pdf.stem}-*.png"))]
    whole = Image.new("RGB", (PRINTED_WIDTH * len(pages) + 8, pages[0].height), "#888")
    for number, page in enumerate(pages):
        whole.paste(page, (number * (PRINTED_WIDTH + 8), 0))
    data = BytesIO()
    whole.save(data, "PNG")
    _keep(data.getvalue(), picture)


def _keep(data: bytes, path: Path) -> None:
    """With a palette, which is a third of the size."""
    with Image.open(BytesIO(data)) as image:
        few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT)
        few.save(path, format="PNG", optimize=True)
    print(path.stem, flush=True)
