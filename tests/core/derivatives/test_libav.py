"""FFmpeg's libraries inside a maker: what they tell and show of films is what ffprobe and ffmpeg do."""

import io
import math
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import msgspec
import pytest
from PIL import Image, ImageChops, ImageStat

from core.derivatives import ffmpeg, libav, libav_frames, run_program, strip, thumbnails
from core.derivatives.film import from_probe
from core.derivatives.libav import UnsuitableError
from core.derivatives.messages import Made, MakeStrip, MakeThumbnails, OrderRefusedError
from core.media import demuxers, ffprobe_parse
from tests.rigs.making import X264, film, shown

pytestmark = pytest.mark.process

KINDS = demuxers.FILMS + demuxers.SOUNDS
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
SOUND = (*shown("sine=sample_rate=48000:duration=2"), "-c:a", "aac")
BT2020 = "color_primaries=bt2020:colorspace=bt2020nc"
FIELDS = ("-vf", "tinterlace=interleave_top", "-flags", "+ilme+ildct")

FILMS: dict[str, tuple[str, ...]] = {
    "plain.mov": (*shown(), *SOUND, *X264),
    "ten bits.mov": (*shown(), *HEVC, "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"),
    "high.mp4": (*shown("testsrc2=size=1280x720:rate=30:duration=2"), *X264),
    "reordered.mkv": (*shown(), "-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"),
    "anamorphic.mov": (*shown(), *X264, "-vf", "setsar=4/3"),
    "fields.mov": (*shown("testsrc2=size=320x240:rate=50:duration=2"), *FIELDS, "-c:v", "prores_ks"),
    "pq.mp4": (*shown(), *X264, "-vf", f"setparams={BT2020}:color_trc=smpte2084"),
    "hlg.mov": (*shown(), *X264, "-vf", f"setparams={BT2020}:color_trc=arib-std-b67"),
    "full.mov": (*shown(), "-c:v", "mjpeg", "-pix_fmt", "yuvj422p"),
    "intra.mxf": (*shown("testsrc2=size=1920x1080:rate=25:duration=1.2"), "-c:v", "dnxhd", "-b:v", "120M"),
}
"""Films that are probed and shown here, as their names say."""

TURNS = {
    "90": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transversed": (0, -1, -1, 0),
    "wide and 90": (0, 2, -1, 0),
    "nothing": (0, 0, 0, 0),
}
"""Display matrices: the first two rows of two."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("films")
    made = {name: film(folder, name, *options) for name, options in FILMS.items()}
    whole = Path(made["plain.mov"]).read_bytes()
    for name, turn in TURNS.items():
        for box, at in ((b"tkhd", 44), (b"mvhd", 40)):
            made[f"{name} {box.decode()}.mov"] = os.path.join(folder, f"{name} {box.decode()}.mov")
            Path(made[f"{name} {box.decode()}.mov"]).write_bytes(turned(whole, box, at, turn))
    return made


def turned(whole: bytes, box: bytes, at: int, turn: tuple[int, int, int, int]) -> bytes:
    """A film with another matrix `at` bytes behind the type of its first such box."""
    a, b, c, d = (number << 16 for number in turn)
    place = whole.index(box) + at
    return whole[:place] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + whole[place + 36 :]


def ffprobes(path: str) -> dict[str, Any]:
    argv = ("ffprobe", "-v", "quiet", "-of", "json", "-show_format", "-show_streams", f"file:{path}")
    found: dict[str, Any] = msgspec.json.decode(subprocess.run(argv, capture_output=True, check=True).stdout)
    return found


def typed(told: dict[str, Any]) -> ffprobe_parse.Probe:
    return ffprobe_parse.typed(ffprobe_parse.read(msgspec.json.encode(told)))


def test_all_is_as_ffprobe_tells_it(films: dict[str, str]) -> None:
    for name, path in films.items():
        theirs = ffprobes(path)
        with libav.open_container(os.fsencode(path), KINDS) as container:
            ours = libav.read_values(container, os.fsencode(path))
        assert typed(ours) == typed(theirs), name
        assert from_probe(ours["streams"], ours["format"]) == from_probe(theirs["streams"], theirs["format"]), name
        if name != "reordered.mkv":
            assert libav.answer(os.fsencode(path), KINDS) == ours


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures in the channel where it is largest, in steps of 256."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def test_a_frame_is_the_one_that_ffmpeg_shows(films: dict[str, str], tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name, path in films.items():
        if "mvhd" in name:
            continue  # the same matrix, found at another place
        seen = ffmpeg.look(os.fsencode(path), folder)
        assert seen is not None
        with libav_frames.frames(os.fsencode(path), folder) as frames:
            for at in (1.0,) if "tkhd" in name else (1.0, 0.5):
                found = frames.at(at, 1920)
                theirs = ffmpeg.frame(seen, os.fsencode(path), folder, at, 1920)
                assert found is not None
                with Image.open(io.BytesIO(theirs)) as image:
                    # FFmpeg's versions round otherwise when they scale and convert.
                    assert apart(found, image) < 1, (name, at)
                    later = frames.at(at + 0.1, 1920)
                    # The next frames are others: a wrong one would be seen.
                    assert later is None or apart(later, image) > 1, (name, at)
            assert frames.at(100.0, 1920) is None


@pytest.mark.parametrize("programs_only", [False, True])
def test_no_program_is_started(
    films: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs_only: bool
) -> None:
    def refused(*_: object) -> None:
        raise OrderRefusedError("a program was started")

    monkeypatch.setattr(run_program, "run", refused)
    path, folder = os.fsencode(films["90 tkhd.mov"]), os.fsencode(tmp_path)
    calls: tuple[Callable[[], Made], ...] = (
        lambda: thumbnails.make(MakeThumbnails(path, "mov", True, folder, "a", programs_only), lambda _: None),
        lambda: strip.make(MakeStrip(path, folder, "b", programs_only), lambda _: None),
    )
    for call in calls:
        if programs_only:
            with pytest.raises(OrderRefusedError, match="a program was started"):
                call()
        else:
            assert [file.width < file.height for file in call().files] in ([True, True, True], [False])


def test_an_odd_angle_is_left_to_ffmpeg(films: dict[str, str], tmp_path: Path) -> None:
    whole = Path(films["plain.mov"]).read_bytes()
    place = whole.index(b"tkhd") + 44
    across, down = (round(of(math.radians(30)) * 65536) for of in (math.cos, math.sin))
    matrix = struct.pack(">9i", across, down, 0, -down, across, 0, 0, 0, 1 << 30)
    path = tmp_path / "odd.mov"
    path.write_bytes(whole[:place] + matrix + whole[place + 36 :])
    assert typed(libav.answer(os.fsencode(path), KINDS)) == typed(ffprobes(str(path)))
    with libav_frames.frames(os.fsencode(path), os.fsencode(tmp_path)) as frames, pytest.raises(UnsuitableError):
        frames.at(0.0, 1920)


def test_a_turned_matroska_film_is_not_squeezed(films: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "turned.mkv"
    with av.open(films["90 tkhd.mov"]) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                target.mux(packet)
    (seen,) = [one for one in ffprobes(str(path))["streams"] if one["codec_type"] == "video"]
    assert seen["side_data_list"]
    made = thumbnails.make(
        MakeThumbnails(os.fsencode(path), "mkv", True, os.fsencode(tmp_path), "a"), lambda _: None
    )
    assert {(file.width, file.height) for file in made.files} == {(240, 320)}


def changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new)


def only_for_phones(data: bytes) -> bytes:
    """The sound becomes Apple's spatial sound by name, which nothing else decodes."""
    return data.replace(b"mp4a", b"apac").replace(b"esds", b"dapa")


