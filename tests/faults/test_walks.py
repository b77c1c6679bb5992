"""Complete tasks of a photographer, an archivist and an administrator, by keys only: on a real terminal, in a
session of a real sshd, with a real engine. Nothing is done on a command line."""

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rigs import disks, sshd
from tests.rigs.engines import swept
from tests.rigs.seen_cards import seen_below
from tests.tui.app.terminal import PATIENCE, Terminal, terminal

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.process,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux"),
]

MOST_KEYS = 12
"""The most keys from putting in a card to starting its import with a preset."""

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])

PRESET = '[presets.wedding]\nlocation = "Wedding {camera}"\n'
RULE = '[[auto]]\nlabel = "*"\npreset = "wedding"\n'


class Walk:
    """Presses keys, waits for the text that each has to show, and counts them."""

    def __init__(self, shown: Terminal) -> None:
        self.shown = shown
        self.keys = 0

    def press(self, key: str, then: str) -> None:
        """Press one key."""
        self.keys += 1
        self.type(key, then)

    def type(self, text: str, then: str) -> None:
        """Type a text."""
        self.shown.type(text.encode())
        self.sees(then)
        self.shown.read(0.2)

    def row(self, key: str, pattern: str) -> None:
        """Press one key that changes a row, of which what it says may stand in other rows, too."""
        self.keys += 1
        self.shown.type(key.encode())
        end = time.monotonic() + PATIENCE
        while not re.search(f"(?m){pattern}", self.shown.screen):
            assert time.monotonic() < end, f"{pattern!r} is not on\n{self.shown.screen}"
            self.shown.read(0.05)
        self.shown.read(0.2)

    def sees(self, text: str) -> None:
        """Wait for a text without pressing a key."""
        self.shown.until(text.encode())

    def back(self, then: str) -> None:
        """Press Esc."""
        self.type("\x1b", then)

    def task(self, name: str, then: str) -> None:
        """Begin a task from the list of tasks, in which the cursor is anywhere."""
        self.shown.type(b"\x1b[H")
        for _ in range(20):
            if f">{name} " in self.shown.screen:
                break
            self.type("j", ">")
        self.type("\r", then)


@contextmanager
def session(folder: Path, size: tuple[int, int], settings: str = "") -> Iterator[Walk]:
    """The app in a session over SSH, with an archive and no import yet."""
    with swept(folder / "home") as home:
        home.mkdir()
        (home / "config.toml").write_text(f'archive = "{folder / "archive"}"\n{settings}')
        environ: Mapping[str, str] = {"LANG": "C.UTF-8", "TZ": "UTC", **seen_below(folder)}
        with (
            sshd.serving(folder / "sshd", home, environ) as server,
            terminal(*size, command=server.command(terminal=True)) as shown,
        ):
            shown.until(b"READY")
            yield Walk(shown)
            shown.type(b"q")
            assert shown.ended() == 0


def pictures(folder: Path, count: int = 3) -> Path:
    """A folder as a camera makes it."""
    made = folder / "DCIM" / "100CANON"
    made.mkdir(parents=True)
    for number in range(count):
        (made / f"IMG_{number}.TXT").write_bytes(os.urandom(9000))
    return folder


@SIZES
def test_a_photographer_imports_a_card_and_takes_a_picture_out(tmp_path: Path, size: tuple[int, int]) -> None:
    with disks.disk(tmp_path, "ext4") as card:
        pictures(card.path)
        card.unmount()
        with session(tmp_path, size, PRESET) as walk:
            card.mount()
            walk.sees("3 new, 0 duplicates")
            walk.press("\r", "[x]")
            walk.press("p", "Wedding Canon")
            walk.press("s", "SAFE: all archived, read back")
            assert walk.keys <= MOST_KEYS
            walk.press("v", "BILL OF LADING")
            walk.back("CARDS")
            walk.press("t", "TASKS")
            walk.task("cards", "SAFE is said of what was on the card then")
            walk.back("TASKS")
            walk.back("THROUGHPUT")
            # One picture for the client.
            walk.press("/", "FILES, 3")
            walk.type("IMG_1", "FILES, 1")
            walk.type("\r", ">archived")
            walk.press("\r", "SHA-256")
            walk.back("FILES, 1")
            walk.press("t", "Restore 1 file to")
            walk.type(f"{tmp_path / 'out'}\r", "RESTORED  1 file")
            walk.back("FILES, 1")
            walk.press("o", "FILES, 3")
        assert [path.name for path in (tmp_path / "out").rglob("*.TXT")] == ["IMG_1.TXT"]


