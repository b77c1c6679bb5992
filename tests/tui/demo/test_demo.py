"""The demonstration: what its cards hold, what becomes of them, and that nothing stays of it."""

import functools
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from PIL import Image

from core import tools
from core.volumes.filesystems import StorageKind
from core.volumes.volume import volumes
from tests.rigs.media import tool
from tests.tui.app.terminal import Terminal, terminal
from tui.demo import cards, stage
from tui.demo.sweep import main as sweep

pytestmark = pytest.mark.process

FEW = "from tui.demo import cards; cards.PHOTOS = 2; cards.FILMS = 1; from tui.cli import main; main()"

COMMAND = (sys.executable, "-c", FEW, "demo")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PHOTOS", 4)
    monkeypatch.setattr(cards, "FILMS", 1)


def names(top: str) -> set[str]:
    return {name for _, _, files in os.walk(top) for name in files}


def test_three_cards_with_photos_and_films(tmp_path: Path) -> None:
    made = cards.make(str(tmp_path / "cards"), tool("ffmpeg"), lambda told: None)
    first, second, third = map(names, made)
    assert {"IMG_0001.JPG", "IMG_0003.XMP", "MVI_0001.MP4", "MVI_0001.THM"} <= first
    assert {"DSC00001.JPG", "C0001.MP4", "IMG_0001.JPG"} <= second, "one photo lies on both"
    photo = Path(made[0], "DCIM/100CANON/IMG_0001.JPG")
    assert photo.read_bytes() == Path(made[1], "DCIM/101FOUND/IMG_0001.JPG").read_bytes()
    with Image.open(photo) as picture:
        assert picture.getexif()[0x0110] == "Canon EOS R5"
    with Image.open(Path(made[2], "DCIM/100GOPRO/GOPR0004.JPG")) as cut, pytest.raises(OSError, match="truncated"):
        cut.load()
    assert "GX010001.MP4" in third


def test_without_ffmpeg_there_are_photos_only(tmp_path: Path) -> None:
    for card in cards.make(str(tmp_path / "cards"), None, lambda told: None):
        assert names(card)
        assert not [name for name in names(card) if name.endswith(".MP4")]


def test_the_stage_is_set_and_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda name: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # A busy machine looks at them late.
    monkeypatch.setattr("tui.demo.stage.volumes", functools.partial(volumes, 60.0))
    environ = {"LADING_ARCHIVE": "/precious", "LADING_CONFIG": "/precious.toml", "PATH": os.environ["PATH"]}
    before = dict(environ)
    with stage.stage(environ, lambda told: None) as set_up:
        assert "LADING_CONFIG" not in environ
        assert set_up.settings.archive == os.path.join(os.path.dirname(set_up.settings.home), "archive")
        assert environ["LADING_ARCHIVE"] == set_up.settings.archive
        assert [(one.name, one.camera, one.kind) for one in set_up.volumes()] == [
            ("A001 EOS R5", "Canon", StorageKind.LOCAL),
            ("B002 A7S III", "Sony", StorageKind.LOCAL),
            ("C003 HERO11", "GoPro", StorageKind.LOCAL),
        ]
        loose = cards.loose(set_up.cards[2])
        size = os.path.getsize(loose)
        end = time.monotonic() + 60
        while os.path.getsize(loose) == size:
            assert time.monotonic() < end, "it does not grow"
            time.sleep(0.02)
    assert os.listdir(tmp_path) == []
    assert environ == before


def test_too_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(stage, "NEEDED_BYTES", 1 << 62)
    with pytest.raises(stage.DemoError, match="less than"), stage.stage({}, lambda told: None):
        raise AssertionError("it was set up")
    assert os.listdir(tmp_path) == []


def test_nothing_but_a_demo_is_swept_away(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no demonstration's"):
        sweep(str(tmp_path))
    assert tmp_path.exists()


def gone(folder: Path, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while list(folder.iterdir()):
        assert time.monotonic() < end, f"this stays: {list(folder.iterdir())}"
        time.sleep(0.1)


def begun(shown: Terminal) -> None:
    shown.until(b"A001 EOS R5", 120.0)
    shown.until(b"reading", 60.0)


@pytest.mark.parametrize("how", ["q", "SIGKILL"])
def test_whatever_ends_it_nothing_stays(how: str, tmp_path: Path) -> None:
    with terminal(100, 30, command=COMMAND, more={"TMPDIR": str(tmp_path)}) as shown:
        begun(shown)
        if how == "q":
            shown.type(b"q")
            assert shown.ended() == 0
            assert b"The demo is over" in shown.written
        else:
            os.kill(shown.pid, getattr(signal, how))
            shown.ended()
        gone(tmp_path)


def test_it_needs_a_terminal() -> None:
    from tests.rigs.engines import lading

    done = lading(Path("/nonexistent"), "demo")
    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True)
