"""The app: owns the engine's end, the newest snapshot and the screens. Imports go on without it."""

import asyncio
import gc
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.reactive import var
from textual.screen import Screen

from core.config import Config
from core.errors import EjectError, LadingError
from core.models import ImportView, Snapshot, Verdict
from core.volumes.eject import PATIENCE, eject
from core.volumes.volume import Volume, volumes
from tui.aside import aside
from tui.connection import Connection
from tui.glyphs import Glyphs
from tui.screens.base import Base
from tui.screens.dashboard import Dashboard

PERIOD = 0.5
"""Seconds between two drawings."""

AGAIN = 1.0
"""Seconds before a lost engine is looked for again."""

LOST = "ENGINE LOST, reconnecting"


class LadingApp(App[str]):
    """Draws the newest snapshot twice a second."""

    TITLE = "Lading"
    CSS_PATH = os.path.join(os.path.dirname(__file__), "app.tcss")
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", show=False, priority=True)]

    snapshot: var[Snapshot | None] = var(None)
    trouble: var[str] = var("")

    def __init__(
        self,
        settings: Config,
        connect: Callable[[], Connection],
        *,
        utf8: bool = True,
        volumes: Callable[[], list[Volume]] = volumes,
        eject: Callable[[str, Sequence[str]], str] = eject,
    ) -> None:
        plain = bool(os.environ.get("NO_COLOR"))
        if not plain:
            # Textual takes it for set even when it is empty, which no-color.org does not.
            os.environ.pop("NO_COLOR", None)
        super().__init__(ansi_color=True if plain else None)
        self.settings = settings
        self.volumes = volumes
        self._eject = eject
        self.glyphs = Glyphs(utf8=utf8)
        self.theme = "ansi-dark" if plain else "gruvbox"
        self.set_class(plain, "plain")
        self.set_class(not utf8, "ascii")
        self.animation_level = "none"
        self._connect = connect
        self._connection: Connection | None = None
        self._newest: Snapshot | None = None
        self._at_once = True
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._begun: set[asyncio.Task[None]] = set()

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard is below everything."""
        return Dashboard()

    def on_mount(self) -> None:
        """Find the engine; draw what it sends."""
        self._running_loop = asyncio.get_running_loop()
        self._following = asyncio.create_task(self._follow(), name="engine")
        self.set_interval(PERIOD, self._draw)
        self.app_resume_signal.subscribe(self, self._drawn_anew)

    async def on_unmount(self) -> None:
        """Detach; nothing here is waited for."""
        for task in (self._following, *self._begun):
            if task is not None:
                task.cancel()

    def watch_snapshot(self, before: Snapshot | None, now: Snapshot | None) -> None:
        """Show it, and tell the end of an import once."""
        if before is not None and now is not None:
            self._tell_ended(before, now)
        elif now is not None:
            # What is there by now stays: going through all of it again and again would hold up keys.
            self.call_after_refresh(gc.freeze)
        self._show()

    def watch_trouble(self) -> None:
        """Show it."""
        self._show()

    def _show(self) -> None:
        """Not by watchers of the screens': Textual keeps a screen that is closed until what it watches changes."""
        for screen in self.screen_stack if self.is_running else ():
            # Also one that shows through below a question.
            if isinstance(screen, Base) and screen.is_mounted and screen.is_current:
                screen.draw()

    def _tell_ended(self, before: Snapshot, now: Snapshot) -> None:
        open_before = {view.id for view in before.imports if view.ended is None}
        ended = [view for view in now.imports if view.ended is not None and view.id in open_before]
        if not ended:
            return
        words = ", ".join(f"{view.label} {view.verdict or view.state}" for view in ended)
        if isinstance(self.screen, Dashboard):
            well = all(view.verdict is Verdict.SAFE for view in ended)
            self.screen.say(f"{words}: choose it, then v for its receipt, e to eject.", "good" if well else "warn")
        if self.settings.notice == "bell":
            self.bell()
        elif self.settings.notice == "notification" and self._driver is not None:
            self._driver.write(f"\x1b]9;Lading: {Glyphs(utf8=False).text(words)}\x1b\\")

    def _drawn_anew(self, _: object) -> None:
        """Back from the shell: nothing of what was drawn is there any more."""
        self.refresh()

    # The engine

    @property
    def connection(self) -> Connection:
        """The engine's end. Raises LadingError when there is none just now."""
        if self._connection is None:
            raise LadingError("there is no engine just now.", "Wait until it is found again.", title="Engine")
        return self._connection

    async def _follow(self) -> None:
        while True:
            connection = self._connect()
            try:
                await connection.start()
                self._connection = connection
                async for snapshot in connection.snapshots():
                    self._take(snapshot)
                self.trouble = LOST
            except LadingError as error:
                known = self.snapshot is not None
                self.trouble = LOST if known else f"{error} Trying again."
            finally:
                self._connection = None
                with suppress(LadingError, OSError):
                    await connection.leave()
            await asyncio.sleep(AGAIN)

    def _take(self, snapshot: Snapshot) -> None:
        self._newest = snapshot
        if self.trouble or self._at_once:
            # What a person has just asked for is seen at once.
            self._at_once = False
            self.trouble = ""
            self._draw()

    def _draw(self) -> None:
        if self._newest is not None:
            self.snapshot = self._newest

    def draw_at_once(self) -> None:
        """The next snapshot is drawn when it comes: a person waits for what it shows."""
        self._at_once = True

    # Commands

    async def pause(self, name: str) -> None:
        """Pause an import. Raises LadingError."""
        await self.connection.pause_import(name)
        self.draw_at_once()

    async def resume(self, name: str) -> None:
        """Let an import go on. Raises LadingError."""
        await self.connection.resume_import(name)
        self.draw_at_once()

    async def retry(self, name: str, *, cause: str = "", files: Sequence[int] = ()) -> int:
        """Try failed files again: these, else those with this cause, else all; how many. Raises LadingError."""
        count = await self.connection.retry_import(name, cause=cause, files=files)
        self.draw_at_once()
        return count

    async def cancel(self, name: str) -> None:
        """End an import as it is. Raises LadingError."""
        await self.connection.cancel_import(name)
        self.draw_at_once()

    async def eject(self, view: ImportView) -> None:
        """Let go of the card of an import that has ended, and say what came of it. Raises LadingError."""
        views = self.snapshot.imports if self.snapshot else ()
        reading = [other.source for other in views if other.ended is None]
        try:
            await aside(lambda: self._eject(view.source, reading), 2 * PATIENCE + 1)
        except TimeoutError as error:
            raise EjectError(f"{view.label} does not answer.", "Try again, or eject it by hand.") from error
        if isinstance(self.screen, Base):
            keep = "" if view.verdict is Verdict.SAFE else " Keep what is on it: not all is archived."
            self.screen.say(f"{view.label} can be taken out.{keep}", "warn" if keep else "good")

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something without holding up the screen; errors are told."""

        async def carry_out() -> None:
            try:
                await work
            except LadingError as error:
                self.tell(error)

        task = asyncio.create_task(carry_out())
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    def tell(self, error: LadingError) -> None:
        """Say on the screen on top what went wrong."""
        if isinstance(self.screen, Base):
            self.screen.say(str(error), "bad")
        else:
            self.notify(self.glyphs.text(error.cause), title=error.title, severity="error", markup=False)

    # Screens

    def open(self, name: str) -> None:
        """Show the screen of this name."""
        # Other screens than the first are loaded when they are wanted: the first is there the sooner.
        from tui.screens.find import Find
        from tui.screens.imports import Imports
        from tui.screens.new_import import NewImport

        self.push_screen({"new": NewImport, "imports": Imports, "find": Find}[name]())

    def open_import(self, name: str, *, failed: bool = False) -> None:
        """Show one import."""
        from tui.screens.import_ import Import

        self.push_screen(Import(name, failed=failed))

    def open_errors(self, name: str) -> None:
        """Show why files of an import failed."""
        from tui.screens.failures import Failures

        self.push_screen(Failures(name))

    def open_receipt(self, name: str) -> None:
        """Show the receipt of an import."""
        from tui.screens.reading import Reading

        async def fetch(give: Callable[[Sequence[str]], None]) -> None:
            rest = ""

            def out(text: str) -> None:
                nonlocal rest
                *lines, rest = (rest + text).split("\n")
                give(lines)

            await self.connection.receipt(name, "text", out)
            give([rest] if rest else [])

        self.push_screen(Reading("RECEIPT", fetch))

    def copy(self, text: str) -> None:
        """To the clipboard of the person's own machine, through the terminal (OSC 52)."""
        self.copy_to_clipboard(text)
        if isinstance(self.screen, Base):
            self.screen.say(f"Copied: {text}", "good")

    async def action_quit(self) -> None:
        """Textual's own way out is ours."""
        self.leave()

    def leave(self) -> None:
        """Detach."""
        running = [view for view in (self.snapshot.imports if self.snapshot else ()) if view.ended is None]
        self.exit("The import goes on. See it again with: lading" if running else "")

    def leave_soon(self) -> None:
        """Detach as soon as the loop can; from any thread, and from a signal's handler."""
        if self._running_loop is not None:
            self._running_loop.call_soon_threadsafe(self.leave)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What this screen's keys do, by name."""
        if not isinstance(screen, Base):
            return
        for key in screen.KEYS:
            if key.does not in ("pane", "back"):
                does = key.does
                yield SystemCommand(
                    f"{key.label} ({key.drawn})", key.about, lambda does=does: self._run(screen, does)
                )

    def action_command_palette(self) -> None:
        """Textual's own, with words that every terminal can show."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Type what to do", id="--command-palette"))

    def _run(self, screen: Base[Any], does: str) -> None:
        screen.call_later(screen.action_do, does)
