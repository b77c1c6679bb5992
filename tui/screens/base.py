"""The base of all screens: keys that say why they cannot be used now, and the snapshot."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

import msgspec
from textual.binding import Binding, BindingType
from textual.screen import Screen

from core.errors import LadingError
from core.snapshot import Snapshot
from tui import textual_private
from tui.glyphs import Glyphs
from tui.type_ahead import Waits, raise_it
from tui.widgets.keys import Key, Keys, drawn
from tui.widgets.lines import CLASSES
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from tui.app import LadingApp

T = TypeVar("T")

HELP = Key(key="question_mark", label="help", does="help", about="what the keys do here")
LEAVE = Key(key="q,ctrl+c,ctrl+q", label="leave", does="leave", about="leave; imports go on", face="q")
ROWLESS_ACTIONS = ("back", "help", "leave")
"""Actions that need no rows."""

ACT_TIMEOUT = 1.0
"""Seconds that later keys wait for what a key has begun. An engine may take longer, or stand still."""

UNANSWERED = "The engine has not answered the key before this one yet."

BACK = Key(key="escape", label="back", does="back", about="back to where you were")


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    """The keys as Textual's bindings. Their ids are what the configuration's `keys` name."""
    return [Binding(key.key, f"do('{key.does}')", key.label, show=False, id=key.does) for key in keys]


class Base(Screen[T], Waits):
    """A screen with keys. A key runs the method `do_NAME`, unless `why_not(NAME)` returns a reason against it."""

    KEYS: ClassVar[tuple[Key, ...]] = (HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = []
    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    NAME = ""
    """The screen's name in the help."""
    ABOUT = ""
    """A sentence about it for the help."""
    _acting: asyncio.Task[None] | None = None
    """What a key has begun, until the engine has answered."""

    @property
    def lading(self) -> "LadingApp":
        """The app, which owns the connection to the engine."""
        from tui.app import LadingApp

        return cast(LadingApp, self.app)

    @property
    def glyphs(self) -> Glyphs:
        """What the terminal can show."""
        return self.lading.glyphs

    @property
    def keys(self) -> Keys:
        """The line of keys."""
        return self.query_one(Keys)

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now; empty when it can."""
        return ""

    def face(self, key: Key) -> Key:
        """A key as it is displayed now."""
        return key

    def own_keys(self) -> list[Key]:
        """The keys, with those that the configuration has instead."""
        chosen = self.lading.settings.keys
        return [
            msgspec.structs.replace(key, key=chosen[key.does], face="") if key.does in chosen else key
            for key in self.KEYS
        ]

    def key(self, does: str) -> str:
        """The key that does this here, as it is displayed."""
        return drawn(self, does)

    def waits(self, key: str) -> bool:
        """Whether this key is about rows that are still read. What leaves or explains the screen never is."""
        at_once = {
            binding.key
            for one in self.own_keys()
            if one.does in ROWLESS_ACTIONS
            for binding in Binding.make_bindings([Binding(one.key, "")])
        }
        return isinstance(self.focused, Pane) and self.focused.reading and key not in at_once

    def draw_keys(self) -> None:
        """Update the displayed keys."""
        if self.is_mounted and self._there:
            self.keys.show([(self.face(key), self.why_not(key.does)) for key in self.own_keys()])

    def say(self, message: str, style: str = "warn") -> None:
        """Show a message in the last line."""
        if self._there:
            self.keys.say(message, style)

    @property
    def _there(self) -> bool:
        """Whether the screen has not been left; an answer may come after that."""
        return self.is_running and self.is_attached

    async def action_do(self, does: str) -> None:
        """Run the action of a key, or say why it cannot be run."""
        if why := self.why_not(does):
            self.say(why)
            return
        await self.act(getattr(self, f"do_{does}"))
        self.draw_keys()

    async def act(self, begin: Callable[[], object]) -> None:
        """Carry out what a key does, and show errors. Waits ACT_TIMEOUT at most, so that other keys work although
        the engine does not answer; until it has answered, no second action that needs it is begun."""
        try:
            work = begin()
        except LadingError as error:
            self.say(str(error), "bad")
            return
        if not inspect.iscoroutine(work):
            return
        if self._acting is not None:
            work.close()
            self.say(UNANSWERED)
            return
        self._acting = asyncio.create_task(self._await(work), name="key")
        await asyncio.wait([self._acting], timeout=ACT_TIMEOUT)

    async def _await(self, work: Awaitable[object]) -> None:
        try:
            await work
        except LadingError as error:
            if self.lading.screen is self:
                self.say(str(error), "bad")
            else:
                self.lading.tell(error)
        except Exception as error:
            # Nobody awaits this task, so its error is raised in the app, which ends with it.
            self.app.call_later(raise_it, error)
        finally:
            self._acting = None
        self.draw_keys()

    def on_mount(self) -> None:
        """Show the keys."""
        self.draw_keys()

    def on_resize(self) -> None:
        """Have something focused in the new size."""
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        if self.is_current and self.focused is None:
            # What had the focus has no room on a small screen.
            self.focus_next()

    def on_unmount(self) -> None:
        """Free what Textual keeps of this screen."""
        textual_private.forget_what_was_drawn()

    def on_screen_resume(self) -> None:
        """Draw what has changed while another screen was on top."""
        self.draw()

    def draw(self) -> None:
        """Show what the app knows now."""
        self._keep_focus()
        self.draw_snapshot(self.lading.snapshot)
        self.draw_keys()

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Draw a snapshot; does nothing by default."""

    def connected(self) -> None:
        """There is an engine now: fetch what could not be fetched without one; does nothing by default."""

    def graphics_changed(self) -> None:
        """The terminal shows pictures in another way now, or in another size; does nothing by default."""

    # What is the same everywhere

    def do_help(self) -> None:
        """Show the help for this screen."""
        from tui.screens.help import Help

        self.app.push_screen(Help(self))

    def do_leave(self) -> None:
        """Detach."""
        self.lading.leave()

    def do_back(self) -> None:
        """Return to the screen below."""
        if len(self.app.screen_stack) > 1:
            self.dismiss(None)
