"""Pictures of every screen, from the real app and the real engine on the demo: `make screenshots`."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.screenshots import pages, png
from tui.demo.app import DemoApp
from tui.demo.stage import DEMO_LOCATION, DemoStage, stage
from tui.screens.dashboard import Dashboard
from tui.screens.grid import Grid

FOLDER = Path(__file__).parents[2] / "screenshots"

PATIENCE = 300.0
"""Seconds that anything may take on a machine that has other things to do."""

SEEN = 10
"""Pictures in a grid from which on it is worth a look."""

WIDE, NARROW, LARGE = (120, 40), (80, 24), (200, 60)


class Photographer:
    """Presses keys, waits for what is to be seen, and takes pictures."""

    def __init__(self, app: DemoApp, pilot: Pilot[str]) -> None:
        self.app = app
        self._pilot = pilot

    async def keys(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self._pilot.press(key)
            await self._pilot.pause()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(PATIENCE):
            while not seen():
                await self._pilot.pause(0.1)

    async def shows(self, *words: str) -> None:
        """Wait until all of these words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words))

    @property
    def text(self) -> str:
        """All that is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def size(self, size: tuple[int, int]) -> None:
        """Give the terminal this size."""
        await self._pilot.resize_terminal(*size)

    async def take(self, name: str, size: tuple[int, int] = WIDE) -> None:
        """Keep what is on the screen as NAME.svg and NAME.png."""
        await self.size(size)
        await self._pilot.pause(0.7)
        drawn = self.app.export_screenshot(title="lading")
        (FOLDER / f"{name}.svg").write_text(drawn, encoding="utf-8")
        (FOLDER / f"{name}.png").write_bytes(png.drawn(drawn))
        print(name, flush=True)


async def photograph(set_up: DemoStage) -> str:
    """Go through the app as a person would. The id of an import."""
    app = DemoApp(set_up)
    async with app.run_test(size=WIDE) as pilot:
        camera = Photographer(app, pilot)
        await begin(camera)
        await during(camera)
        await afterwards(camera, app)
        assert app.snapshot
        return app.snapshot.imports[0].id


async def begin(camera: Photographer) -> None:
    """The third card."""
    await camera.shows("reading", "LIMIT")
    await camera.keys("n")
    await camera.shows("B002 A7S III", "Mill Creek")
    for _ in range(9):
        if any(line.startswith(">") and "B002" in line for line in camera.text.splitlines()):
            break
        await camera.keys("down")
    await camera.keys("space")
    await camera.shows("[x]")
    await camera.until(lambda: "ounting" not in camera.text)
    await camera.take("new-import-120x40")
    await camera.take("new-import-80x24", NARROW)
    await camera.keys("s")
    await camera.until(lambda: isinstance(camera.app.screen, Dashboard))


async def during(camera: Photographer) -> None:
    """While the cards are read."""
    await camera.shows("FAILED", "B002", "copy", "%")
    await camera.keys("1", "home")
    await camera.take("dashboard-120x40")
    await camera.take("dashboard-80x24", NARROW)
    await camera.keys("end", "x")
    await camera.shows("Cancel the import")
    await camera.take("cancel-80x24", NARROW)
    await camera.keys("escape", "home")
    await camera.take("dashboard-200x60", LARGE)
    for number, name in enumerate(("cards", "throughput", "queues", "in-flight", "errors"), 1):
        await camera.keys(str(number), "enter")
        await camera.take(f"enlarged-{name}-80x24", NARROW)
        await camera.keys("escape")
    await camera.keys("1", "home", "question_mark")
    await camera.take("help-120x40")
    await camera.keys("escape", "ctrl+p")
    await camera.take("palette-80x24", NARROW)
    await camera.keys("escape")


async def afterwards(camera: Photographer, app: Any) -> None:
    """When all three have ended: imports, files, receipt, search."""
    await camera.until(lambda: app.snapshot and all(view.ended for view in app.snapshot.imports))
    await camera.keys("1", "home")
    await camera.take("ended-120x40")
    await camera.keys("i")
    await camera.shows("B002", "KEEP")
    await camera.take("imports-80x24", NARROW)
    # The chosen file's picture is made behind the copies.
    await camera.until(lambda: all(queue.waiting + queue.busy == 0 for queue in app.snapshot.queues))
    await camera.size(WIDE)
    await camera.keys("enter")
    await camera.shows(".JPG", "▀")
    await camera.take("import-120x40")
    await camera.keys("v")
    await camera.shows("BILL OF LADING")
    await camera.take("receipt-120x40")
    await camera.keys("escape", "g")
    await camera.until(lambda: isinstance(app.screen, Grid) and len(app.screen.tiles._pictures) > SEEN)
    await camera.take("grid-120x40")
    await camera.keys("escape", "escape", "escape", "slash", *"canon")
    await camera.shows(".JPG")
    await camera.take("find-120x40")


def main() -> int:
    """Take all pictures; old ones go."""
    FOLDER.mkdir(exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(FOLDER / name)
    os.environ.pop("NO_COLOR", None)
    os.environ.update(COLORTERM="truecolor", TZ="UTC")
    with stage(os.environ, print) as set_up:
        imported = asyncio.run(photograph(set_up))
        pages.take(imported, DEMO_LOCATION, FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
