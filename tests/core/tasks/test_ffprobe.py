"""ffprobe on real files: what it says alone is what we keep, and it reads nothing but the file it is given."""

import asyncio
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import tools
from core.media.metadata import unpack
from core.tasks import ffprobe
from core.tasks.child_processes import Argument, Child
from core.tasks.ffprobe import Ffprobe
from core.tasks.task import ItemFacts
from tests.core.tasks.itemrig import Files, behind, children, rows, wait_until_gone
from tests.rigs.media import make_media, run
from tests.rigs.stopped import stopped

pytestmark = pytest.mark.process

ENCODE = ("ffmpeg", "-v", "error", "-nostdin", "-y")
SHOWN = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1")
BT2020 = "color_primaries=bt2020:colorspace=bt2020nc"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = os.fsencode(tmp_path_factory.mktemp("media"))
    found = {os.fsdecode(os.path.basename(path)): path for path in make_media(root)}
    made: dict[str, tuple[str, ...]] = {
        "pq.mp4": (*SHOWN, *X264, "-vf", f"setparams={BT2020}:color_trc=smpte2084"),
        "hlg.mov": (*SHOWN, *X264, "-vf", f"setparams={BT2020}:color_trc=arib-std-b67"),
        "odd.mkv": (*SHOWN, "-vf", "scale=321:241", "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
        "variable.mp4": (*SHOWN, *X264, "-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "vfr"),
        "coded.mov": (*SHOWN, *X264, "-timecode", "01:02:03:04"),
        "sound.wav": ("-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000"),
        "sound.m4a": ("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"),
        "stream.m2ts": (*SHOWN, "-c:v", "mpeg2video"),
        "old.avi": (*SHOWN, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
        "web.webm": (*SHOWN, "-c:v", "libvpx", "-deadline", "realtime"),
        "tape.mxf": (*SHOWN, "-c:v", "mpeg2video", "-timecode", "10:00:00:00"),
    }
    for name, options in made.items():
        found[name] = os.path.join(root, name.encode())
        run(*ENCODE, *options, b"file:" + found[name])
    return found


@pytest.fixture(scope="module")
def raw_films(media: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Films whose codec ffprobe does not know: those of cameras but for their pictures."""
    folder = tmp_path_factory.mktemp("raw")
    content = Path(os.fsdecode(media["coded.mov"])).read_bytes()
    found: dict[str, bytes] = {}
    for name, codec in (("a.braw", b"brhq"), ("a.CRM", b"CRAW"), ("a.nev", b"nraw")):
        file = folder / name
        file.write_bytes(content.replace(b"avc1", codec).replace(b"avcC", b"free"))
        found[name] = os.fsencode(file)
    film = Path(os.fsdecode(media["tape.mxf"])).read_bytes()
    for mpeg, sony in SONY_RAW:
        assert bytes.fromhex(mpeg) in film
        film = film.replace(bytes.fromhex(mpeg), bytes.fromhex(sony))
    for name, data in (("a.mxf", film), ("a.r3d", redcode()), ("not.r3d", b"nothing of the kind" * 99)):
        (folder / name).write_bytes(data)
        found[name] = os.fsencode(folder / name)
    return found


SONY_RAW = (
    ("060e2b34040101030401020201011100", "060e2b340401010a0e06040102040201"),
    ("060e2b34040101020d01030102046001", "060e2b340401010a0e060d0302010000"),
    ("060e2b34010201010d01030115", "060e2b34010201010e06030115"),
)
"""Of MPEG-2, and of Sony's RAW as in MediaInfoLib's File_Mxf.cpp: the labels of the coding and of the container,
and the beginning of the frames' key."""


def redcode() -> bytes:
    """The header of a REDCODE film of the second version, laid out as exiftool's Red.pm reads it."""
    tags = [(0x1000, b"01:00:00:00"), (0x1001, b"01:02:03:04"), (0x1071, b"RIG EPIC"), (0x1056, b"A001_C001.R3D")]
    tags.append((0x1042, bytes(240)))  # a directory is 300 bytes long at least
    directory = b"".join(struct.pack(">HH", len(value) + 4, tag) + value for tag, value in tags)
    rdi = b"rdi\x01" + bytes(4) + struct.pack(">IIHHHH", 5120, 2700, 0, 1001, 0, 24000)
    body = bytes(56) + b"\x01\0\0\x01" + rdi.ljust(24, b"\0") + struct.pack(">H", len(directory)) + directory
    return (struct.pack(">I", 8 + len(body)) + b"RED2" + body).ljust(1 << 16, b"\0")


@pytest.fixture
async def task() -> AsyncIterator[Ffprobe]:
    task = Ffprobe()
    yield task
    await task.close()


def alone(path: bytes) -> dict[str, Any]:
    """What ffprobe itself says of one file."""
    argv = ("ffprobe", "-v", "quiet", "-of", "json", "-show_format", "-show_streams", "-show_error")
    found: dict[str, Any] = json.loads(subprocess.run([*argv, path], capture_output=True, check=False).stdout)
    return found


def fake(folder: Path, script: str) -> str:
    file = folder / "ffprobe"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(folder)


async def test_every_file_as_ffprobe_says_it(media: dict[str, bytes]) -> None:
    names = [
        name for name in media if name.endswith(("mp4", "mov", "mkv", "wav", "m4a", "m2ts", "avi", "webm", "mxf"))
    ]
    task = Ffprobe(search=os.environ["PATH"])
    found = rows("probe", await Files(media[name] for name in names).run(task))
    await task.close()
    assert len(found) == len(names) == 15
    for name, row in zip(names, found, strict=True):
        said = alone(media[name])
        said.get("format", {}).pop("filename", None)
        assert json.loads(unpack(row["raw"])) == said
        if "error" in said:
            assert name == "cut short.mp4"
            assert row["error"] == said["error"]["string"]
            continue
        assert row["error"] is None
        assert row["duration"] == float(said["format"]["duration"])
        assert row["container"] == said["format"]["format_name"]
        films = [one for one in said["streams"] if one["codec_type"] == "video"]
        for column, key in (
            ("codec", "codec_name"),
            ("width", "width"),
            ("height", "height"),
            ("transfer", "color_transfer"),
        ):
            assert row[column] == (films[0].get(key) if films else None), (name, column)
        sounds = [one["codec_name"] for one in said["streams"] if one["codec_type"] == "audio"]
        assert row["audio_codec"] == (sounds[0] if sounds else None)


async def test_the_facts_of_known_files(task: Ffprobe, media: dict[str, bytes]) -> None:
    names = [
        "clip.mp4",
        "silent.mp4",
        "turned.mov",
        "pq.mp4",
        "hlg.mov",
        "odd.mkv",
        "variable.mp4",
        "coded.mov",
        "tape.mxf",
    ]
    found = dict(zip(names, rows("probe", await Files(media[name] for name in names).run(task)), strict=True))
    clip = found["clip.mp4"]
    assert (clip["width"], clip["height"], clip["codec"], clip["audio_codec"]) == (320, 240, "h264", "aac")
    assert (clip["frame_rate"], clip["variable_rate"], clip["rotation"], clip["hdr"]) == (25.0, 0, 0, None)
    assert clip["created"] == "2024-05-06T05:08:09.000000Z"
    assert found["silent.mp4"]["audio_codec"] is None
    assert found["turned.mov"]["rotation"] == 90
    assert (found["pq.mp4"]["hdr"], found["pq.mp4"]["transfer"], found["pq.mp4"]["primaries"]) == (
        "PQ",
        "smpte2084",
        "bt2020",
    )
    assert found["hlg.mov"]["hdr"] == "HLG"
    assert (found["odd.mkv"]["width"], found["odd.mkv"]["height"]) == (321, 241)
    assert found["variable.mp4"]["variable_rate"] == 1
    assert found["coded.mov"]["time_code"] == "01:02:03:04"
    assert found["tape.mxf"]["time_code"] == "10:00:00:00"


async def test_what_is_broken_is_done_with_its_reason(task: Ffprobe, media: dict[str, bytes]) -> None:
    names = ["cut short.mp4", "empty.jpg", "not a photo.jpg"]
    for row in rows("probe", await Files(media[name] for name in names).run(task)):
        assert row["error"]
        assert (row["duration"], row["width"]) == (None, None)


async def test_a_file_that_is_gone_is_an_error(task: Ffprobe) -> None:
    (result,) = await Files([b"/nowhere/x.mp4"]).run(task)
    assert "No such file" in result.error
    assert not result.final


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\nfile:{target}\n#EXT-X-ENDLIST\n"),
        ("list.mov", "ffconcat version 1.0\nfile '{target}'\n"),
        ("list.avi", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
        (
            "list.mpd",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{target}</BaseURL></MPD>',
        ),
    ],
)
async def test_a_file_that_names_others_opens_none(
    task: Ffprobe, media: dict[str, bytes], tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text.format(target=os.fsdecode(media["clip.mp4"])))
    (row,) = rows("probe", await Files([tmp_path / name]).run(task))
    assert row["error"]
    assert row["streams"] is None


async def test_a_name_is_no_pattern_and_no_address(task: Ffprobe, media: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("img%03d.png", "img001.png"):
        shutil.copyfile(media["plain.png"], tmp_path / name)
    (row,) = rows("probe", await Files([tmp_path / "img%03d.png"]).run(task))
    assert row["error"]
    folders = ["concat:a|b", "two\nlines", "-i", "http:", "\udcff", "img%03d", " sp "]
    for folder in folders:
        (tmp_path / folder).mkdir()
        shutil.copyfile(media["clip.mp4"], tmp_path / folder / "x%03d.mp4")
    found = rows("probe", await Files(tmp_path / folder / "x%03d.mp4" for folder in folders).run(task))
    assert [row["codec"] for row in found] == ["h264"] * len(folders)


async def test_it_is_not_in_the_way(tmp_path: Path) -> None:
    task = Ffprobe(search=fake(tmp_path, "exec sleep 1000"))
    work = asyncio.create_task(Files([b"/x"]).run(task))
    found = await started()
    assert {one.nice() for one in found} == {behind()}
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert wait_until_gone(found)
    await task.close()


async def started(name: str = "sleep") -> list[psutil.Process]:
    while not children(name):  # noqa: ASYNC110 - no event from there
        await asyncio.sleep(0.01)
    return children()


async def test_one_that_does_nothing_is_killed(tmp_path: Path) -> None:
    task = Ffprobe(patience=1.0, search=fake(tmp_path, "sleep 1000 & sleep 1000"))
    context = Files([b"/x"])
    (result,) = await context.run(task)
    assert "nothing done for 1 s" in result.error
    await task.close()
    assert wait_until_gone(children())


async def test_a_stopped_one_is_killed(tmp_path: Path) -> None:
    task = Ffprobe(patience=1.0, search=fake(tmp_path, "kill -STOP $$"))
    (result,) = await Files([b"/x"]).run(task)
    assert "nothing done" in result.error
    await task.close()
    assert wait_until_gone(children())


async def test_none_is_killed_because_the_machine_slept(
    tmp_path: Path, media: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("ffprobe")
    task = Ffprobe(search=fake(tmp_path, f'sleep 0.3; exec {real} "$@"'))
    work = Child.work

    async def slept(child: Child) -> float:
        done = await work(child)
        stopped()
        return done

    monkeypatch.setattr(Child, "work", slept)
    monkeypatch.setattr(ffprobe, "PULSE", 0.05)
    (result,) = await Files([media["clip.mp4"]]).run(task)
    assert not result.error
    await task.close()


async def test_one_that_works_for_ever_is_killed(tmp_path: Path) -> None:
    # However little of a busy machine it gets.
    task = Ffprobe(patience=60.0, longest=2.5, search=fake(tmp_path, "while :; do :; done"))
    context = Files([b"/x"])
    begun = time.monotonic()
    (result,) = await context.run(task)
    assert "not ended after 2.5 s" in result.error
    assert time.monotonic() - begun > 2.4
    assert context.beats
    await task.close()
    assert wait_until_gone(children())


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "kill -9 $$", "echo '{\"streams\": 3}'"])
async def test_an_answer_that_makes_no_sense_is_an_error(tmp_path: Path, script: str) -> None:
    task = Ffprobe(search=fake(tmp_path, script))
    (result,) = await Files([b"/x"]).run(task)
    assert "makes no sense" in result.error
    await task.close()
    assert wait_until_gone(children())


async def test_an_endless_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffprobe, "LARGEST_OUTPUT", 1 << 20)
    task = Ffprobe(search=fake(tmp_path, "exec yes"))
    (result,) = await Files([b"/x"]).run(task)
    assert result.error
    await task.close()
    assert wait_until_gone(children())


async def test_closing_ends_what_runs(tmp_path: Path) -> None:
    task = Ffprobe(search=fake(tmp_path, "exec sleep 1000"))
    work = asyncio.create_task(Files([b"/x"]).run(task))
    found = await started()
    await task.close()
    # The program may be there before the task knows it.
    assert await asyncio.to_thread(wait_until_gone, found)
    (result,) = await work
    assert result.error


async def test_closing_ends_what_is_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun, go = Child.start, asyncio.Event(), asyncio.Event()

    async def late(argv: Sequence[Argument]) -> Child:
        child = await start(argv)
        begun.set()
        await go.wait()
        return child

    monkeypatch.setattr(Child, "start", late)
    task = Ffprobe(search=fake(tmp_path, "exec sleep 1000"))
    work = asyncio.create_task(Files([b"/x"]).run(task))
    await begun.wait()
    await task.close()
    go.set()
    async with asyncio.timeout(60):
        (result,) = await work
    assert "it was ended" in result.error
    assert await asyncio.to_thread(wait_until_gone, children())


def test_a_probe_dies_with_the_engine(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from core.tasks.ffprobe import Ffprobe
from tests.core.tasks.itemrig import Files
asyncio.run(Files([b"/x"]).run(Ffprobe(search=sys.argv[1])))
"""
    engine = subprocess.Popen([sys.executable, "-c", code, fake(tmp_path, "exec sleep 1000")])
    found: list[psutil.Process] = []
    end = time.monotonic() + 60
    while time.monotonic() < end and len(found) < 3:
        found = psutil.Process(engine.pid).children(recursive=True)
        time.sleep(0.02)
    assert len(found) == 3
    engine.kill()
    engine.wait()
    assert wait_until_gone(found)


def test_a_missing_ffprobe_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Ffprobe().missing() == ""
    monkeypatch.setattr(tools, "HOMEBREW", ())
    said = Ffprobe(search=str(tmp_path)).missing()
    assert "not installed" in said
    assert tools.tool("ffprobe", search=str(tmp_path)).install in said


def test_a_damaged_byte_in_a_name_costs_nothing() -> None:
    item = ItemFacts(
        id=1, archive_id=1, location_id=1, path="/x.mp4", name=b"", size=0, kind="videos", xxh128="", sha256=""
    )
    said = b'{"streams": [{"codec_type": "audio", "codec_name": "aac", "tags": {"a\xcd": "b"}}], "format": {}}'
    (row,) = rows("probe", [ffprobe.result_of(item, said, 0)])
    assert row["audio_codec"] == "aac"


async def test_mediainfo_tells_of_films_that_ffprobe_does_not_know(
    task: Ffprobe, raw_films: dict[str, bytes]
) -> None:
    names = ("a.braw", "a.CRM", "a.nev")
    results = await Files(raw_films[name] for name in names).run(task)
    for result, codec in zip(results, ("Blackmagic RAW", "CRAW", "nraw"), strict=True):
        (row,) = rows("probe", [result])
        expected = {
            "codec": codec,
            "width": 320,
            "height": 240,
            "frame_rate": 25.0,
            "duration": 1.0,
            "time_code": "01:02:03:04",
            "error": None,
        }
        assert {key: row[key] for key in expected} == expected
    (nothing,) = rows("probe", await Files([raw_films["not.r3d"]]).run(task))
    assert nothing["codec"] is None
    assert nothing["error"]


async def test_mediainfo_tells_of_sonys_raw_in_mxf(task: Ffprobe, raw_films: dict[str, bytes]) -> None:
    (row,) = rows("probe", await Files([raw_films["a.mxf"]]).run(task))
    told = {key: row[key] for key in ("codec", "width", "height", "frame_rate", "duration", "time_code", "error")}
    assert told == {
        "codec": "Sony RAW SQ",
        "width": 320,
        "height": 240,
        "frame_rate": 25.0,
        "duration": 1.0,
        "time_code": "10:00:00:00",
        "error": None,
    }


async def test_exiftool_tells_of_redcode(task: Ffprobe, raw_films: dict[str, bytes]) -> None:
    (row,) = rows("probe", await Files([raw_films["a.r3d"]]).run(task))
    told = {key: row[key] for key in ("codec", "container", "width", "height", "time_code", "error")}
    assert told == {
        "codec": "REDCODE",
        "container": "R3D",
        "width": 5120,
        "height": 2700,
        "time_code": "01:02:03:04",
        "error": None,
    }
    assert row["frame_rate"] == pytest.approx(23.976, abs=0.001)


async def test_mediainfo_that_hangs_is_killed(
    raw_films: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffprobe, "MEDIAINFO", ("/bin/sh", "-c", "exec sleep 1000"))
    task = Ffprobe(patience=1.0)
    (result,) = await Files([raw_films["a.braw"]]).run(task)
    assert "nothing done for 1 s" in result.error
    await task.close()
    assert wait_until_gone(children())
