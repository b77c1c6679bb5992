"""What part of its rows a pane shows while another row is chosen."""

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen

from tui.glyphs import Glyphs
from tui.widgets.lines import CLASSES, Line, line
from tui.widgets.pane import Lazy, Pane, Room, Rows, window

pytestmark = pytest.mark.terminal


class Numbers(Pane):
    """Fifty rows, each with its number."""

    def content(self, room: Room) -> Rows:
        return Rows(title="ROWS", rows=Lazy(50, lambda number: line(f"row {number}")))


class OnlyNumbers(Screen[None]):
    """A pane with room for ten rows below its title."""

    CSS = "Numbers { height: 11; }"
    COMPONENT_CLASSES = CLASSES

    def compose(self) -> ComposeResult:
        yield Numbers(Glyphs(), id="numbers")


async def test_rows_scroll_only_when_the_cursor_leaves_them() -> None:
    async with App[None]().run_test(size=(60, 20)) as pilot:
        await pilot.app.push_screen(OnlyNumbers())
        pane = pilot.app.screen.query_one(Numbers)
        pane.focus()
        await pilot.pause()

        def shown() -> tuple[int, str, str]:
            title, first, *_, last = pane.plain.splitlines()
            return pane.cursor, f"{first}, {last}", title.split("   ")[-1].strip()

        assert shown() == (0, "row 0, row 9", "1 to 10 of 50")
        await pilot.press(*"j" * 9)
        assert shown() == (9, "row 0, row 9", "1 to 10 of 50")
        await pilot.press("j")
        assert shown() == (10, "row 1, row 10", "2 to 11 of 50")
        await pilot.press(*"k" * 9)
        assert shown() == (1, "row 1, row 10", "2 to 11 of 50")
        await pilot.press("k")
        assert shown() == (0, "row 0, row 9", "1 to 10 of 50")
        await pilot.press("G")
        assert shown() == (49, "row 40, row 49", "41 to 50 of 50")
        await pilot.press("k")
        assert shown() == (48, "row 40, row 49", "41 to 50 of 50")
        await pilot.press("g")
        assert shown() == (0, "row 0, row 9", "1 to 10 of 50")


def test_only_rows_near_the_cursor_are_made() -> None:
    made: list[int] = []

    def make(number: int) -> Line:
        made.append(number)
        return line(str(number))

    _, owners = window(Lazy(1_000_000, make), 700_000, 10, 0)
    assert owners == list(range(699_991, 700_001))
    assert set(made) <= set(range(699_990, 700_011))


@pytest.mark.parametrize(
    ("cursor", "first", "height", "expected"),
    [
        (0, 0, 7, [0, 0, 0, 1, 1, 1]),
        (2, 0, 7, [1, 1, 1, 2, 2, 2]),
        (1, 1, 7, [1, 1, 1, 2, 2, 2]),
        (1, 4, 7, [1, 1, 1, 2, 2, 2]),
        (4, 4, 7, [3, 3, 3, 4, 4, 4]),
        (9, 9, 7, [3, 3, 3, 4, 4, 4]),
        (2, 0, 2, [2, 2]),
    ],
)
def test_rows_of_several_lines(cursor: int, first: int, height: int, expected: list[int]) -> None:
    rows = [tuple(line(f"{number} {part}") for part in range(3)) for number in range(5)]
    lines, owners = window(rows, cursor, height, first)
    assert owners == expected
    assert len(lines) == len(owners)


def test_a_pane_without_rows_shows_none() -> None:
    assert window((), 0, 5, 3) == ([], [])
