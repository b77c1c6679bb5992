"""Films as screens, phones, broadcast cameras and broken recorders leave them: each shown, or with its reason."""

import os
import re
import struct
import subprocess
from typing import Any

import msgspec
import pytest
from PIL import Image

from core.derivatives import ffmpeg, proxy, run_program, thumbnails
from core.derivatives.film import Film
from core.derivatives.messages import Made, MakeProxy, MakeThumbnails, OrderRefusedError
from core.tasks.ffprobe import Ffprobe
from core.tasks.thumbnail import Thumbnail
from core.tasks.video_proxy import VideoProxy
from tests.core.tasks.itemrig import Files
from tests.core.tasks.itemrig import rows as database_rows
from tests.rigs import media
from tests.rigs.making import X264, Archive, corners, film, rows, shown, written

pytestmark = pytest.mark.process

SOUND = shown("sine=sample_rate=48000:duration=2")


def small(path: str) -> Made:
    order = MakeProxy(os.fsencode(path), os.fsencode(os.path.dirname(path)), "made")
    return proxy.make(order, lambda _: None)


def picture(path: str) -> Made:
    name = path.rpartition(".")[2]
    order = MakeThumbnails(os.fsencode(path), name, True, os.fsencode(os.path.dirname(path)), "made")
    return thumbnails.make(order, lambda _: None)


def content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def duration(path: str) -> float:
    told = ("-show_entries", "format=duration", "-of", "csv=p=0")
    return float(subprocess.run(["ffprobe", "-v", "error", *told, path], capture_output=True, check=True).stdout)


# Number 2: long gaps between pictures, and sound that is longer.

GAPS = "settb=1/1000,setpts='if(lt(N,10),N*33,2000+(N-10)*2500)'"


