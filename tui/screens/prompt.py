"""A line to type in, with completions below it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from core.errors import LadingError
from core.threads import aside
from tui.glyphs import Glyphs
from tui.type_ahead import Waits, raise_it
from tui.widgets.field import Field
from tui.widgets.lines import CLASSES, Lines, line, width_of

Offer = Callable[[str], Sequence[str]]
"""Returns the completions of what was typed. It is called in a thread, because a folder may not answer."""

Check = Callable[[str], Awaitable[str]]
"""Returns why an answer cannot be taken; empty: it can. The question stays open until then."""

ROOM = 72
"""Columns in the box, as in the style sheet."""

SHOWN = 8
"""The most completions that are shown at once."""

BOX_LINES = 7
"""Lines of the box beside the question and the completions."""

QUESTION_LINES = 3
"""The most lines of a question: it can name a card whose name is very long."""

LOOKING = "It is looked at whether that can be taken."

OFFER_TIMEOUT = 8.0
"""Seconds that finding completions may take."""

KEY_WAIT = 1.0
"""The longest that a key typed before completions are found waits for them, in seconds."""


class Ask(ModalScreen[str | None], Waits):
    """Enter accepts the text, or the completion chosen with the arrows; tab completes; Esc cancels."""

    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "leave", show=False),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def __init__(
        self,
        question: str,
        answer: str,
        glyphs: Glyphs,
        *,
        about: str = "",
        offer: Offer | None = None,
        check: Check | None = None,
    ) -> None:
        super().__init__()
        self._question = question
        self._answer = answer
        self._about = about
        self._offer = offer
        self._glyphs = glyphs
        self._offered: list[str] = []
        self._cursor = -1
        self._looking: asyncio.Task[None] | None = None
        self._check = check
        self._checking: asyncio.Task[None] | None = None

    def waits(self, key: str) -> bool:
        """Whether this key has to wait until it is known whether the answer can be taken."""
        return self._checking is not None and key not in ("escape", "ctrl+c")

    def compose(self) -> ComposeResult:
        """The question, the line and the completions."""
        with Vertical(id="box"):
            yield Lines(id="question")
            yield Field(self._answer, compact=True, select_on_focus=True)
            yield Lines(id="offers")

    def on_mount(self) -> None:
        """Focus the line."""
        self._put_question()
        box = self.query_one(Input)
        # A blinking cursor would send data over a slow link.
        box.cursor_blink = False
        box.focus()
        self._look(self._answer)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show completions."""
        self._look(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the answer, once it can be taken."""
        event.stop()
        answer = self._offered[self._cursor] if self._cursor >= 0 else event.value.strip()
        if self._check is None:
            self.dismiss(answer)
        elif self._checking is None:
            self._checking = asyncio.create_task(self._try(self._check, answer))
            self.set_timer(KEY_WAIT, self._tell_checking)

    def _tell_checking(self) -> None:
        if self._checking is not None:
            self._about = LOOKING
            self._put_question()

    async def _try(self, check: Check, answer: str) -> None:
        try:
            why = await check(answer)
        except LadingError as error:
            why = str(error)
        except Exception as error:
            # Nobody awaits this task, so its error is raised in the app, which ends with it.
            self.app.call_later(raise_it, error)
            return
        finally:
            self._checking = None
        if not self.is_current:
            return
        if why:
            self._about = why
            self._put_question()
        else:
            self.dismiss(answer)

    def _put_question(self) -> None:
        question, about = self._glyphs.text(self._question), self._glyphs.text(self._about)
        together = line((question, "title"), "  ", (about, "dim"))
        room = min(ROOM, self.app.size.width - 4)
        if width_of(together) > room:
            asked = self._glyphs.shorten(self._glyphs.wrap(question, room), QUESTION_LINES, room)
            told = self._glyphs.wrap(about, room)
            lines = [*(line((one, "title")) for one in asked), *(line((one, "dim")) for one in told)]
        else:
            lines = [together]
        self.query_one("#question", Lines).put(lines)

    def on_resize(self, event: events.Resize) -> None:
        """Redraw for the new width."""
        self._put_question()
        self._draw()

    def action_leave(self) -> None:
        """Close without a change."""
        self.dismiss(None)

    async def action_move(self, by: int) -> None:
        """Choose a completion."""
        await self._wait_for_offers()
        if self._offered:
            self._cursor = min(max(self._cursor + by, -1), len(self._offered) - 1)
            self._draw()

    async def action_complete(self) -> None:
        """Insert the chosen completion, or the common beginning of all."""
        await self._wait_for_offers()
        box = self.query_one(Input)
        typed = box.value.casefold()
        begun = [one for one in self._offered if one.casefold().startswith(typed)]
        if self._cursor < 0 and not begun:
            return
        text = self._offered[self._cursor] if self._cursor >= 0 else _common(begun)
        if self._cursor >= 0 or len(text) >= len(box.value):
            box.value = text
            box.cursor_position = len(text)

    def on_unmount(self) -> None:
        """Stop what goes on in the background."""
        for task in (self._looking, self._checking):
            if task is not None:
                task.cancel()

    def _look(self, typed: str) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._offered, self._cursor = [], -1
        self._draw()
        if self._offer is not None:
            self._looking = asyncio.create_task(self._find(self._offer, typed))

    async def _wait_for_offers(self) -> None:
        """Wait for the completions of what was typed, KEY_WAIT at most: a key that acts on completions may be
        typed before they are found."""
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=KEY_WAIT)

    async def _find(self, offer: Offer, typed: str) -> None:
        try:
            self._offered = list(await aside(lambda: offer(typed), OFFER_TIMEOUT))
        except TimeoutError:
            return
        except Exception as error:
            # Nobody awaits this task, so its error is raised in the app, which ends with it.
            self.app.call_later(raise_it, error)
            return
        self._draw()

    def _draw(self) -> None:
        width = max(10, self.query_one("#box").size.width - 4)
        asked = len(self.query_one("#question", Lines).lines)
        shown = max(1, min(SHOWN, self.app.size.height - BOX_LINES - asked))
        first = max(0, min(self._cursor - shown // 2, len(self._offered) - shown))
        told = [
            line(
                (">" if number == self._cursor else " ", "title"),
                " ",
                (self._glyphs.tail(self._glyphs.text(self._offered[number]), width - 2), "on"),
            )
            for number in range(first, min(first + shown, len(self._offered)))
        ]
        if len(self._offered) > shown:
            told.append(line((f"  {first + 1} to {first + shown} of {len(self._offered):,}", "dim")))
        self.query_one("#offers", Lines).put(told or [line(("  enter takes it, esc leaves it as it was", "dim"))])


def _common(texts: Sequence[str]) -> str:
    """The common beginning of all texts, regardless of case, in the spelling of the first one."""
    folded = sorted(text.casefold() for text in texts)
    pairs = zip(folded[0], folded[-1], strict=False)
    size = next((at for at, (a, b) in enumerate(pairs) if a != b), len(folded[0]))
    return texts[0][:size]
