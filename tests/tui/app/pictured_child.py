"""The app in a process of its own, with a fake engine that has pictures, on the terminal it is started in."""

import io
import sys

from PIL import Image

from core.config import Config
from tests.tui.app.test_pictures import pictured
from tui import start
from tui.app import LadingApp
from tui.console import output

NOISE = f"{4:064x}"
"""The file whose picture is as hard to compress as any."""


def main() -> int:
    """Run it."""
    fake = pictured()
    noise = Image.merge("RGB", [Image.effect_noise((600, 900), 200) for _ in range(3)])
    out = io.BytesIO()
    noise.save(out, "JPEG")
    fake.pictures[NOISE] = out.getvalue()
    console = output.console()
    settings = Config(home="/nowhere")
    return start.show(LadingApp(settings, lambda: fake, utf8=console.out.utf8, volumes=list), console)


if __name__ == "__main__":
    sys.exit(main())