@pytest.mark.parametrize(
    ("name", "arguments", "seconds"),
    [
        ("slides.mp4", (*shown("testsrc2=size=64x48:rate=1/10:duration=50"), *X264), 50),
        ("slides.mkv", (*shown("testsrc2=size=64x48:rate=1/10:duration=50"), *X264), 50),
        (
            "screen.mp4",
            (*shown("testsrc2=size=64x48:rate=30:duration=0.5"), "-vf", GAPS, "-fps_mode", "vfr", *X264),
            12,
        ),
        (
            "screen.mkv",
            (*shown("testsrc2=size=64x48:rate=30:duration=0.5"), "-vf", GAPS, "-fps_mode", "vfr", *X264),
            12,
        ),
        ("sound.mp4", (*shown(), *shown("sine=duration=12"), *X264, "-c:a", "aac"), 12),
        ("sound.mkv", (*shown(), *shown("sine=duration=12"), *X264, "-c:a", "aac"), 12),
        ("late.mp4", ("-itsoffset", "3", *shown(), *shown("sine=duration=5"), *X264, "-c:a", "aac"), 5),
    ],
)
def test_whole_whatever_progress_says(
    tmp_path: os.PathLike[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arguments: tuple[str, ...],
    seconds: int,
) -> None:
    """What -progress tells is another number in each version: here it is none at all."""
    run = run_program.run

    def silent(argv: Any, folder: bytes = b"/", line: Any = None, **options: Any) -> run_program.ProgramResult:
        heard = line and (lambda said: line(re.sub(rb"out_time_us=.*", b"out_time_us=1000000", said)))
        return run(argv, folder, heard, **options)

    monkeypatch.setattr(run_program, "run", silent)
    path = film(tmp_path, name, *arguments)
    made = small(path)
    assert made.note == ""
    assert abs(duration(os.path.join(tmp_path, "made.mp4")) - seconds) <= max(1, seconds / 5)


def spoil(path: str) -> None:
    """Every byte of its pictures is another."""
    with open(path, "r+b") as file:
        data = file.read()
        start, index = data.index(b"mdat") + 4, data.index(b"moov") - 4
        file.seek(start)
        file.write(b"\xff" * ((len(data) if index < start else index) - start))


async def test_a_final_finding_is_encoded_once(tmp_path: os.PathLike[str]) -> None:
    """Nothing of it can be decoded: that is so at the second try, too."""
    source = film(tmp_path, "a.mp4", *shown(), *X264)
    spoil(source)
    held = Archive(os.path.join(tmp_path, "archive"), os.path.join(tmp_path, "scratch"))
    task = VideoProxy()
    job = held.add(source)
    result = (await task.run([job], held, lambda _, __: None))[job.id]
    assert result.error
    assert result.final
    await task.close()


def test_what_is_missing_is_told(tmp_path: os.PathLike[str]) -> None:
    """Also where the sound, which is whole, hides it."""
    source = film(
        tmp_path,
        "a.mkv",
        *shown("testsrc2=size=320x240:rate=25:duration=10"),
        *shown("sine=duration=10"),
        *X264,
        "-c:a",
        "aac",
    )
    os.truncate(source, os.path.getsize(source) // 2)
    assert re.fullmatch(r"it ends after \d\.\d of 10\.0 s", small(source).note)


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.ts"])
def test_a_film_that_begins_late_is_whole(tmp_path: os.PathLike[str], name: str) -> None:
    """Its times begin at an hour, and in its header the hour may count."""
    plain = film(tmp_path, "plain.mp4", *shown(), *SOUND, *X264, "-c:a", "aac")
    path = film(tmp_path, name, "-i", plain, "-c", "copy", "-output_ts_offset", "3600")
    assert small(path).note == ""
    assert abs(duration(os.path.join(tmp_path, "made.mp4")) - 2) <= 0.5


def test_what_is_missing_of_a_film_that_begins_late_is_told(tmp_path: os.PathLike[str]) -> None:
    plain = film(tmp_path, "plain.mp4", *shown("testsrc2=size=320x240:rate=25:duration=10"), *X264)
    path = film(tmp_path, "a.mkv", "-i", plain, "-c", "copy", "-output_ts_offset", "3600")
    os.truncate(path, os.path.getsize(path) // 2)
    assert re.fullmatch(r"it ends after \d\.\d of 10\.0 s", small(path).note)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_a_film_without_its_index_is_cut_off(tmp_path: os.PathLike[str], name: str) -> None:
    """It stands at the end, and a recording that broke off lacks it."""
    path = film(tmp_path, name, *shown(), *X264)
    os.truncate(path, os.path.getsize(path) // 2)
    for making in (picture, small):
        with pytest.raises(OrderRefusedError, match="it is cut off, and nothing of it can be decoded") as refused:
            making(path)
        assert refused.value.damaged
        assert refused.value.final


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_a_film_whose_index_was_never_written(tmp_path: os.PathLike[str], name: str) -> None:
    """A device that lost its power has left the media data alone, of which it may have told the size."""
    path = film(tmp_path, name, *shown(), *X264)
    os.truncate(path, content(path).index(b"moov") - 4)
    for making in (picture, small):
        with pytest.raises(
            OrderRefusedError, match="its index is missing, as of a recording that broke off"
        ) as no:
            making(path)
        assert no.value.damaged
        assert no.value.final


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mts"])
@pytest.mark.parametrize(
    "data", [b"\0" * 5000, b"<!DOCTYPE html><html><body>Not found</body></html>", b"text\n" * 99]
)
def test_what_is_no_film_is_called_so(tmp_path: os.PathLike[str], name: str, data: bytes) -> None:
    path = written(os.path.join(tmp_path, name), data)
    for making in (picture, small):
        with pytest.raises(OrderRefusedError, match=r"it is no film of a known format\Z"):
            making(path)


def test_a_matroska_film_that_is_cut_off_in_its_head(tmp_path: os.PathLike[str]) -> None:
    path = film(tmp_path, "a.mkv", *shown(), *X264)
    os.truncate(path, content(path).index(b"\x16\x54\xae\x6b") + 20)  # in Tracks
    for making in (picture, small):
        with pytest.raises(OrderRefusedError, match="it is cut off, and nothing of it can be decoded") as refused:
            making(path)
        assert refused.value.damaged


def test_a_film_that_ends_in_its_head_is_cut_off(tmp_path: os.PathLike[str]) -> None:
    path = written(os.path.join(tmp_path, "a.ogv"), b"OggS" + bytes(60))
    cause = ffmpeg.root_cause(OrderRefusedError("End of file"), os.fsencode(path))
    assert (str(cause), cause.damaged) == ("it is cut off, and nothing of it can be decoded", True)


# Number 3: a track that will not open.


async def test_a_sound_track_of_which_nothing_is_there(tmp_path: os.PathLike[str]) -> None:
    """A transport stream names its tracks at the beginning, and one that is cut off may hold nothing of one."""
    path = film(tmp_path, "a.ts", *shown(), *SOUND, *X264, "-c:a", "aac")
    data = bytearray(content(path))
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF == 0x101:  # libavformat's second track
            data[at + 1 : at + 3] = b"\x1f\xff"  # a packet without content (ISO/IEC 13818-1, 2.4.3.3)
    written(path, bytes(data))
    made = small(path)
    assert made.files
    assert made.note == "its sound is left out: the file does not tell its sample rate and channels"
    task = Ffprobe()
    (row,) = database_rows("probe", await Files([path]).run(task))
    await task.close()
    assert (row["codec"], row["audio_channels"], row["audio_rate"]) == ("h264", None, None)


def usac(path: str) -> str:
    """The sound becomes xHE-AAC by name (ISO/IEC 14496-3, object type 42), which ffmpeg of the time refuses."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at = data.index(b"\x05\x80\x80\x80", data.index(b"esds")) + 4
    bits = ("11111" + format(42 - 32, "06b") + "0011" + "0010").ljust(data[at] * 8, "0")
    data[at + 1 : at + 1 + data[at]] = int(bits, 2).to_bytes(data[at], "big")
    return written(path, bytes(data))


@pytest.mark.parametrize("turned", [False, True])
async def test_a_sound_that_will_not_open(tmp_path: os.PathLike[str], turned: bool) -> None:
    path = film(
        tmp_path,
        "a.mp4",
        *shown(),
        *SOUND,
        *X264,
        "-c:a",
        "aac",
        "-metadata",
        "creation_time=2024-05-06T07:08:09Z",
    )
    if turned:
        media.run("exiftool", "-q", "-overwrite_original", "-Rotation=90", path)
    usac(path)
    assert [(file.width, file.height) for file in picture(path).files] == [
        (240, 320) if turned else (320, 240)
    ] * 3
    made = small(path)
    assert made.files
    assert made.note == "its sound is left out: no decoder for sound of the kind aac"
    assert abs(duration(os.path.join(tmp_path, "made.mp4")) - 2) < 0.2
    task = Ffprobe()
    context = Files([path], scratch=str(tmp_path))
    (row,) = database_rows("probe", await context.run(task))
    await task.close()
    assert (row["error"], row["codec"], row["width"], row["height"]) == (None, "h264", 320, 240)
    assert (row["duration"], row["rotation"], row["audio_codec"]) == (2.0, 90 if turned else 0, "aac")
    assert row["container"] == "mov,mp4,m4a,3gp,3g2,mj2"
    assert row["created"].startswith("2024-05-06")


async def test_a_recording_of_which_no_track_opens(tmp_path: os.PathLike[str]) -> None:
    path = usac(film(tmp_path, "a.m4a", *SOUND, "-c:a", "aac"))
    task = Ffprobe()
    (row,) = database_rows("probe", await Files([path], scratch=str(tmp_path)).run(task))
    await task.close()
    assert row["error"] == "No track of it can be opened"


# Number 7: what cannot be sought, and what has no decoder.


@pytest.mark.parametrize("name", ["a.h264", "a.hevc", "a.m2v", "a.mjpeg", "a.flv"])
def test_without_seeking(tmp_path: os.PathLike[str], name: str) -> None:
    encoders = {"hevc": ("-c:v", "libx265", "-x265-params", "log-level=none"), "flv": (*SOUND, *X264, "-g", "90")}
    path = film(tmp_path, name, *shown("testsrc2=size=320x240:rate=30:duration=3"), *encoders.get(name[2:], ()))
    if name == "a.flv":  # a recording that broke off in its first second
        os.truncate(path, os.path.getsize(path) // 6)
    assert [(file.width, file.height) for file in picture(path).files] == [(320, 240)] * 3
    assert small(path).files


def test_no_decoder_is_the_same_for_picture_and_proxy(tmp_path: os.PathLike[str]) -> None:
    path = film(tmp_path, "a.mp4", *shown(), *X264)
    with open(path, "rb") as file:
        data = file.read().replace(b"avc1", b"vvc9").replace(b"avcC", b"vvcQ")
    written(path, data)
    expected = Made([], "no decoder for films of the kind vvc9")
    assert (picture(path), small(path)) == (expected, expected)


# Number 19: reasons.


def test_a_picture_that_is_called_a_film(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    corners(320, 200).save(path)
    os.rename(path, path := os.path.join(tmp_path, "a.mp4"))
    assert [(file.width, file.height) for file in picture(path).files] == [(320, 200)] * 3
    assert small(path) == Made([], "it is a single picture")


def test_a_film_whose_pictures_are_elsewhere(tmp_path: os.PathLike[str]) -> None:
    """A QuickTime reference film: its tracks name another file, by an alias."""
    path = film(tmp_path, "a.mov", *shown(), *X264, "-movflags", "+faststart")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data = data[: data.index(b"mdat") - 4]
    at = data.index(b"dref")
    entry = b"alis" + bytes(4) + bytes(10) + b"\x07Macintosh HD"[:28].ljust(28, b"\0") + bytes(12)
    entry += b"\x09other.mov".ljust(64, b"\0") + bytes(60)
    grown = len(entry) + 4 - int.from_bytes(data[at + 12 : at + 16], "big")
    old = int.from_bytes(data[at + 12 : at + 16], "big")
    data[at + 12 : at + 12 + old] = struct.pack(">I", len(entry) + 4) + entry
    for name in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = data.rindex(name, 0, at + 4) - 4
        data[place : place + 4] = struct.pack(">I", int.from_bytes(data[place : place + 4], "big") + grown)
    written(path, bytes(data))
    for call in (picture, small):
        with pytest.raises(
            OrderRefusedError, match="its pictures are not in this file, which only refers to others"
        ):
            call(path)


# Number 20: sounds.


def only_for_phones(path: str) -> None:
    """The first sound becomes Apple's spatial sound by name, which nothing else decodes."""
    data = bytearray(content(path))
    at = next(found.start() for found in re.finditer(b"mp4a", data) if data[found.start() + 4 :][:6] == bytes(6))
    data[at : at + 4] = b"apac"
    esds = data.index(b"esds", at)
    data[esds : esds + 4] = b"dapa"
    written(path, bytes(data))


async def test_sound_that_only_phones_decode(tmp_path: os.PathLike[str]) -> None:
    path = film(
        tmp_path,
        "a.mov",
        *shown(),
        *SOUND,
        *shown("sine=frequency=880:duration=2"),
        *("-map", "0", "-map", "1", "-map", "2"),
        *X264,
        "-c:a",
        "aac",
        "-ac:a:1",
        "2",
    )
    only_for_phones(path)
    task = Ffprobe()
    (row,) = database_rows("probe", await Files([path]).run(task))
    await task.close()
    assert (row["audio_codec"], row["audio_channels"]) == ("aac", 2)
    assert small(path).note == ""


def test_a_sound_that_ffprobe_opens_and_ffmpeg_does_not(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As versions differ in what they know; here a track that has no decoder is taken for its sound."""
    path = film(tmp_path, "a.mov", *shown(), *SOUND, *X264, "-c:a", "aac")
    only_for_phones(path)
    with monkeypatch.context() as patch:
        look = ffmpeg.look

        def deceived(path: bytes, folder: bytes) -> Film | None:
            seen = look(path, folder)
            return seen and msgspec.structs.replace(seen, sounds=(1,) if path.endswith(b"a.mov") else ())

        patch.setattr(ffmpeg, "look", deceived)
        made = small(path)
    assert made.files
    assert made.note == "its sound is left out: its decoder does not open"


def test_the_second_microphone_is_heard(tmp_path: os.PathLike[str]) -> None:
    silent = shown("anullsrc=r=48000:cl=mono")
    path = film(
        tmp_path,
        "a.mxf",
        *shown(),
        *silent,
        *SOUND,
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        "-t",
        "2",
        *("-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    )
    assert small(path).note == ""
    out = os.path.join(tmp_path, "made.mp4")
    heard = ["ffmpeg", "-nostdin", "-hide_banner", "-i", out, "-af", "volumedetect", "-vn", "-f", "null", "-"]
    said = subprocess.run(heard, capture_output=True, check=True, text=True).stderr
    loudest = re.search(r"max_volume: (-?[\d.]+) dB", said)
    assert loudest
    assert float(loudest[1]) > -40


async def test_the_note_reaches_the_row_and_the_damage_the_item(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "a.jpg")
    Image.effect_noise((300, 200), 80).save(path)
    written(path, content(path)[: len(content(path)) // 2])
    held = Archive(os.path.join(tmp_path, "archive"), os.path.join(tmp_path, "scratch"))
    task = Thumbnail()
    job = held.add(path)
    result = (await task.run([job], held, lambda _, __: None))[job.id]
    assert {row[6] for row in rows(result)} == {"it is cut off: what is missing is grey or black"}
    assert result.unopenable == "it is cut off: what is missing is grey or black"
    # Also when the database was lost, and the thumbnails are found in the archive.
    again = (await task.run([job], held, lambda _, __: None))[job.id]
    await task.close()
    assert (again.unopenable, sorted(rows(again))) == (result.unopenable, sorted(rows(result)))
