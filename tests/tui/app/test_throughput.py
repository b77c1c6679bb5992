"""The graph of the throughput: how high it is drawn."""

import pytest

from core.snapshot import LimitView, Rates
from tests.tui.app import moments
from tests.tui.app.pilot import SIZES, running
from tui.glyphs import Glyphs
from tui.widgets.pane import Room
from tui.widgets.throughput import TABLE, Throughput

pytestmark = pytest.mark.terminal

WIDTH, HEIGHT = 160, 4
FULL = "█"


def drawn(rates: Rates) -> list[str]:
    """The graph's lines, the highest first."""
    glyphs = Glyphs(utf8=True)
    room = Room(width=WIDTH, height=HEIGHT, glyphs=glyphs)
    rows = Throughput(glyphs, id="throughput").rows(moments.moment(rates=rates), room).rows
    return ["".join(text for text, _ in lines[0])[1 : WIDTH - TABLE - 1] for lines in rows]


def test_reading_back_does_not_press_reading_and_writing_flat() -> None:
    steady, burst = (100e6,) * 110, (0.0,) * 55 + (2000e6,) + (0.0,) * 54
    highest = drawn(Rates(read_history=steady, written_history=steady, verified_history=burst))[0]
    assert highest.count(FULL) == 110


@pytest.mark.parametrize("peak", [1e6, 900e6])
def test_where_nothing_arrives_reading_back_is_drawn(peak: float) -> None:
    quiet, back = (0.0,) * 60, (peak / 2,) * 30 + (peak,) * 30
    lines = drawn(Rates(read_history=quiet, written_history=quiet, verified_history=back))
    assert [line.count(FULL) for line in lines] == [30, 30, 60, 60]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/home/ada/.config/lading/config.toml", "as config.toml says, for each card"),
        ("LADING_READ_LIMIT", "as LADING_READ_LIMIT says, for each card"),
        ("", "as the settings say, for each card"),
    ],
)
def test_a_limit_of_reading_is_told_with_the_place_that_it_comes_from(place: str, said: str) -> None:
    paced = LimitView(name=f"pace {moments.B002.id}", busy=1, ceiling=1, waiting=90)
    moment = moments.moment(limits=(paced,), read_limit=1_000_000, read_limit_from=place)
    glyphs = Glyphs(utf8=True)
    room = Room(width=118, height=6, glyphs=glyphs)
    rows = Throughput(glyphs, id="throughput").rows(moment, room).rows
    *_, limit, advice = ["".join(text for text, _ in lines[0]) for lines in rows[:5]]
    assert (limit.rstrip().endswith("LIMIT: read_limit = 1 MB/s"), advice.rstrip().endswith(said)) == (True, True)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_enlarged_it_fills_the_screen(size: tuple[int, int]) -> None:
    async with running(moments.RUNNING, size) as app:
        await app.press("2", "enter")
        lines = app.text.splitlines()
        assert lines[3].split()[-6:] == ["MB/s", "now", "mean", "peak", "esc", "back"]
        graph = [line for line in lines[4:-1] if set(line) & set("▁▂▃▄▅▆▇█")]
        assert len(graph) == size[1] - 5
