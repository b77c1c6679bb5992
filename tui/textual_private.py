"""Uses of Textual's private parts, where there is no public way. Each was checked in 8.2.0 to 8.2.8."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.control import Control
from textual import _compositor, constants
from textual._styles_cache import StylesCache
from textual._time import get_time
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.app import App
from textual.command import CommandList, CommandPalette
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.strip import Strip

from tui.graphics import AnswerFilter, Graphics


def forget_what_was_drawn() -> None:
    """Free what Textual caches of drawn edges: the cache, for a thousand widgets, holds references to closed
    screens."""
    StylesCache.get_inner_outer.cache_clear()


class _Exact(_compositor.ChopsUpdate):
    """An update that writes the columns which changed. Textual's own cuts a line at their right end only, and so
    writes again what stands to the left of them in the same widget (its issue 5625)."""

    def render_segments(self, console: Console) -> str:
        written: list[str] = []
        for row, first, last in self.spans:
            for end, (column, strip) in zip(self.chop_ends[row], self.chops[row].items(), strict=False):
                left, right = max(column, first), min(end, last)
                if strip is None or left >= right:
                    continue
                while not _can_be_cut(strip, left - column):
                    left -= 1
                while not _can_be_cut(strip, right - column):
                    right += 1
                part = strip.crop(left - column, right - column)
                written += (Control.move_to(left, row).segment.text, part.render(console))
        return "".join(written)


def _can_be_cut(strip: Strip, column: int) -> bool:
    """Whether no character is in both of the columns before and after: one of two columns, which becomes a space
    when it is cut, or a base with combining characters, which Textual counts to what follows."""
    if not 0 < column < strip.cell_length:
        return True
    before, after = strip.crop(column - 1, column).text, strip.crop(column, column + 1).text
    both = strip.crop(column - 1, column + 1).text
    return both == before + after and cell_len(after[:1]) > 0


def write_only_what_changed() -> None:
    """Let Textual write to the terminal no more of a line than has changed."""
    _compositor.ChopsUpdate = _Exact  # type: ignore[misc]


def write_to_terminal(app: App[Any], sequence: str) -> None:
    """Send an escape sequence that Textual does not know directly to the terminal; does nothing where there is
    none."""
    if app._driver is not None:
        app._driver.write(sequence)


class Palette(CommandPalette):
    """Textual's list of commands, which fails on a key that turns a page while the list has no room yet."""

    def _action_command_list(self, action: str) -> None:
        if not action.startswith("page_") or self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)


class TerminalAnswered(Message):
    """The terminal has said what it can show."""

    def __init__(self, graphics: Graphics) -> None:
        super().__init__()
        self.graphics = graphics


class PasteFilter:
    """Takes ESC out of what is pasted: Textual would read what follows it as keys, which then act on the screen.
    Most terminals take it out themselves, tmux does not."""

    def __init__(self) -> None:
        self._pasting = False
        self._kept = ""

    def take(self, data: str) -> str:
        """What is left of the next piece of what the terminal sends."""
        data, self._kept = self._kept + data, ""
        left: list[str] = []
        while data:
            mark = BRACKETED_PASTE_END if self._pasting else BRACKETED_PASTE_START
            before, found, data = data.partition(mark)
            if self._pasting:
                if not found:
                    # The mark may come in two pieces.
                    cut = next((n for n in range(len(mark) - 1, 0, -1) if before.endswith(mark[:n])), 0)
                    before, self._kept = before[: len(before) - cut], before[len(before) - cut :]
                before = before.replace("\x1b", "")
            left += (before, found)
            self._pasting ^= bool(found)
        return "".join(left)


class _Parser(XTermParser):
    """Takes answers out of what the terminal sends, before the rest is read as keys: Textual would take an answer
    that it does not know for keys that were pressed one after the other."""

    def __init__(self, answers: AnswerFilter, debug: bool = False) -> None:
        super().__init__(debug)
        self._answers = answers
        self._pastes = PasteFilter()
        self._fed = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        typed, graphics = self._answers.take(data)
        self._fed = get_time()
        if graphics is not None:
            yield TerminalAnswered(graphics)
        typed = self._pastes.take(typed)
        if typed or not data:
            yield from super().feed(typed)

    def tick(self) -> Iterable[Message]:
        if get_time() - self._fed >= constants.ESCAPE_DELAY and (late := self._answers.release()):
            yield from super().feed(late)
        yield from super().tick()


def listening_driver(driver: type[Driver], answers: AnswerFilter) -> type[Driver]:
    """A driver that sends the app a `TerminalAnswered` when `answers` has parsed one."""
    if driver is not LinuxDriver:
        return driver

    class Listening(LinuxDriver):
        def run_input_thread(self) -> None:
            # This is where Textual makes its parser; the name is looked up in its module.
            linux_driver.XTermParser = partial(_Parser, answers)  # type: ignore[attr-defined, assignment]
            super().run_input_thread()

    return Listening


def draws_on_terminal(app: App[Any]) -> bool:
    """Whether the app draws on a terminal."""
    return app._driver is not None and not app._driver.is_headless
