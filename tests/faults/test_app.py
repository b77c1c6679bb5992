"""The way of a card through a real engine, in a real pseudo-terminal: new, start, safe, its files, its receipt; a
part of it left out; what failed, tried again; what was brought in, found; paused, cancelled, away and back."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from core.workers.read_source import ARENA
from tests.core.importing.rig import write
from tests.rigs.engines import SLOWLY, clip, freeze, lading, swept, until
from tests.rigs.seen_cards import seen_below
from tests.tui.app.conftest import plain_environment
from tests.tui.app.terminal import PATIENCE, Terminal, terminal
from tui.console.exits import Exit

__all__ = ["plain_environment"]

pytestmark = [pytest.mark.terminal, pytest.mark.process]

COMMAND = (sys.executable, "-c", "from tui.cli import main; main()")

BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Permissions bind even root."""

FIRST, SECOND = ARENA + 1, 256 << 20
"""Bytes of the files of a card whose import is met in the middle: when the first has arrived."""

ENDED = b"SAFE, 2 cannot be opened: A001.MOV, CLIP.MOV"
"""What is said of that card at the end: its files bear the names of films, and hold none."""


def typed(shown: Terminal, keys: str, then: str) -> None:
    shown.type(keys.encode())
    shown.until(then.encode(), PATIENCE)
    shown.read(0.3)


@contextmanager
def app(folder: Path, command: Sequence[str] = COMMAND, **more: str) -> Iterator[Terminal]:
    """The app with an engine of its own, an archive and no import yet."""
    with swept(folder / "home") as home:
        places = {
            "LADING_HOME": str(home),
            "LADING_ARCHIVE": str(folder / "archive"),
            **seen_below(folder),
            **more,
        }
        with terminal(120, 40, command=command, more=places) as shown:
            shown.until(b"READY", PATIENCE)
            yield shown


def chosen(shown: Terminal, card: Path, counted: str) -> None:
    """A new import of this card, of which so much is counted."""
    typed(shown, "n", "SOURCES")
    typed(shown, "t", "tab completes")
    typed(shown, f"{card}\r", counted)


def left(shown: Terminal) -> None:
    shown.type(b"q")
    assert shown.ended() == 0


def sizes(folder: Path) -> list[int]:
    """The bytes of what is archived."""
    return sorted(path.stat().st_size for path in (folder / "archive").glob("locations/*/data/*/*/*"))


def test_from_the_card_to_the_receipt(tmp_path: Path) -> None:
    card = tmp_path / "card"
    for number in range(20):
        write(card / "DCIM" / f"IMG_{number:04}.bin", b"%d" % number * 1000)
    with app(tmp_path, LADING_LOCATION="Mill Creek") as shown:
        chosen(shown, card, "20 new")
        typed(shown, "s", "SAFE: all archived, read back")
        typed(shown, "i", "IMPORTS, 1")
        typed(shown, "\r", "IMG_0007.bin")
        typed(shown, "v", "BILL OF LADING")
        left(shown)
    assert len(sizes(tmp_path)) == 20


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which(BOUND[0]), reason="root may read all without setpriv")
def test_what_failed_is_tried_again_and_found(tmp_path: Path) -> None:
    card = tmp_path / "card"
    for name in ("DCIM/one.bin", "DCIM/shut.bin", "left/out.bin"):
        write(card / name, name.encode() * 1000)
    shut = card / "DCIM/shut.bin"
    shut.chmod(0)
    with app(tmp_path, (*BOUND, *COMMAND) if os.geteuid() == 0 else COMMAND) as shown:
        chosen(shown, card, "3 new")
        typed(shown, "l", "left/")
        typed(shown, "j ", "What is left out is not archived")
        typed(shown, "4jj", "type to find")
        typed(shown, "\r", "enter takes it")
        typed(shown, "Mill Creek\r", "Mill Creek")
        typed(shown, "s", "KEEP")
        # In vain.
        typed(shown, "r", "1 file of card tried again.")
        typed(shown, "i", "IMPORTS, 1")
        typed(shown, "w", "card/DCIM/shut.bin")
        shut.chmod(0o644)
        typed(shown, "r", "Nothing has failed.")
        typed(shown, "\x1b", "IMPORTS, 1")
        typed(shown, "/", "card, location")
        typed(shown, "shut", "Mill Creek")
        typed(shown, "\r", "shut.bin")
        typed(shown, "\r", "SHA-256")
        left(shown)
    assert len(sizes(tmp_path)) == 2


@contextmanager
def midway(folder: Path) -> Iterator[tuple[Terminal, list[psutil.Process]]]:
    """The app finds an import in the middle of its second file; the workers that stand still there."""
    card = clip(folder / "card", SECOND)
    # Too large to wait for others: it comes first, also where only one file is read at a time.
    (card / "A001.MOV").write_bytes(b"a" * FIRST)
    with swept(folder / "home") as home:
        given = ("--archive", str(folder / "archive"), "--location", "Mill Creek", "--detach")
        assert lading(home, "import", str(card), *given, more=SLOWLY).returncode == Exit.WELL
        frozen = freeze(home)
        until(lambda: json.loads(lading(home, "status", "--json").stdout)["imports"][0]["archived"]["files"])
        # Wide, so that the path of a test's folder is not cut off.
        with terminal(250, 40, command=COMMAND, more={"LADING_HOME": str(home), **seen_below(folder)}) as shown:
            shown.until(b"reading", PATIENCE)
            yield shown, frozen
            left(shown)


def thaw(frozen: list[psutil.Process]) -> None:
    for worker in frozen:
        # A cancelled import has killed those that held something of it.
        with suppress(psutil.NoSuchProcess):
            worker.resume()


def test_p_pauses_and_lets_go_on(tmp_path: Path) -> None:
    with midway(tmp_path) as (shown, frozen):
        typed(shown, "p", "PAUSED: by the user")
        thaw(frozen)
        typed(shown, "p", "card goes on.")
        shown.until(ENDED, PATIENCE)
    assert sizes(tmp_path) == [FIRST, SECOND]


def test_x_asks_once_and_cancels(tmp_path: Path) -> None:
    with midway(tmp_path) as (shown, frozen):
        typed(shown, "x", "1 file (8.39 MB) stays in the archive, with a receipt.")
        typed(shown, "\x1b", "reading")
        typed(shown, "x", "1 file would not be archived: the card is not safe.")
        shown.type(b"y")
        thaw(frozen)
        shown.until(b"CANCELLED, 1 archived: keep this card", PATIENCE)
    assert sizes(tmp_path) == [FIRST]


def test_a_card_that_is_pulled_out_and_put_back(tmp_path: Path) -> None:
    card, pulled = tmp_path / "card", tmp_path / "pulled"
    with midway(tmp_path) as (shown, _):
        card.rename(pulled)
        shown.until(f"PAUSED: {card} does not answer any more".encode(), PATIENCE)
        typed(shown, "\r", "Plug it in or mount it again: the import goes on by itself.")
        pulled.rename(card)
        shown.until(ENDED, PATIENCE)
    assert sizes(tmp_path) == [FIRST, SECOND]
