"""The app: it owns the newest snapshot and the screens. Imports continue without it."""

import asyncio
import gc
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.reactive import var
from textual.screen import Screen

from core.config import Config
from core.errors import EngineLostError, LadingError
from core.models import Verdict
from core.snapshot import Arrival, ImportView, MirrorView, Snapshot
from tui import format, terminal_progress, textual_private, theme
from tui.engine_link import EngineLink
from tui.glyphs import Glyphs
from tui.picture_app import PictureApp
from tui.screens.base import Base
from tui.screens.dashboard import Dashboard
from tui.type_ahead import KeyDone, TypeAhead, Waits, raise_it
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from core.listings import FileView
    from core.volumes.volume import Volume
    from tui.connection import Connection
    from tui.import_form import Choice

DRAW_INTERVAL = 0.5
"""Seconds between two redraws."""

ENGINE_LOST = "ENGINE LOST, reconnecting"

SILENT = "ENGINE DOES NOT ANSWER, waiting"

NO_ANSWER = "The engine does not answer just now."

NO_ENGINE = "There is no engine just now."

SILENT_DRAWS = 10
"""Redraws without a new snapshot after which the engine counts as not answering. It sends several snapshots
between two redraws."""


# The first screen needs neither of these two, so they are imported on demand: listing the mounts alone takes a
# tenth of the app's start.


def volumes() -> "list[Volume]":
    """See core.volumes.volume."""
    from core.volumes import volume

    return volume.volumes()


def palette() -> type[Provider]:
    """See tui.palette."""
    from tui.palette import Commands

    return Commands


