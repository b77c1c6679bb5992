"""The queue video_proxy: what a proxy is like, what is refused, and that nothing runs on afterwards."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from PIL import Image

from core.derivatives import ffmpeg, proxy, thumbnails
from core.derivatives.messages import Made, MakeProxy, MakeThumbnails, OrderRefusedError
from core.media.file_types import Kind
from core.tasks.video_proxy import VideoProxy
from tests.rigs import media
from tests.rigs.making import X264, Archive, distance, film, pixel, rows, shown, written

pytestmark = pytest.mark.process

RED = (192, 64, 32)


def made(path: str, encoders: list[tuple[str, ...]] | None = None) -> str:
    folder = os.path.dirname(path)
    result = proxy.make(MakeProxy(os.fsencode(path), os.fsencode(folder), "made"), lambda _: None, encoders)
    assert [(file.role, file.name) for file in result.files] == [("proxy", "made.mp4")]
    assert result.note == ""
    return os.path.join(folder, "made.mp4")


def probed(path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The stream of pictures, and the others."""
    show = ("-show_streams", "-of", "json")
    done = subprocess.run(["ffprobe", "-v", "error", *show, path], capture_output=True, check=True)
    streams = msgspec.json.decode(done.stdout, type=dict[str, Any])["streams"]
    assert streams[0]["codec_type"] == "video"
    return streams[0], streams[1:]


def still(path: str) -> Image.Image:
    out = path + ".png"
    media.run("ffmpeg", "-v", "error", "-nostdin", "-y", "-i", f"file:{path}", "-frames:v", "1", f"file:{out}")
    with Image.open(out) as image:
        return image.convert("RGB")


