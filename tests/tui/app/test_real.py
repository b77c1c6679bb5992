"""The way of a card through a real engine, in a real pseudo-terminal: new, start, safe, its files, its receipt; a
part of it left out; what failed, tried again; what was brought in, found."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.rigs.engines import engine_of
from tests.tui.app.terminal import Terminal, terminal

COMMAND = (sys.executable, "-c", "from tui.cli import main; main()")

BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Permissions bind even root."""


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
        ended(home)


def ended(home: Path) -> None:
    """The engine of the test goes."""
    if engine := engine_of(home):
        engine.terminate()
        engine.wait(20)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which(BOUND[0]), reason="root may read all without setpriv")
def test_what_failed_is_tried_again_and_found(tmp_path: Path) -> None:
    card, home = tmp_path / "card", tmp_path / "home"
    for name in ("DCIM/one.bin", "DCIM/shut.bin", "left/out.bin"):
        file = card / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode() * 1000)
    shut = card / "DCIM/shut.bin"
    shut.chmod(0)
    places = {"LADING_HOME": str(home), "LADING_ARCHIVE": str(tmp_path / "archive")}
    command = (*BOUND, *COMMAND) if os.geteuid() == 0 else COMMAND
    try:
        with terminal(120, 40, command=command, more=places) as shown:
            shown.until(b"READY", 30.0)
            typed(shown, "n", "SOURCES")
            typed(shown, "t", "tab completes")
            shown.type(str(card).encode())
            shown.read(1.0)
            typed(shown, "\r", "3 new")
            typed(shown, "l", "left/")
            typed(shown, "j ", "What is left out is not archived")
            typed(shown, "4j", "type to find")
            typed(shown, "\r", "enter takes it")
            shown.type(b"Mill Creek")
            shown.read(1.0)
            typed(shown, "\r", "Mill Creek")
            typed(shown, "s", "KEEP")
            typed(shown, "i", "IMPORTS, 1")
            typed(shown, "w", "card/DCIM/shut.bin")
            shut.chmod(0o644)
            typed(shown, "r", "Nothing has failed.")
            shown.type(b"\x1b")
            shown.read(1.0)
            typed(shown, "/", "card, location")
            typed(shown, "shut", "Mill Creek")
            typed(shown, "\r", "shut.bin")
            typed(shown, "\r", "SHA-256")
            shown.type(b"q")
            assert shown.ended(5.0) == 0
        assert len(list((tmp_path / "archive").glob("locations/*/data/*/*/*.bin"))) == 2
    finally:
        ended(home)
