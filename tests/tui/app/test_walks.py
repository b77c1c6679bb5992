"""Complete tasks of a photographer and of an archivist, by keys only, on a real terminal with a real engine."""

import os
import sys
from pathlib import Path

import pytest

from tests.rigs import disks
from tests.rigs.engines import swept
from tests.rigs.seen_cards import seen_below
from tests.tui.app.terminal import Terminal, terminal
from tests.tui.app.test_real import COMMAND, left

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux"),
]

MOST_KEYS = 12
"""The most keys from putting in a card to starting its import with a preset."""

SIZES = ((80, 24), (120, 40))


class Walk:
    """Presses keys, waits for the text that each has to show, and counts them."""

    def __init__(self, shown: Terminal) -> None:
        self.shown = shown
        self.keys = 0

    def press(self, key: str, then: str) -> None:
        self.keys += 1
        self.type(key, then)

    def type(self, text: str, then: str) -> None:
        self.shown.type(text.encode())
        self.shown.until(then.encode())
        self.shown.read(0.2)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_card_is_imported_checked_and_restored(tmp_path: Path, size: tuple[int, int]) -> None:
    with swept(tmp_path / "home") as home, disks.disk(tmp_path, "ext4") as card:
        pictures = card.path / "DCIM" / "100CANON"
        pictures.mkdir(parents=True)
        for number in range(3):
            (pictures / f"IMG_{number}.TXT").write_bytes(os.urandom(9000))
        card.unmount()
        home.mkdir()
        (home / "config.toml").write_text(
            f'archive = "{tmp_path / "archive"}"\n[presets.wedding]\nlocation = "Wedding {{camera}}"\n'
        )
        with terminal(*size, command=COMMAND, more={"LADING_HOME": str(home), **seen_below(tmp_path)}) as shown:
            walk = Walk(shown)
            shown.until(b"READY")
            card.mount()
            shown.until(b"3 new, 0 duplicates")
            walk.press("\r", "SOURCES")
            shown.until(b"[x]")
            walk.press("p", "Wedding Canon")
            walk.press("s", "SAFE: all archived, read back")
            assert walk.keys <= MOST_KEYS
            # What an archivist does with it.
            walk.press("t", "TASKS")
            walk.press("j", ">check by content")
            walk.press("\r", "is all of it in the archive?")
            walk.type(f"{card.path}\r", ">SAFE  /")
            walk.press("\x1b", "TASKS")
            walk.press("j", ">restore")
            walk.press("\r", "the id of an import")
            walk.type("Wedding Canon\r", "nothing is overwritten")
            walk.type(f"{tmp_path / 'out'}\r", "RESTORED  3 files")
            left(shown)
        assert len(list((tmp_path / "out" / "DCIM" / "100CANON").iterdir())) == 3
