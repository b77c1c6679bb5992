"""What all screens share: keys that say why they cannot be used now, and the snapshot."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual._styles_cache import StylesCache
from textual.binding import Binding, BindingType
from textual.screen import Screen

from core.errors import LadingError
from core.models import Snapshot
from tui.glyphs import Glyphs
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import CLASSES

if TYPE_CHECKING:
    from tui.app import LadingApp

T = TypeVar("T")

HELP = Key(key="question_mark", label="help", does="help", about="what the keys do here")
LEAVE = Key(key="q,ctrl+c,ctrl+q", label="leave", does="leave", about="leave; imports go on", face="q")
BACK = Key(key="escape", label="back", does="back", about="back to where you were")


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    """The keys as Textual wants them."""
    return [Binding(key.key, f"do('{key.does}')", key.label, show=False) for key in keys]


class Base(Screen[T]):
    """A screen with keys. A key runs the method `do_NAME`, unless `why_not(NAME)` has a reason against it."""

    KEYS: ClassVar[tuple[Key, ...]] = (HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = []
    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    NAME = ""
    """What the help calls this screen."""
    ABOUT = ""
    """A sentence about it for the help."""

    @property
    def lading(self) -> "LadingApp":
        """The app, which owns the engine's end."""
        from tui.app import LadingApp

        return cast(LadingApp, self.app)

    @property
    def glyphs(self) -> Glyphs:
        """What the terminal can show."""
        return self.lading.glyphs

    @property
    def keys(self) -> Keys:
        """The last line."""
        return self.query_one(Keys)

    def why_not(self, does: str) -> str:
        """Why a key makes no sense now; empty when it does."""
        return ""

    def face(self, key: Key) -> Key:
        """A key as it is shown now."""
        return key

    def draw_keys(self) -> None:
        """Show the keys as they are now."""
        if self.is_mounted:
            self.keys.show([(self.face(key), self.why_not(key.does)) for key in self.KEYS])

    def say(self, message: str, style: str = "warn") -> None:
        """Tell something in the last line."""
        self.keys.say(message, style)

    async def action_do(self, does: str) -> None:
        """Do what a key stands for, or say why not."""
        if why := self.why_not(does):
            self.say(why)
            return
        try:
            result = getattr(self, f"do_{does}")()
            if inspect.isawaitable(result):
                await result
        except LadingError as error:
            self.say(str(error), "bad")
        self.draw_keys()

    def on_mount(self) -> None:
        """The keys as they are now."""
        self.draw_keys()

    def on_unmount(self) -> None:
        """Let go of what was drawn: Textual 8.2 remembers it by the cache that drew it, for a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()

    def on_screen_resume(self) -> None:
        """What was missed while another screen was on top."""
        self.draw()

    def draw(self) -> None:
        """Show what the app knows now."""
        self.draw_snapshot(self.lading.snapshot)
        self.draw_keys()

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show what is happening now; nothing by default."""

    # What is the same everywhere

    def do_help(self) -> None:
        """What the keys do here."""
        from tui.screens.help import Help

        self.app.push_screen(Help(self))

    def do_leave(self) -> None:
        """Detach."""
        self.lading.leave()

    def do_back(self) -> None:
        """Back to the screen below."""
        if len(self.app.screen_stack) > 1:
            self.dismiss(None)
