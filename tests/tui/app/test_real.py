"""The way of a card through a real engine, in a real pseudo-terminal: new, start, safe, its files, its receipt."""

import sys
from pathlib import Path

from tests.rigs.engines import engine_of
from tests.tui.app.terminal import Terminal, terminal

COMMAND = (sys.executable, "-c", "from tui.cli import main; main()")


def typed(shown: Terminal, keys: str, then: str) -> None:
    shown.type(keys.encode())
    shown.until(then.encode(), 30.0)
    shown.read(0.3)


def test_from_the_card_to_the_receipt(tmp_path: Path) -> None:
    card, archive, home = tmp_path / "card", tmp_path / "archive", tmp_path / "home"
    for number in range(20):
        file = card / "DCIM" / f"IMG_{number:04}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d" % number * 1000)
    places = {"LADING_HOME": str(home), "LADING_ARCHIVE": str(archive), "LADING_LOCATION": "Mill Creek"}
    try:
        with terminal(120, 40, command=COMMAND, more=places) as shown:
            shown.until(b"READY", 30.0)
            typed(shown, "n", "SOURCES")
            typed(shown, "t", "tab completes")
            shown.type(str(card).encode())
            shown.read(1.0)
            typed(shown, "\r", "20 new")
            typed(shown, "s", "SAFE: all archived, read back")
            typed(shown, "i", "IMPORTS, 1")
            typed(shown, "\r", "IMG_0007.bin")
            typed(shown, "v", "BILL OF LADING")
            shown.type(b"q")
            assert shown.ended(5.0) == 0
        assert len(list(archive.glob("locations/*/data/*/*/*.bin"))) == 20
    finally:
        if engine := engine_of(home):
            engine.terminate()
            engine.wait(20)
