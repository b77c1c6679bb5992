"""A picture of the screen as PNG, by resvg and whatever monospaced fonts are installed."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from io import BytesIO

import resvg_py
from PIL import Image

FONTS = ("Fira Code", "DejaVu Sans Mono", "Menlo")
"""Monospaced, with block and box drawing characters: Debian's fonts-firacode, fonts-dejavu-core; macOS's own."""

COLOURS = 48


def drawn(svg: str, zoom: float = 1.0) -> bytes:
    """The picture that Textual's `svg` is. Raises ValueError."""
    files = _files()
    whole = resvg_py.svg_to_bytes(
        svg_string=_plain(svg),
        zoom=zoom,
        monospace_family=FONTS[0],
        font_files=files,
        skip_system_fonts=bool(files),
    )
    out = BytesIO()
    # A terminal has few colours: a palette is a third of the size.
    Image.open(BytesIO(whole)).convert("RGBA").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(
        out, format="PNG", optimize=True
    )
    return out.getvalue()


def _files() -> list[str]:
    """The files of FONTS where fontconfig can tell them, else none. resvg draws a text with a character that its
    font lacks in any other font that has it, and be that one with serifs."""
    if shutil.which("fc-list") is None:
        return []
    asked = [["fc-list", "--format", "%{file}\\n", f":family={font}"] for font in FONTS]
    told = [subprocess.run(one, check=True, capture_output=True, text=True).stdout for one in asked]
    return [file for files in told for file in files.splitlines()]


def _plain(svg: str, fonts: Sequence[str] = FONTS) -> str:
    """Without the fonts that a browser would fetch."""
    without = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    families = ", ".join(f"'{font}'" for font in fonts)
    return re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {families}, monospace;", without)