CASES: dict[str, tuple[tuple[str, ...], tuple[int, int]]] = {
    "large.mp4": ((*shown("testsrc2=size=1920x1080:rate=25:duration=1"), *X264), (720, 404)),
    "small.mp4": ((*shown(), *X264), (320, 240)),
    "odd.mp4": ((*shown("testsrc=size=321x241:duration=1"), "-c:v", "libx264", "-pix_fmt", "yuv444p"), (320, 240)),
    "tall.mkv": ((*shown("testsrc=size=101x901:rate=25:duration=1"), "-c:v", "ffv1"), (80, 720)),
    "wide.mpg": ((*shown("testsrc2=size=720x576:duration=1,setsar=16/15"), "-c:v", "mpeg2video"), (720, 540)),
    "rgb.mov": ((*shown("testsrc=size=400x300:rate=25:duration=1"), "-c:v", "png"), (400, 300)),
    "dot.mkv": (
        (*shown("testsrc=size=64x64:rate=25:duration=1,crop=1:3:exact=1"), "-c:v", "ffv1", "-level", "1"),
        (2, 2),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_proxy_is_like(tmp_path: os.PathLike[str], name: str) -> None:
    arguments, size = CASES[name]
    path = made(film(tmp_path, name, *arguments))
    picture, others = probed(path)
    assert (picture["width"], picture["height"]) == size
    assert (picture["codec_name"], picture["pix_fmt"]) == ("h264", "yuv420p")
    assert (picture["color_space"], picture["color_transfer"], picture["color_primaries"]) == ("bt709",) * 3
    assert picture.get("sample_aspect_ratio", "1:1") == "1:1"
    assert others == []
    with open(path, "rb") as file:
        head = file.read()
    assert head.index(b"moov") < head.index(b"mdat")


def test_sound_and_nothing_else(tmp_path: os.PathLike[str]) -> None:
    cover = os.path.join(tmp_path, "cover.png")
    Image.new("RGB", (640, 640)).save(cover)
    first = film(
        tmp_path,
        "first.mov",
        *shown(),
        *shown("sine=duration=2"),
        *X264,
        "-c:a",
        "pcm_s16le",
        "-timecode",
        "01:00:00:00",
    )
    maps = (
        "-map",
        "1",
        "-map",
        "0:v",
        "-map",
        "0:a",
        "-c",
        "copy",
        "-c:v:0",
        "png",
        "-disposition:v:0",
        "attached_pic",
    )
    source = film(
        tmp_path, "source.mp4", "-i", first, "-i", cover, *maps, "-c:a", "aac", "-metadata", "location=+47+007/"
    )
    picture, others = probed(made(source))
    assert (picture["width"], picture["height"]) == (320, 240)
    assert [stream["codec_name"] for stream in others] == ["aac"]
    with open(os.path.join(tmp_path, "made.mp4"), "rb") as file:
        assert b"+47+007" not in file.read()


def test_four_channels_that_nobody_has_named(tmp_path: os.PathLike[str]) -> None:
    quad = film(tmp_path, "quad.wav", *shown("sine=duration=2"), "-af", "pan=4c|c0=c0|c1=c0|c2=c0|c3=c0")
    source = film(tmp_path, "a.mkv", *shown(), "-i", quad, *X264, "-c:a", "pcm_s16le")
    _, others = probed(made(source))
    assert [(stream["codec_name"], stream["channels"]) for stream in others] == [("aac", 2)]


def test_a_turned_film_has_an_upright_proxy(tmp_path: os.PathLike[str]) -> None:
    source = film(
        tmp_path, "a.mov", *shown("color=blue:size=320x240:duration=1,drawbox=w=320:h=80:color=red:t=fill"), *X264
    )
    media.run("exiftool", "-q", "-overwrite_original", "-Rotation=90", source)
    path = made(source)
    picture, _ = probed(path)
    assert (picture["width"], picture["height"]) == (240, 320)
    assert "side_data_list" not in picture
    assert pixel(still(path), 220, 160)[0] > 200  # what was on top is on the right


def test_fast_and_changing_frame_rates_keep_the_duration(tmp_path: os.PathLike[str]) -> None:
    fast = made(film(tmp_path, "fast.mov", *shown("testsrc2=size=320x240:rate=240:duration=1"), *X264))
    assert probed(fast)[0]["nb_frames"] == "60"
    changing = "testsrc2=size=320x240:rate=50:duration=2,select='lt(t,1)+not(mod(n,5))'"
    source = film(tmp_path, "vfr.mkv", *shown(changing), "-fps_mode", "vfr", *X264)
    path = made(source)
    assert int(probed(path)[0]["nb_frames"]) == 60
    small = ffmpeg.look(os.fsencode(path), os.fsencode(tmp_path))
    assert small is not None
    assert small.duration is not None
    assert abs(small.duration - 2) < 0.2


@pytest.mark.parametrize(("transfer", "level"), [("smpte2084", 573), ("arib-std-b67", 721)])
def test_hdr_paper_white(tmp_path: os.PathLike[str], transfer: str, level: int) -> None:
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    flat = f"color=gray:size=320x180:duration=2,format=yuv420p10le,geq=lum={level}:cb=512:cr=512,{tags}"
    encode = ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1")
    named = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    source = film(tmp_path, "hdr.mov", *shown(flat), *encode, *named)
    path = made(source)
    assert probed(path)[0]["color_transfer"] == "bt709"
    assert distance(pixel(still(path), 100, 100), (214, 214, 214)) <= 4
    assert distance(pixel(frame(source), 100, 100), (214, 214, 214)) <= 4


def frame(path: str) -> Image.Image:
    folder = os.path.dirname(path)
    order = MakeThumbnails(os.fsencode(path), "mov", True, os.fsencode(folder), "made")
    first = thumbnails.make(order, lambda _: None).files[0]
    with Image.open(os.path.join(folder, first.name)) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("size", "matrix"), [("1280x720", "bt709"), ("720x576", "bt601")])
def test_colours_of_a_proxy_are_those_of_its_film(
    tmp_path: os.PathLike[str], size: str, matrix: str, named: bool
) -> None:
    there = f"format=rgb24,scale=out_color_matrix={matrix},format=yuv420p"
    colour = f"color=0x{bytes(RED).hex()}:size={size}:duration=1,{there}"
    tags = ("-colorspace", "bt709" if matrix == "bt709" else "smpte170m") if named else ()
    source = film(tmp_path, "a.mp4", *shown(colour), *X264, *tags)
    assert distance(pixel(still(made(source)), 50, 50), RED) <= 8
    assert distance(pixel(frame(source), 50, 50), RED) <= 4


def test_the_frame_at_one_second(tmp_path: os.PathLike[str]) -> None:
    late = "color=red:size=64x64:rate=25:duration=0.9[a];color=blue:size=64x64:rate=25:duration=1[b];[a][b]concat"
    assert pixel(frame(film(tmp_path, "late.mp4", *shown(late), *X264)), 9, 9)[2] > 200
    assert (
        pixel(frame(film(tmp_path, "short.mp4", *shown("color=red:size=64x64:duration=0.5"), *X264)), 9, 9)[0]
        > 200
    )


def test_another_encoder_when_the_first_fails(tmp_path: os.PathLike[str]) -> None:
    assert proxy.encoders("darwin") == [proxy.VIDEOTOOLBOX, proxy.X264]
    assert proxy.encoders("linux") == [proxy.X264]
    made(film(tmp_path, "a.mp4", *shown(), *X264), [("h264_of_nobody",), proxy.X264])
    with pytest.raises(OrderRefusedError, match="h264_of_nobody"):
        made(os.path.join(tmp_path, "a.mp4"), [("h264_of_nobody",)])


def test_the_proxy_of_a_film_that_is_cut_off_says_so(tmp_path: os.PathLike[str]) -> None:
    source = film(
        tmp_path, "a.mp4", *shown("testsrc2=size=320x240:rate=25:duration=10"), *X264, "-movflags", "+faststart"
    )
    os.truncate(source, os.path.getsize(source) // 2)
    folder = os.fsencode(tmp_path)
    result = proxy.make(MakeProxy(os.fsencode(source), folder, "made"), lambda _: None)
    assert result.note.startswith("it ends after ")
    assert result.note.endswith(" of 10.0 s")


@pytest.mark.parametrize("content", ["playlist", "concat", "numbers", "text", "empty", "no index"])
def test_files_that_are_no_film_are_refused(tmp_path: os.PathLike[str], content: str) -> None:
    secret = film(tmp_path, "secret.mp4", *shown(), *X264)
    with open(secret, "rb") as file:
        whole = file.read()
    Image.new("RGB", (64, 64)).save(os.path.join(tmp_path, "img001.png"))
    data = {
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile secret.mp4\n",
        "numbers": b"",
        "text": b"no film\n",
        "empty": b"",
        "no index": whole[: len(whole) // 2],
    }[content]
    path = written(os.path.join(tmp_path, "img%03d.png" if content == "numbers" else "a.mp4"), data or b"")
    if content == "numbers":
        written(path, b"\x89PNG\r\n\x1a\n")
    calls: list[Callable[[], object]] = [lambda: made(path), lambda: frame(path)]
    if content == "numbers":
        order = MakeProxy(os.fsencode(path), os.fsencode(tmp_path), "made")
        assert proxy.make(order, lambda _: None) == Made([], "it is a single picture")
        del calls[0]
    for call in calls:
        with pytest.raises(OrderRefusedError) as caught:
            call()
        assert caught.value.final
        assert str(tmp_path) not in str(caught.value)
        assert " @ 0x" not in str(caught.value)


def test_no_moving_picture(tmp_path: os.PathLike[str]) -> None:
    source = film(tmp_path, "a.mp4", *shown("sine=duration=1"), "-c:a", "aac")
    assert ffmpeg.look(os.fsencode(source), os.fsencode(tmp_path)) is None
    result = proxy.make(MakeProxy(os.fsencode(source), os.fsencode(tmp_path), "made"), lambda _: None)
    assert (result.files, result.note) == ([], "it holds no moving picture")


@pytest.mark.parametrize("name", ["plain", 'it\'s "a" 100%03d\nfolder'])
async def test_the_queue_makes_proxies_and_says_why_there_is_none(tmp_path: os.PathLike[str], name: str) -> None:
    held = Archive(os.path.join(tmp_path, name), os.path.join(tmp_path, "scratch"))
    task = VideoProxy()
    assert task.missing() == ""
    job = held.add(film(tmp_path, "a.mp4", *shown(), *X264))
    broken = held.add(written(os.path.join(tmp_path, "b.mp4"), b"no film"))
    sound = held.add(film(tmp_path, "c.mp4", *shown("sine=duration=1"), "-c:a", "aac"), Kind.VIDEOS)
    beats: list[float] = []
    results = await task.run([job, broken, sound], held, lambda _, fraction: beats.append(fraction))
    digest = f"{1:032x}"[::-1]
    ((item_id, role, path, width, height, size, note),) = rows(results[job.id])
    assert (item_id, role, width, height, note) == (1, "proxy", 320, 240, "")
    assert path == f".lading/proxies/{digest[:2]}/{digest}.mp4"
    assert held.size(path) == size
    assert results[broken.id].final
    assert results[broken.id].error == "it is no film of a known format."
    assert rows(results[sound.id]) == [(3, "proxy", "", 0, 0, 0, "it holds no moving picture")]
    assert beats
    assert max(beats) <= 1
    assert held.leftovers() == []
    await task.close()