@pytest.mark.parametrize(
    ("name", "options", "change", "why"),
    [
        ("a.mp3", shown("sine=duration=1"), None, "of the kind mp3"),
        ("a.mpg", shown(), None, "of the kind mpeg"),
        ("a.h264", (*shown(), *X264), None, "of the kind h264"),
        ("a.mkv", (*shown(), *X264), None, "of the kind matroska"),
        ("a.mov", (*shown(), "-c:v", "mpeg2video"), None, "side data"),
        ("b.mov", (*shown(), *X264, "-vf", "setsar=4/3"), changed(b"pasp", b"dvvC"), "side data"),
        ("c.mov", (*shown(), *X264, "-output_ts_offset", "10"), None, "differ in length"),
        ("d.mov", (*shown(), *SOUND, *X264), only_for_phones, "no decoder for stream 1"),
        ("e.mov", (*shown(), *X264), changed(b"tkhd", b"free"), "ValueError"),
        ("f.mov", (*shown(), *X264), lambda data: data[: len(data) // 2], "InvalidDataError"),
        ("g.mov", (*shown(), *X264), lambda data: b"#EXTM3U\n#EXTINF:2,\nfile:/etc/passwd\n", "InvalidDataError"),
    ],
)
def test_what_may_differ_is_left_to_ffprobe(
    tmp_path: Path, name: str, options: tuple[str, ...], change: Callable[[bytes], bytes] | None, why: str
) -> None:
    path = Path(film(tmp_path, name, *options))
    if change:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UnsuitableError, match=why):
        libav.answer(os.fsencode(path), KINDS)


def test_a_playlist_is_read_only_without_the_list_of_demuxers(
    films: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.mov").write_bytes(Path(films["plain.mov"]).read_bytes())
    path = tmp_path / "list.mov"
    path.write_text("ffconcat version 1.0\nfile 'secret.mov'\n")
    with pytest.raises(UnsuitableError, match="ArgumentError"), libav.open_container(os.fsencode(path), KINDS):
        pass
    monkeypatch.setattr(demuxers, "options", lambda kinds, path: ({}, None))
    with libav.open_container(os.fsencode(path), KINDS) as container:
        assert container.format.name == "concat"


_BOUNDED = """
import sys, psutil
from PIL import Image
from core.derivatives import libav, libav_frames, resource_limits
import av.filter.graph
path, folder, more = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
try:
    with resource_limits.bounded_memory(psutil.Process().memory_info().vms + more):
        with libav_frames.frames(path, folder) as frames:
            print(frames.at(0.0, 1920).size)
except libav.UnsuitableError as error:
    print("left:", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not limit the address space of a process")
@pytest.mark.parametrize(("more", "said"), [(1 << 30, "(2048, 1152)"), (8 << 20, "left:")])
def test_memory_is_bounded(tmp_path: Path, more: int, said: str) -> None:
    path = film(tmp_path, "a.mov", *shown("testsrc2=size=2048x1152:rate=5:duration=0.4"), *X264)
    argv = (sys.executable, "-c", _BOUNDED, path, str(tmp_path), str(more))
    assert subprocess.run(argv, capture_output=True, check=True, text=True).stdout.startswith(said)
