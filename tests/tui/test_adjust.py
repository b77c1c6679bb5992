"""lading adjust through a real engine, on a picture and a film that exiftool has read."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.client import framing
from core.client.client import Client
from core.protocol import Request
from tests.rigs.engines import lading, swept, until
from tests.rigs.media import run
from tui import cli
from tui.console import output
from tui.console.exits import Exit

pytestmark = pytest.mark.process


def card(folder: Path) -> None:
    """A camera whose clock is wrong, and a phone."""
    folder.mkdir()
    picture, film = folder / "DSC00001.JPG", folder / "VID_20240101_003000.mp4"
    Image.new("RGB", (64, 48), (9, 90, 200)).save(picture)
    color = ("-f", "lavfi", "-i", "color=size=32x32:rate=5", "-t", "1")
    run("ffmpeg", "-nostdin", "-v", "error", *color, os.fsencode(film))
    write = ("exiftool", "-q", "-n", "-overwrite_original")
    run(*write, "-Make=SONY", "-Model=ILCE-7M3", "-DateTimeOriginal=2025:12:07 00:30:00", os.fsencode(picture))
    run(*write, "-QuickTime:CreateDate=2023:12:31 15:30:07", os.fsencode(film))


def test_a_clock_is_put_right_and_back(tmp_path: Path) -> None:
    card(tmp_path / "card")
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(tmp_path / "archive"), "--location", "Basel", "--label", "A001"]
        assert lading(home, "import", str(tmp_path / "card"), *into).returncode == 0

        def names(*words: str) -> list[str]:
            return [file["path"] for file in json.loads(lading(home, "find", *words, "--json").stdout)]

        until(lambda: names("date:2024-01-01") != [] and names("camera:sony") != [])
        assert names("date:2024-01-01") == names("date:2023-12-31") == ["VID_20240101_003000.mp4"]
        shown = lading(home, "show", "VID_20240101_003000.mp4").stdout
        assert "taken           2024-01-01 00:30:07\n" in shown
        assert "zone            UTC+09:00, by the time in its name\n" in shown

        dry = lading(home, "adjust", "DSC00001", "--shift", "-1h", "--dry-run")
        assert "DSC00001.JPG  2025-12-07 00:30:00  2025-12-06 23:30:00" in dry.stdout
        assert "1 date would be corrected (shift -1h)." in dry.stdout
        assert names("date:2025-12-06") == []
        done = lading(home, "adjust", "DSC00001", "--shift", "-1h")
        assert (done.returncode, "1 date was corrected" in done.stdout) == (0, True)
        assert names("date:2025-12-06") == ["DSC00001.JPG"]
        assert "corrected       shift -1h, on 20" in lading(home, "show", "DSC00001.JPG").stdout

        zoned = json.loads(lading(home, "adjust", "A001", "--zone", "Asia/Kathmandu", "--json").stdout)
        assert (zoned["count"], zoned["what"]) == (2, "zone Asia/Kathmandu")
        assert names("date:2023-12-31") == ["VID_20240101_003000.mp4"]
        assert names("date:2024-01-01") == []
        pair = "2025-12-06 23:30 = 2026-02-01 12:00"
        assert "2026-02-01 12:00:00" in lading(home, "adjust", "camera:sony", "--camera-clock", pair).stdout
        for count in (1, 2, 1):
            undone = json.loads(lading(home, "adjust", "A001", "--undo", "--json").stdout)
            assert (undone["count"], undone["undone"]) == (count, True)
        assert names("date:2025-12-07") == ["DSC00001.JPG"]
        assert names("date:2024-01-01") == ["VID_20240101_003000.mp4"]
        assert lading(home, "adjust", "A001", "--undo").returncode == 2


def test_an_engine_that_is_gone_before_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The correction is made, but the command does not know it. Given again, it would be made twice: the command
    says how one sees what was made."""
    card(tmp_path / "card")
    call = Client.call

    async def lost(client: Client, request: Request[Any]) -> Any:
        await call(client, request)
        raise framing.lost_error()

    with swept(tmp_path / "home") as home:
        into = ["--archive", str(tmp_path / "archive"), "--location", "Basel", "--label", "A001"]
        assert lading(home, "import", str(tmp_path / "card"), *into).returncode == 0
        until(lambda: json.loads(lading(home, "find", "camera:sony", "--json").stdout) != [])
        with monkeypatch.context() as patch:
            patch.setenv("LADING_HOME", str(home))
            patch.setattr(Client, "call", lost)
            assert cli.run(["adjust", "DSC00001", "--shift", "-1h"], output.console()) == Exit.UNUSABLE
        assert "--undo --dry-run" in capsys.readouterr().err
        shown = lading(home, "adjust", "DSC00001", "--undo", "--dry-run").stdout
        assert "DSC00001.JPG  2025-12-06 23:30:00  2025-12-07 00:30:00" in shown
        assert "1 date would be taken back (shift -1h)." in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["A001"], "one of the arguments --shift --zone --camera-clock --undo is required"),
        (["A001", "--shift", "soon"], "soon is no span of time"),
        (["A001", "--zone", "Mars/Olympus"], "there is no zone Mars/Olympus"),
        (["A001", "--camera-clock", "now"], "now is no pair of times"),
        (["A001", "--shift", "+1h", "--zone", "UTC"], "not allowed with argument"),
        (["A001", "--shift", "+1h"], "There is no import yet"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    said = lading(tmp_path / "home", "adjust", *arguments)
    assert said.returncode == 2
    assert complaint.lower() in said.stderr.lower()
    assert not (tmp_path / "home/lading.db").exists()
