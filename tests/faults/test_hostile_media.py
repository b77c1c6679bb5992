"""Pictures and films that would fill the memory, or read what is not theirs."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.core.importing.rig import write
from tests.rigs import machines, making, media
from tests.rigs.engines import ROOT

pytestmark = machines.linux

SIDE = 26_000
BOUND = 400
"""MiB that a picture may take; the bomb takes more than 600."""

MAKE = "import sys; from tests.rigs.making import make; {before}make(sys.argv[1], film={film})"
UNGUARDED = "from core.derivatives import images; images.PIXELS = 1 << 40; images.Image.MAX_IMAGE_PIXELS = None; "


def bomb(path: Path) -> Path:
    """A PNG of 676 megapixels in less than 100 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pack, row = zlib.compressobj(9), bytes(1 + SIDE)
    data = b"".join(pack.compress(row) for _ in range(SIDE)) + pack.flush()
    head = struct.pack(">2I5B", SIDE, SIDE, 8, 0, 0, 0, 0)
    return write(path, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def made(path: Path, *, film: bool = False, before: str = "") -> tuple[int, int]:
    """Exit status and MiB of memory of a process that makes thumbnails of a file."""
    command = [sys.executable, "-c", MAKE.format(before=before, film=film), str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss >> 10


def check_bounded(path: Path, before: str = "") -> None:
    """It takes no more than it may."""
    _, memory = made(path, before=before)
    assert memory < BOUND, f"{memory} MiB"


@pytest.mark.promise(24)
def test_a_decompression_bomb_takes_no_memory(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.png")
    assert path.stat().st_size < 1 << 20
    check_bounded(path)
    assert [one.name for one in tmp_path.iterdir()] == ["bomb.png"]


@pytest.mark.control(24)
def test_control_a_decoder_without_a_limit_takes_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="MiB"):
        check_bounded(bomb(tmp_path / "bomb.png"), UNGUARDED)


PLAYLISTS = {
    "list.mp4": "ffconcat version 1.0\nfile '{0}'\n",
    "list.mov": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{0}\n#EXT-X-ENDLIST\n",
    "list.mkv": "ffconcat version 1.0\n" + "file 'list.mkv'\n" * 3,
}


@pytest.mark.promise(24)
@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_reads_nothing_but_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / "card").mkdir()
    secret = making.film(tmp_path, "secret.mp4", *making.shown(), *making.X264)
    path = write(tmp_path / "card" / name, PLAYLISTS[name].format(secret).encode())
    status, _ = made(path, film=True)
    assert status != 0
    assert [one.name for one in path.parent.iterdir()] == [name]


@pytest.mark.control(24)
def test_control_ffmpeg_as_it_comes_follows_a_playlist(tmp_path: Path) -> None:
    secret = making.film(tmp_path, "secret.mp4", *making.shown(), *making.X264)
    path = write(tmp_path / "list.mp4", PLAYLISTS["list.mp4"].format(secret).encode())
    media.run("ffmpeg", "-v", "error", "-nostdin", "-safe", "0", "-i", str(path), str(tmp_path / "out.mp4"))
    assert (tmp_path / "out.mp4").stat().st_size > 1000