def test_with_a_rule_a_card_needs_no_key(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as card:
        pictures(card.path)
        card.unmount()
        with session(tmp_path, (80, 24), PRESET + RULE) as walk:
            card.mount()
            walk.sees("wedding begins in")
            walk.sees("SAFE: all archived, read back")


def test_an_archivist_brings_a_drive_in_and_looks_after_it(tmp_path: Path) -> None:
    drive = pictures(tmp_path / "drive")
    (drive / "notes.tmp").write_bytes(b"left out")
    with session(tmp_path, (80, 24)) as walk:
        walk.press("n", "SOURCES")
        walk.type("t", "tab completes")
        walk.type(f"{drive}\r", "4 new, 0 duplicates")
        walk.press("4", "enter changes")
        walk.type("jj\r", "Location")
        walk.type("Estate\r", "s starts")
        walk.type("Gk\r", "names to leave out")
        walk.type("*.tmp\r", "3 new, 0 duplicates")
        walk.press("s", "KEEP: 1 excluded")
        walk.press("t", "TASKS")
        walk.task("check by content", "is all of it in the archive?")
        walk.type(f"{drive / 'DCIM'}\r", ">SAFE  /")
        walk.back("TASKS")
        walk.task("audit", ">WELL")
        walk.back("TASKS")
        walk.task("heal", "empty: from copies only")
        walk.type("\r", "NOTHING READ")
        walk.back("TASKS")
        walk.task("restore", "the id of an import")
        walk.type("Estate\r", "nothing is overwritten")
        walk.type(f"{tmp_path / 'out'}\r", "RESTORED  3 files")
        walk.back("TASKS")
        walk.back("THROUGHPUT")
        walk.press("i", "IMPORTS, 1")
        walk.press("h", "the restored tree")
        walk.type(f"{tmp_path / 'out'}\r", f">{tmp_path}"[:40])
        walk.back("IMPORTS, 1")
        walk.press("m", "a new one is made")
        walk.type("Legacy\r", "is in Legacy")
        walk.back("IMPORTS, 1")
        walk.press("l", "the folder stays")
        walk.type("Legacy of Ada\r", "goes into the bag")
        walk.type("Two drives\r", "latitude,longitude")
        walk.type("\r", "how to get in")
        walk.type("\r", "Two drives")
        walk.back("IMPORTS, 1")
        walk.back("Legacy of Ada")
    assert len(list((tmp_path / "out").rglob("*.TXT"))) == 3


def test_an_administrator_sees_to_queues_mirrors_and_the_machine(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "IMG_1.JPG"
    broken.parent.mkdir()
    broken.write_bytes(b"no picture")
    with session(tmp_path, (120, 40), 'location = "Mill"\n') as walk:
        walk.press("n", "SOURCES")
        walk.type("t", "tab completes")
        walk.type(f"{broken.parent}\r", "1 new, 0 duplicates")
        walk.press("s", "ERRORS, 1")
        walk.press("3", "QUEUES")
        walk.press("\r", "esc back")
        for _ in range(20):
            if ">ffprobe" in walk.shown.screen:
                break
            walk.type("j", ">")
        walk.row("p", "^>ffprobe .* 0/1 .* paused *$")
        walk.row("+", "^>ffprobe .* 0/2 .* paused *$")
        walk.row("p", "^>ffprobe .* 0/2 +- *$")
        walk.back("IN FLIGHT")
        walk.press("t", "TASKS")
        walk.task("failed jobs", "IMG_1.JPG")
        walk.back("TASKS")
        walk.task("mirror", "an empty one becomes a copy")
        (tmp_path / "copy").mkdir()
        walk.type(f"{tmp_path / 'copy'}\r", "COMPLETE: 1 of 1 file")
        walk.press("t", "TASKS")
        walk.task("locations", "Mill")
        walk.back("TASKS")
        walk.task("settings", "resume_at_start")
        walk.back("TASKS")
        walk.task("log", "engine")
        walk.back("TASKS")
        walk.task("doctor", "Machine")
        walk.back("TASKS")
        walk.back("THROUGHPUT")
