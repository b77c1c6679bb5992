"""What is written to the terminal when something changes: that, and nothing else; and what it shows is right."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyte
import pytest
from rich.console import Console
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui.app.moments import STATES
from tests.tui.app.pilot import running
from tui import textual_private
from tui.widgets.lines import CLASSES, STYLES, Line, Lines, line

SIZES = ((80, 24), (120, 40))


class Mirrored:
    """A terminal that is written what Textual writes for one screen of the app."""

    def __init__(self, screen: Screen[Any]) -> None:
        width, height = screen.size
        self._screen = screen
        self._console = Console(width=width, height=height, color_system="256", force_terminal=True)
        self.drawn: list[str] = []
        self._shown = pyte.Screen(width, height)
        self._shown.set_mode(pyte.modes.LNM)
        self._stream = pyte.Stream(self._shown)
        self.write(screen._compositor.render_update(full=True))
        self.drawn.clear()

    def write(self, update: Any) -> None:
        """What Textual's app does with an update."""
        if update is not None:
            told = update.render_segments(self._console)
            self._stream.feed(told)
            self.drawn.append(told)

    def cells(self) -> list[list[Any]]:
        """Each cell with its colours."""
        return [[self._shown.buffer[y][x] for x in range(self._shown.columns)] for y in range(self._shown.lines)]

    def drawn_cells(self) -> int:
        """How many cells were written since the last call."""
        count = 0

        class Counting(pyte.Screen):
            def draw(self, data: str) -> None:
                nonlocal count
                count += len(data)

        pyte.Stream(Counting(500, 500)).feed("".join(self.drawn))
        self.drawn.clear()
        return count


@contextmanager
def mirrored(app: App[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrored]:
    """A terminal that follows the app's present screen."""
    compositor = app.screen._compositor
    terminal = Mirrored(app.screen)
    with monkeypatch.context() as patch:
        render = compositor.render_update

        def noted(full: bool = False, **how: Any) -> Any:
            update = render(full=full, **how)
            terminal.write(update)
            return update

        patch.setattr(compositor, "render_update", noted)
        yield terminal


class Styled(Screen[None]):
    """It has the styles of lines, as the app's screens have them."""

    COMPONENT_CLASSES = CLASSES


class Few(App[None]):
    """Three lines beside three others."""

    CSS = "Lines { width: 40; height: 3; } Screen { layout: horizontal; }"

    def __init__(self) -> None:
        super().__init__()
        textual_private.write_only_what_changed()

    def get_default_screen(self) -> Screen[None]:
        return Styled()

    def compose(self) -> ComposeResult:
        yield Lines(id="left")
        yield Lines(id="right")


async def put(pilot: Pilot[None], where: str, *lines: Line) -> None:
    pilot.app.query_one(f"#{where}", Lines).put(lines)
    await drawn(pilot)


async def drawn(pilot: Pilot[Any]) -> None:
    """Wait until what has changed is written."""
    await pilot.pause()
    pilot.app.screen._on_timer_update()


async def test_a_change_in_the_middle_writes_its_own_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Few()
    async with app.run_test(size=(80, 3)) as pilot:
        await put(pilot, "right", line("a" * 38), line("b" * 38))
        with mirrored(app, monkeypatch) as terminal:
            await put(pilot, "right", line("a" * 20, "X", "a" * 17), line("b" * 38))
            assert terminal.drawn_cells() == 1
            await put(pilot, "right", line("a" * 10, "Y", "a" * 9, "X", "a" * 7, "Z", "a" * 9), line("b" * 38))
            assert terminal.drawn_cells() == 19, "near ones are written with what is between them"
            await put(pilot, "right", line("a" * 38), line("b" * 38))
            terminal.drawn_cells()
            await put(pilot, "right", line("W", "a" * 36, "W"), line("b" * 38))
            assert terminal.drawn_cells() == 2, "far ones without"


async def test_characters_of_two_columns_that_move_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two changed columns each column shows the same character as before, but its other half."""
    app = Few()
    async with app.run_test(size=(80, 3)) as pilot:
        await put(pilot, "left", line("世" * 18))
        with mirrored(app, monkeypatch) as terminal:
            await put(pilot, "left", line("a" + "世" * 17 + "a"))
            assert terminal.cells() == Mirrored(app.screen).cells()


WORDS = ("a", "bb", " ", "é", "世界", "界", "█▌", "x世", "e\u0301", "…")


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_changes_the_terminal_shows_all_of_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside and below characters of two columns."""
    chance = random.Random(seed)

    def some() -> Line:
        return line(*((chance.choice(WORDS), chance.choice(("", *STYLES))) for _ in range(chance.randrange(14))))

    app = Few()
    async with app.run_test(size=(80, 3)) as pilot:
        with mirrored(app, monkeypatch) as terminal:
            lines = [some() for _ in range(3)]
            for _ in range(30):
                lines[chance.randrange(3)] = some()
                await put(pilot, chance.choice(("left", "right")), *lines)
                if chance.randrange(4) == 0:
                    # A part of a widget, wherever it begins.
                    area = Region(chance.randrange(20), chance.randrange(3), chance.randrange(1, 20), 1)
                    app.query_one("#left", Lines).refresh(area)
                    await drawn(pilot)
                assert terminal.cells() == Mirrored(app.screen).cells()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_dashboard_after_each_change_is_as_drawn_anew(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(STATES["running"], size) as shown:
        with mirrored(shown.app, monkeypatch) as terminal:
            for before, after in itertools.permutations(list(STATES)[1:5], 2):
                for state in (before, after):
                    await shown.push(STATES[state])
                    await shown.settled()
                    await drawn(shown.pilot)
                    assert terminal.cells() == Mirrored(shown.app.screen).cells(), (before, after)
