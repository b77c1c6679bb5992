"""Running the app in a test, with a fake engine."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from core.config import Config
from core.models import Snapshot
from core.volumes.eject import eject as ejecting
from core.volumes.volume import Volume
from tests.tui.app.fake import Fake
from tui.app import LadingApp

SIZES = ((80, 24), (120, 40))

TURNS = 50
"""Of the loop, more than from a key to what is drawn of it."""


class Running:
    """The app, its engine's fake end, and the keys."""

    def __init__(self, app: LadingApp, fake: Fake, pilot: Pilot[str]) -> None:
        self.app = app
        self.fake = fake
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait until all is drawn."""
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def settled(self) -> None:
        """Wait until all is drawn.

        Textual's own wait ends when this process takes no time, as it does while others have the processor.
        """
        await self.pilot.pause()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.app.screen._on_timer_update()

    async def push(self, snapshot: Snapshot) -> None:
        """Another snapshot arrives and is drawn."""
        self.app.draw_at_once()
        self.fake.push(snapshot)
        await self.settled()
        await self.settled()

    async def until(self, seen: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for what goes on beside the screen."""
        async with asyncio.timeout(seconds):
            while not seen():
                await self.pilot.pause(0.02)
        await self.settled()

    @property
    def text(self) -> str:
        """All that is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def foot(self) -> str:
        """The last line."""
        return self.text.splitlines()[-1]


@asynccontextmanager
async def running(
    snapshot: Snapshot | None,
    size: tuple[int, int] = (80, 24),
    *,
    fake: Fake | None = None,
    settings: Config | None = None,
    utf8: bool = True,
    volumes: Callable[[], list[Volume]] = list,
    eject: Callable[[str, Sequence[str]], str] = ejecting,
) -> AsyncIterator[Running]:
    """The app on a screen of this size, showing a snapshot."""
    fake = fake or Fake(snapshot)
    app = LadingApp(settings or Config(home="/nowhere"), lambda: fake, utf8=utf8, volumes=volumes, eject=eject)
    try:
        async with app.run_test(size=size) as pilot:
            shown = Running(app, fake, pilot)
            await shown.settled()
            await shown.settled()
            yield shown
    finally:
        # The app freezes what it began with, and another one follows in this process.
        gc.unfreeze()
