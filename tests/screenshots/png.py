"""A picture of the screen as PNG, by resvg and whatever monospaced fonts are installed."""

import re
from collections.abc import Sequence
from io import BytesIO

import resvg_py
from PIL import Image

FONTS = ("Fira Code", "DejaVu Sans Mono", "Menlo")
"""Monospaced, with block and box drawing characters: Debian's fonts-firacode, fonts-dejavu-core; macOS's own."""

COLOURS = 48


def drawn(svg: str, zoom: float = 1.0) -> bytes:
    """The picture that Textual's `svg` is. Raises ValueError."""
    whole = resvg_py.svg_to_bytes(svg_string=_plain(svg), zoom=zoom, monospace_family=FONTS[0])
    out = BytesIO()
    # A terminal has few colours: a palette is a third of the size.
    Image.open(BytesIO(whole)).convert("RGBA").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(
        out, format="PNG", optimize=True
    )
    return out.getvalue()


def _plain(svg: str, fonts: Sequence[str] = FONTS) -> str:
    """Without the fonts that a browser would fetch."""
    without = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    families = ", ".join(f"'{font}'" for font in fonts)
    return re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {families}, monospace;", without)