class LadingApp(PictureApp):
    """Draws the newest snapshot twice a second.

    settings: the configuration.
    connect: makes a connection to the engine, which is not started yet.
    utf8: whether the terminal shows characters beyond ASCII.
    volumes: lists what is mounted; the demo has its own.
    """

    TITLE = "Lading"
    CSS_PATH = os.path.join(os.path.dirname(__file__), "app.tcss")
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS = {palette}  # noqa: RUF012 - Textual's
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", show=False, priority=True)]

    snapshot: var[Snapshot | None] = var(None)
    """The snapshot that is drawn; None: none has come yet."""
    trouble: var[str] = var("")
    """What is wrong with the engine, for the header; empty: nothing."""

    def __init__(
        self,
        settings: Config,
        connect: "Callable[[], Connection]",
        *,
        utf8: bool = True,
        volumes: "Callable[[], list[Volume]]" = volumes,
    ) -> None:
        plain = bool(os.environ.get("NO_COLOR"))
        if not plain:
            # Textual honours the variable even when it is empty, which no-color.org does not.
            os.environ.pop("NO_COLOR", None)
        super().__init__(asks=utf8, ansi_color=True if plain else None)
        self.settings = settings
        self.volumes = volumes
        self.glyphs = Glyphs(utf8=utf8)
        self._set_first_theme(theme.PLAIN if plain else settings.theme or theme.DEFAULT_THEME)
        self.set_keymap(_keymap(settings))
        self.set_class(plain, "plain")
        self.set_class(not utf8, "ascii")
        self.animation_level = "none"
        self.draft: Choice | None = None
        """A new import that was left before it was started."""
        self._engine = EngineLink(
            connect, on_connected=self._tell_connected, on_snapshot=self._take_snapshot, on_lost=self._tell_lost
        )
        self._newest: Snapshot | None = None
        """The snapshot that came last, and is drawn next."""
        self._silent_draws = 0
        self._draws_next = True
        """Whether the next snapshot is drawn as soon as it comes."""
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._shows_progress = terminal_progress.supported(os.environ)
        self._shown_progress = terminal_progress.NO_PROGRESS
        self._background: set[asyncio.Task[None]] = set()
        """What `begin` has begun, until it is done."""
        self._keys = TypeAhead(self, super().on_event, self._must_wait)

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard is the screen below all others."""
        return Dashboard()

    def _set_first_theme(self, name: str) -> None:
        """Set the theme before the style sheet is read. An assignment would have it parsed a second time, which
        takes a twentieth of the time to the first screen; only themes of the terminal's own colours need it."""
        first = self.get_theme(name)
        if first is None or first.ansi:
            self.theme = name
            return
        self.set_reactive(LadingApp.theme, name)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_class(first.dark, "-dark-mode")
        self.set_class(not first.dark, "-light-mode")

    def get_css_variables(self) -> dict[str, str]:
        """Textual's variables of the theme, and the colours of text in it."""
        variables = super().get_css_variables()
        return variables | theme.inks(variables)

    def on_mount(self) -> None:
        """Connect to the engine, and draw what it sends."""
        self.ask_terminal()
        self._running_loop = asyncio.get_running_loop()
        # The screen appears first: what speaks with the engine has to be imported.
        self.call_after_refresh(self._engine.start)
        self.call_after_refresh(_collect_new_garbage)
        self.set_interval(DRAW_INTERVAL, self._tick)
        self.app_resume_signal.subscribe(self, self._draw_after_suspend)

    async def on_unmount(self) -> None:
        """Detach; the tasks are cancelled, but not awaited."""
        self._show_progress(terminal_progress.NO_PROGRESS)
        self.clear_pictures()
        self._keys.stop()
        self._engine.stop()
        for task in self._background:
            task.cancel()

    def watch_snapshot(self, before: Snapshot | None, now: Snapshot | None) -> None:
        """Show the snapshot, and announce the end of an import once."""
        if before is not None and now is not None:
            self._announce_ended(before, now)
        elif now is not None:
            self.call_after_refresh(_collect_new_garbage)
        if now is not None and self._shows_progress:
            self._show_progress(terminal_progress.sequence(now))
        self._show()

    def _show_progress(self, sequence: str) -> None:
        """Send the terminal the sequence for the progress in its tab, if it has changed."""
        if sequence != self._shown_progress:
            self._shown_progress = sequence
            textual_private.write_to_terminal(self, sequence)

    def watch_trouble(self) -> None:
        """Show `trouble` on the screens: on the dashboard in its header, on others below and in place of rows that
        are still fetched."""
        self._show()
        screen = self.screen if self.is_running and self.screen_stack else None
        if not isinstance(screen, Base) or not screen.is_mounted:
            return
        for pane in screen.query(Pane):
            if pane.reading:
                pane.draw()
        if not isinstance(screen, Dashboard) and (self.away or screen.keys.message in (NO_ANSWER, NO_ENGINE)):
            screen.say(self.away, "bad")

    def _show(self) -> None:
        """Draw the screens. Watchers of the screens are not used, because Textual keeps a closed screen until what
        it watches changes."""
        for screen in self.screen_stack if self.is_running else ():
            # This includes a screen that is visible below a question.
            if isinstance(screen, Base) and screen.is_mounted and screen.is_current:
                screen.draw()

    def _announce_ended(self, before: Snapshot, now: Snapshot) -> None:
        """Announce the imports that have ended between two snapshots: on the dashboard, and as the configuration
        says."""
        open_before = {view.id for view in before.imports if view.ended is None}
        ended = [view for view in now.imports if view.ended is not None and view.id in open_before]
        if not ended:
            return
        words = ", ".join(_label_and_verdict(view) for view in ended)
        if isinstance(self.screen, Dashboard):
            well = all(view.verdict is Verdict.SAFE and not view.unopenable.files for view in ended)
            receipt, eject = self.screen.key("receipt"), self.screen.key("eject")
            advice = f"choose it, then {receipt} for its receipt, {eject} to eject."
            self.screen.say(f"{words}: {advice}", "good" if well else "warn")
        if self.settings.notice == "bell":
            self.bell()
        elif self.settings.notice == "notification":
            textual_private.write_to_terminal(self, f"\x1b]9;Lading: {Glyphs(utf8=False).text(words)}\x1b\\")

    def _draw_after_suspend(self, _: object) -> None:
        """Draw everything again after a return from the shell, which has overwritten the screen."""
        self.clear_pictures()
        self.refresh()

    # The engine

    @property
    def connection(self) -> "Connection":
        """The connection to the engine. Raises LadingError when there is none just now."""
        return self._engine.connection

    def _tell_connected(self) -> None:
        """Have the screens fetch what they could not fetch without an engine."""
        for screen in self.screen_stack:
            if isinstance(screen, Base) and screen.is_mounted:
                screen.connected()

    def _tell_lost(self, error: LadingError | None) -> None:
        """Show why there is no connection in the header, which has no room for more, and once what to do below.
        None: the engine has ended the connection."""
        before = self.trouble
        if error is None:
            self.trouble = ENGINE_LOST
            return
        if self.snapshot is None:
            self.trouble = f"{error} Trying again."
        elif isinstance(error, EngineLostError):
            self.trouble = ENGINE_LOST
        else:
            self.trouble = f"ENGINE LOST: {error.cause}"
        if error.advice and self.trouble not in (before, ENGINE_LOST) and isinstance(self.screen, Base):
            # It is said only once, because it covers the line of keys.
            self.screen.say(error.advice, "bad")

    async def on_event(self, event: events.Event) -> None:
        """On the dashboard, any key stops imports that are about to begin by themselves."""
        waits = [card for card in (self.snapshot.arrivals if self.snapshot else ()) if card.starts is not None]
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif waits and isinstance(self.screen, Dashboard):
            self.screen.say(f"{', '.join(card.label for card in waits)}: stopped.")
            self.begin(self._hold_cards())
        else:
            self._keys.add(event)

    def on_key_done(self, message: KeyDone) -> None:
        """Messages arrive in order, so all that were sent before this one have been handled."""
        message.arrived.set()

    def _must_wait(self, key: events.Key) -> bool:
        """Whether a key has to wait: the top screen is not mounted yet, or still fetches the rows that the key
        acts on."""
        screen = self.screen
        return not screen.is_mounted or (isinstance(screen, Waits) and screen.waits(key.key))

    async def _hold_cards(self) -> None:
        """Have the engine begin no import by itself of the cards that are plugged in."""
        await self.connection.hold_cards()
        self.draw_at_once()

    def newest_import(self, view: ImportView) -> ImportView:
        """The import as the newest snapshot has it, else as it was."""
        views = self.snapshot.imports if self.snapshot else ()
        return next((one for one in views if one.id == view.id), view)

    def newest_mirror(self, view: MirrorView) -> MirrorView:
        """The mirror as the newest snapshot has it, else as it was."""
        views = self.snapshot.mirrors if self.snapshot else ()
        return next((one for one in views if one.id == view.id), view)

    @property
    def away(self) -> str:
        """Why the engine cannot be asked just now; empty when it can."""
        if self.trouble == SILENT:
            return NO_ANSWER
        return NO_ENGINE if self.trouble else ""

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self._newest = snapshot
        self._silent_draws = 0
        if self.trouble or self._draws_next:
            # The result of a person's command is drawn at once.
            self._draws_next = False
            self.trouble = ""
            self._draw()

    def _tick(self) -> None:
        # Redraws are counted, not seconds: if this process was stopped, it has received nothing either.
        self._silent_draws += 1
        if self._silent_draws > SILENT_DRAWS and self._engine.connected and self.snapshot is not None:
            self.trouble = self.trouble or SILENT
        self._draw()

    def _draw(self) -> None:
        if self._newest is not None:
            self.snapshot = self._newest

    def draw_at_once(self) -> None:
        """Draw the next snapshot as soon as it comes, because a person waits for what it shows."""
        self._draws_next = True

    # What a person does to imports

    async def pause(self, name: str) -> None:
        """Pause an import. Raises LadingError."""
        await self.connection.pause_import(name)
        self.draw_at_once()

    async def resume(self, name: str) -> None:
        """Resume an import. Raises LadingError."""
        await self.connection.resume_import(name)
        self.draw_at_once()

    async def retry(self, name: str, *, cause: str = "", files: Sequence[int] = ()) -> int:
        """Retry failed files: these, else those with this cause, else all. Returns how many. Raises
        LadingError."""
        count = await self.connection.retry_import(name, cause=cause, files=files)
        self.draw_at_once()
        return count

    async def cancel(self, name: str) -> None:
        """Cancel an import. Raises LadingError."""
        await self.connection.cancel_import(name)
        self.draw_at_once()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background; errors are shown."""

        async def carry_out() -> None:
            try:
                await work
            except LadingError as error:
                self.tell(error)
            except Exception as error:
                # Nobody awaits this task, so its error is raised in the app, which ends with it.
                self.call_later(raise_it, error)

        task = asyncio.create_task(carry_out())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def tell(self, error: LadingError) -> None:
        """Show an error on the top screen."""
        if isinstance(self.screen, Base):
            self.screen.say(str(error), "bad")
        else:
            self.notify(self.glyphs.text(error.cause), title=error.title, severity="error", markup=False)

    # Screens

    def open(self, name: str) -> None:
        """Open the screen of this name."""
        # Screens other than the first are imported on demand, so that the first appears sooner.
        from tui.screens.find import Find
        from tui.screens.imports import Imports
        from tui.screens.tasks import Tasks

        self.push_screen({"imports": Imports, "find": Find, "tasks": Tasks}[name]())

    def open_new(self, card: Arrival | None = None) -> None:
        """Show the form of a new import; with `card`, for this one."""
        from tui.screens.new_import import NewImport

        self.push_screen(NewImport(card))

    def open_import(self, name: str, *, failed: bool = False, file: int = 0) -> None:
        """Open the screen of one import, at the file of this number if one is given."""
        from tui.screens.import_ import Import

        self.push_screen(Import(name, failed=failed, file=file))

    def open_file(self, file: "FileView") -> None:
        """Open the screen with everything known of a file."""
        from tui.screens.file_facts import FileFacts

        self.push_screen(FileFacts(file))

    def open_errors(self, name: str) -> None:
        """Open the failed files of an import."""
        from tui.screens.failures import Failures

        self.push_screen(Failures(name))

    def open_receipt(self, name: str) -> None:
        """Open the receipt of an import."""
        from tui.screens.receipt import Receipt

        self.push_screen(Receipt(name))

    def copy(self, text: str) -> None:
        """Copy to the clipboard of the person's own machine, through the terminal (OSC 52)."""
        self.copy_to_clipboard(text)
        if isinstance(self.screen, Base):
            self.screen.say(f"Copied: {text}", "good")

    async def action_quit(self) -> None:
        """Textual's own way to quit only detaches, too."""
        self.leave()

    def leave(self) -> None:
        """Detach and exit."""
        running = [view for view in (self.snapshot.imports if self.snapshot else ()) if view.ended is None]
        self.exit("The import goes on. See it again with: lading" if running else "")

    def leave_soon(self) -> None:
        """Detach as soon as the loop can; may be called from any thread, and from a signal handler."""
        if self._running_loop is not None:
            self._running_loop.call_soon_threadsafe(self.leave)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The actions of this screen's keys and the tasks on the archive, for the command palette."""
        if not isinstance(screen, Base):
            return
        from tui.palette import commands_of

        yield from commands_of(screen)

    def action_command_palette(self) -> None:
        """Open Textual's command palette, with words that every terminal can show; not over a question, which has
        no commands."""
        if isinstance(self.screen, Base):
            self.push_screen(textual_private.Palette(placeholder="Type what to do", id="--command-palette"))


def _collect_new_garbage() -> None:
    """Look for garbage from now on among objects that are made later. Those that exist by now are kept: traversing
    all of them in each collection would delay keys."""
    gc.freeze()
    gc.enable()


def _keymap(settings: Config) -> dict[str, str]:
    """The configuration's keys for Textual. Ctrl+c and ctrl+q leave the app in any case."""
    chosen = dict(settings.keys)
    return chosen | {"leave": f"{chosen['leave']},ctrl+c,ctrl+q"} if "leave" in chosen else chosen


def _label_and_verdict(view: ImportView) -> str:
    """An import that has ended, in words: `A001 SAFE`, `B002 KEEP, 3 cannot be opened`."""
    broken = f", {format.number(view.unopenable.files)} cannot be opened" if view.unopenable.files else ""
    return f"{view.label} {view.verdict or format.EMPTY}{broken}"
