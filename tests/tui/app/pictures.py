"""Pictures of the screen, compared with those in the folder `pictures`.

`LADING_TEST_PICTURES=write` writes them anew: look at them before they are kept.
"""

import os
from pathlib import Path

from tui.app import LadingApp

FOLDER = Path(__file__).parent / "pictures"

WRITE = "LADING_TEST_PICTURES"

_write = os.environ.get(WRITE) == "write"


def same(app: LadingApp, name: str) -> bool:
    """Whether the screen looks as in the picture; what differs is left beside it as NAME.new.svg."""
    drawn = app.export_screenshot(title="Lading", simplify=False)
    file, new = FOLDER / f"{name}.svg", FOLDER / f"{name}.new.svg"
    if _write:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(drawn, encoding="utf-8")
    well = file.exists() and file.read_text(encoding="utf-8") == drawn
    if well:
        new.unlink(missing_ok=True)
    else:
        new.write_text(drawn, encoding="utf-8")
    return well
