"""Running the app in a test, with a fake engine."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from unittest.mock import patch

from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from core.config import Config
from core.snapshot import Snapshot
from core.volumes.eject import eject as ejecting
from core.volumes.volume import Volume
from tests.tui.app.fake import Fake
from tui.app import LadingApp
from tui.widgets.keys import Keys

SIZES = ((80, 24), (120, 40))

TURNS = 50
"""Of the loop, more than from a key to what is drawn of it."""

ROUNDS = 3
"""A key may open a screen, which asks the engine, which answers."""


class Running:
    """The app, its engine's fake end, and the keys."""

    def __init__(self, app: LadingApp, fake: Fake, pilot: Pilot[str]) -> None:
        self.app = app
        self.fake = fake
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait until all is drawn."""
        for key in keys:
            # Pilot.press waits until the process is idle, which says nothing where others have the processor.
            typed = key if len(key) == 1 else None
            self.app.post_message(Key(_character_to_key(typed) if typed else key, typed))
            await self.settled()

    async def type(self, text: str) -> None:
        """Type into a field, as fast as a terminal hands on what was pasted, and wait until all is drawn."""
        for character in text:
            self.app.simulate_key(character)
        await self.settled()

    async def settled(self) -> None:
        """Wait until all is drawn: every widget has done what it was sent, and what that has led to.

        Not until the process takes no time, as Pilot.pause does: it takes none while others have the processor.
        """
        for _ in range(ROUNDS):
            await self.pilot._wait_for_screen()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            # Draws now what a timer would draw in a moment; a new layout sends the next round's messages.
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
        """The last line, or all lines of the message that stands there."""
        first, *others = self.text.splitlines()[-max(len(self.app.screen.query_one(Keys).lines), 1) :]
        return " ".join((first, *(one.strip() for one in others)))


@asynccontextmanager
async def running(
    snapshot: Snapshot | None,
    size: tuple[int, int] = (80, 24),
    *,
    fake: Fake | None = None,
    settings: Config | None = None,
    utf8: bool = True,
    volumes: Callable[[], list[Volume]] = list,
    eject: Callable[[str, Sequence[str], Sequence[str]], str] = ejecting,
) -> AsyncIterator[Running]:
    """The app on a screen of this size, showing a snapshot."""
    fake = fake or Fake(snapshot)
    app = LadingApp(settings or Config(home="/nowhere"), lambda: fake, utf8=utf8, volumes=volumes)
    try:
        with patch("tui.screens.eject_card.eject", eject):
            async with app.run_test(size=size) as pilot:
                shown = Running(app, fake, pilot)
                await shown.settled()
                await shown.settled()
                yield shown
    finally:
        # The app freezes what it began with, and another one follows in this process.
        gc.unfreeze()
