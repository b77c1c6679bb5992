"""exiftool on real files: what it says alone is what we keep, and a sick one is replaced."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import tools
from core.media.metadata import pack, unpack
from core.tasks.exiftool import Exiftool
from tests.core.tasks.itemrig import Files, rows
from tests.rigs import makers
from tests.rigs.media import make_media, run
from tests.rigs.rare import make_rare
from tests.rigs.shared import MEDIA

pytestmark = pytest.mark.process

NOON = 1_714_996_800  # 2024-05-06 12:00:00 UTC

PRINTED = ("Composite:LensID", "SerialNumber", "InternalSerialNumber", "H264:Make", "TimeZone")
"""Tags that are kept as exiftool prints them for people, all others as numbers."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return make_media(os.fsencode(tmp_path_factory.mktemp("media")))


@pytest.fixture
async def task() -> AsyncIterator[Exiftool]:
    task = Exiftool()
    yield task
    await task.close()


def bare(paths: list[bytes], *options: str) -> list[dict[str, Any]]:
    """What exiftool itself says of each file, without any of this."""
    argv = ("exiftool", "-config", "", "-json", *(options or ("-n",)))
    done = subprocess.run([*argv, *paths], capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
    found: list[dict[str, Any]] = json.loads(done.stdout, parse_float=str, parse_int=str)
    assert len(found) == len(paths)
    return found


def by_name(paths: list[bytes]) -> list[dict[str, Any]]:
    """All tags of each file, some as they are printed: by exiftool's own options, which is slower."""
    return bare(paths, "-a", "-G1", *(f"-{tag}" for tag in PRINTED), "-all#", "--System:all")


async def test_every_file_as_exiftool_says_it(task: Exiftool, media: list[bytes]) -> None:
    rarer = make_rare(os.path.join(os.path.dirname(media[0]), b"rare")).values()
    paths = [*media, *rarer, *(os.fsencode(path) for path in sorted(MEDIA.rglob("*")) if path.is_file())]
    found = rows("metadata", await Files(paths).run(task))
    assert len(found) == len(paths)
    everything = by_name(paths)
    for path, row, whole, plain in zip(paths, found, everything, bare(paths), strict=True):
        assert whole.pop("SourceFile") == os.fsdecode(path)
        raw = json.loads(unpack(row["raw"]), parse_float=str, parse_int=str)
        assert raw == whole, path
        assert (row["format"], row["mime"]) == (plain.get("FileType"), plain.get("MIMEType"))
        assert (row["error"], row["warning"]) == (plain.get("Error"), plain.get("Warning"))
        size = plain.get("ImageSize", "").split()
        assert (row["width"], row["height"]) == (tuple(map(int, size)) or (None, None)), path
        for column, tag in (("lat", "GPSLatitude"), ("lon", "GPSLongitude"), ("altitude", "GPSAltitude")):
            assert row[column] == (float(plain[tag]) if plain.get(tag) else None), (path, tag)
        for column, tag in (("make", "Make"), ("model", "Model"), ("serial", "SerialNumber")):
            assert row[column] == (str(plain[tag]).strip() if tag in plain else None), (path, tag)
        date = next((plain[tag] for tag in ("SubSecDateTimeOriginal", "DateTimeOriginal") if tag in plain), None)
        if date is not None and path in media:
            assert row["captured_local"] == f"{date[:10].replace(':', '-')}T{date[11:].partition('+')[0]}", path


async def test_the_facts_of_known_files(task: Exiftool, media: list[bytes]) -> None:
    found = {
        os.path.basename(path): row
        for path, row in zip(media, rows("metadata", await Files(media).run(task)), strict=True)
    }
    photo = found[b"photo.jpg"]
    assert (photo["captured"], photo["captured_local"], photo["offset"], photo["captured_zone"]) == (
        1_714_972_089.25,
        "2024-05-06T07:08:09.25",
        120,
        "recorded",
    )
    assert (photo["make"], photo["model"], photo["lens"]) == ("Lading", "Rig One", "50mm F1.8")
    assert (photo["lat"], photo["lon"]) == (47.5596, 7.5886)
    assert found[b"turned.jpg"]["orientation"] == 6
    assert (found[b"scan.tif"]["captured_local"], found[b"scan.tif"]["captured_zone"]) == (
        "2022-02-02T02:02:02",
        "",
    )
    assert found[b"plain.png"]["captured"] is None
    clip = found[b"clip.mp4"]
    assert (clip["captured"], clip["captured_zone"]) == (1_714_972_089, "utc")
    assert clip["duration"] == pytest.approx(2, abs=0.1)
    assert found[b"turned.mov"]["orientation"] == 6
    assert found[b"empty.jpg"]["error"] == "File is empty"
    assert found[b"not a photo.jpg"]["format"] == "TXT"
    assert found[b"broken.jpg"]["make"] == "Lading"


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the shared pictures are not here")
async def test_dates_of_the_shared_pictures(task: Exiftool) -> None:
    folder = MEDIA / "metadata" / "dates"
    names = ["date-priority-test.jpg", "datetimeoriginal-gps.jpg", "gps-datetime.jpg", "time-created.jpg"]
    found = rows("metadata", await Files(folder / name for name in names).run(task))
    assert [row["captured_local"] for row in found] == [
        "2023-02-02T02:00:00",
        "2025-12-01T11:30:00",
        "2023-11-15T04:30:00",  # 12:30 UTC in San Francisco
        None,
    ]
    assert (found[2]["captured"], found[2]["offset"], found[2]["captured_zone"]) == (
        1_700_051_400,
        -480,
        "position",
    )


async def test_a_film_in_utc_is_on_the_clock_of_its_place(
    task: Exiftool, media: list[bytes], tmp_path: Path
) -> None:
    clip = os.fsdecode(next(path for path in media if path.endswith(b"clip.mp4")))
    utc = "-QuickTime:CreateDate=2023:12:31 15:30:07"
    here = "-UserData:GPSCoordinates=35.68 139.69 40"
    cases: dict[str, tuple[tuple[str, ...], tuple[str, int | None, str]]] = {
        "here.mov": ((utc, here), ("2024-01-01T00:30:07", 540, "position")),
        "VID_20240101_003000.mp4": ((utc,), ("2024-01-01T00:30:07", 540, "name")),
        "PXL_20231231_153007123.mp4": ((utc,), ("2023-12-31T15:30:07", None, "utc")),
        "VID_20231231_103000.mov": ((utc, here), ("2024-01-01T00:30:07", 540, "position")),
        "clip.mp4": ((utc,), ("2023-12-31T15:30:07", None, "utc")),
    }
    for name, (options, _) in cases.items():
        shutil.copyfile(clip, tmp_path / name)
        run("exiftool", "-q", "-q", "-n", "-overwrite_original", *options, os.fsencode(tmp_path / name))
    found = rows("metadata", await Files(tmp_path / name for name in cases).run(task))
    for (name, (_, wanted)), row in zip(cases.items(), found, strict=True):
        assert (row["captured_local"], row["offset"], row["captured_zone"]) == wanted, name
        assert row["captured"] == 1_704_036_607


async def test_quicktime_dates(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    clip = os.fsdecode(next(path for path in media if path.endswith(b"clip.mp4")))
    cases: dict[str, tuple[tuple[str, ...], tuple[float | None, str | None, int | None, str | None]]] = {
        "plain.mov": (("-QuickTime:CreateDate=2024:05:06 12:00:00",), (NOON, "2024-05-06T12:00:00", None, "utc")),
        "apple.mov": (
            ("-Keys:CreationDate=2024:05:06 14:00:00+02:00", "-QuickTime:CreateDate=2030:01:01 00:00:00"),
            (NOON, "2024-05-06T14:00:00", 120, "recorded"),
        ),
        "nikon.mov": (
            ("-UserData:Make=NIKON CORPORATION", "-QuickTime:CreateDate=2024:05:06 12:00:00"),
            (NOON, "2024-05-06T12:00:00", None, ""),
        ),
    }
    for name, (options, _) in cases.items():
        shutil.copyfile(clip, tmp_path / name)
        run("exiftool", "-q", "-n", "-overwrite_original", *options, os.fsencode(tmp_path / name))
    found = rows("metadata", await Files(tmp_path / name for name in cases).run(task))
    for (name, (_, wanted)), row in zip(cases.items(), found, strict=True):
        assert (row["captured"], row["captured_local"], row["offset"], row["captured_zone"]) == wanted, name


async def test_dates_by_the_table_in_real_files(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    plain = os.fsdecode(next(path for path in media if path.endswith(b"plain.png")))
    written: dict[str, tuple[tuple[str, ...], tuple[str, str, str]]] = {
        "scan.png": (
            (
                "-DateTimeOriginal=1985:07:01 12:00:00",
                "-CreateDate=2023:05:05 10:00:00",
                "-SubSecTimeDigitized=33",
            ),
            ("1985-07-01T12:00:00", "", "ExifIFD:DateTimeOriginal"),
        ),
        "hour24.png": (
            ("-ExifIFD:DateTimeOriginal=2013:11:02 24:12:34",),
            ("2013-11-02T00:12:34", "", "ExifIFD:DateTimeOriginal"),
        ),
        "day.png": (("-IPTC:DateCreated=1931:08:28",), ("1931-08-28", "", "IPTC:DateCreated")),
        "gps.png": (
            ("-GPSDateStamp=2024:02:21", "-GPSTimeStamp=15:14:20"),
            ("2024-02-21T15:14:20", "utc", "Composite:GPSDateTime"),
        ),
        "changed.png": (("-IFD0:ModifyDate=2009:03:04 05:06:07",), ("2009-03-04T05:06:07", "", "IFD0:ModifyDate")),
    }
    for name, (options, _) in written.items():
        shutil.copyfile(plain, tmp_path / name)
        run("exiftool", "-q", "-q", "-n", "-m", "-overwrite_original", *options, os.fsencode(tmp_path / name))
    films = {
        "film.wmv": ("wmv2", ("2004-10-28T17:23:34", "utc", "ASF:CreationDate")),
        "film.mkv": ("mpeg4", ("2004-10-28T17:23:34", "utc", "Matroska:DateTimeOriginal")),
    }
    for name, (codec, _) in films.items():
        source = ("-f", "lavfi", "-i", "color=size=32x32:rate=5", "-t", "1", "-c:v", codec)
        made = ("-metadata", "creation_time=2004-10-28T17:23:34Z", os.fsencode(tmp_path / name))
        run("ffmpeg", "-nostdin", "-v", "error", *source, *made)
    wanted = [facts for _, facts in [*written.values(), *films.values()]]
    found = rows("metadata", await Files(tmp_path / name for name in [*written, *films]).run(task))
    told = [(row["captured_local"], row["captured_zone"], row["captured_tag"]) for row in found]
    assert [(local, zone) for local, zone, _ in told] == [(local, zone) for local, zone, _ in wanted]
    assert told[:5] == wanted[:5]


async def test_what_numbers_alone_do_not_tell(task: Exiftool, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    makers.canon(os.path.join(folder, b"canon.jpg"), 570004681)
    makers.canon(os.path.join(folder, b"zero.jpg"), 0)
    makers.pentax(os.path.join(folder, b"pentax.jpg"))
    for number, maker in makers.AVCHD_MAKERS.items():
        makers.avchd(os.path.join(folder, f"{maker}.MTS".encode()), number)
    makers.avchd(os.path.join(folder, b"nobody.MTS"), 0x7777)
    names = ["canon.jpg", "zero.jpg", "pentax.jpg", *(f"{maker}.MTS" for maker in makers.AVCHD_MAKERS.values())]
    found = rows("metadata", await Files(tmp_path / name for name in [*names, "nobody.MTS"]).run(task))
    assert [row["serial"] for row in found[:2]] == ["0570004681", None]
    assert found[2]["lens"] == "smc PENTAX-FA 28-90mm F3.5-5.6"
    assert [row["make"] for row in found[3:]] == [*makers.AVCHD_MAKERS.values(), None]
    assert [row["camera"] for row in found[3:]] == [*makers.AVCHD_MAKERS.values(), None]
    assert {(row["captured_local"], row["offset"]) for row in found[3:]} == {("2019-04-24T22:24:00", 60)}


def as_exiftool_writes(path: Path, groups: dict[str, str], properties: str) -> None:
    """XMP whose tags exiftool puts into groups that the file names, by their prefixes: as it does with its own."""
    spaces = " ".join(f"xmlns:{prefix}='http://ns.exiftool.org/{group}/1.0/'" for prefix, group in groups.items())
    syntax = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:et='http://ns.exiftool.org/1.0/'"
    described = f"<rdf:Description rdf:about='' et:toolkit='Image::ExifTool 12.57' {spaces}>{properties}"
    path.write_text(f"<rdf:RDF {syntax}>{described}</rdf:Description></rdf:RDF>")


async def test_what_is_kept_is_as_exiftool_prints_it(task: Exiftool, tmp_path: Path) -> None:
    """Also where a tag is in several groups, or more than once in one."""
    makers.canon(os.fsencode(tmp_path / "canon.jpg"), 570004681)
    shutil.copyfile(tmp_path / "canon.jpg", tmp_path / "both.jpg")
    twice = ("-ExifIFD:SerialNumber=0012", "-XMP-aux:SerialNumber=0013", "-XMP-aux:LensID=7")
    run("exiftool", "-q", "-q", "-overwrite_original", *twice, os.fsencode(tmp_path / "both.jpg"))
    makers.pentax(os.fsencode(tmp_path / "pentax.jpg"))
    makers.avchd(os.fsencode(tmp_path / "film.MTS"), 0x0103)
    (tmp_path / "lists.json").write_text('{"SerialNumber":["01","1E5"],"serialnumber":7,"TimeZone":true}')
    (tmp_path / "twice.json").write_text('{"SerialNumber":"01","serialNumber":"02","TimeZone":60,"timeZone":1}')
    places = {
        "a": "x/Canon",
        "b": "y/Canon",
        "c": "x/Nikon",
        "d": "y/Nikon",
        "e": "x/Composite",
        "f": "y/Composite",
    }
    serials = "".join(f"<{space}:SerialNumber>{space}</{space}:SerialNumber>" for space in places)
    lenses = "".join(f"<{space}:LensID>{space}</{space}:LensID>" for space in reversed(places))
    as_exiftool_writes(tmp_path / "twice.xmp", places, serials + lenses)
    names = ("canon.jpg", "both.jpg", "pentax.jpg", "film.MTS", "lists.json", "twice.json", "twice.xmp")
    paths = [os.fsencode(tmp_path / name) for name in names]
    found = rows("metadata", await Files(paths).run(task))
    for path, row, whole in zip(paths, found, by_name(paths), strict=True):
        raw = json.loads(unpack(row["raw"]), parse_float=str, parse_int=str)
        assert list(raw.items()) == [one for one in whole.items() if one[0] != "SourceFile"], path
    raw = json.loads(unpack(found[1]["raw"]))
    assert raw["ExifIFD:SerialNumber"] == "0012"
    assert raw["Canon:SerialNumber"] == "0570004681"


@pytest.mark.parametrize(
    "value", ["made up", "<rdf:Seq><rdf:li>IFD0:Make</rdf:li><rdf:li>made up</rdf:li></rdf:Seq>"]
)
@pytest.mark.parametrize("group", ["x/Composite", "Composite"])
async def test_a_file_cannot_say_what_is_printed(task: Exiftool, tmp_path: Path, value: str, group: str) -> None:
    told = f"<made:AsPrinted>{value}</made:AsPrinted><first:Make>Lading</first:Make>"
    as_exiftool_writes(tmp_path / "made up.xmp", {"made": group, "first": "EXIF/IFD0"}, told)
    (row,) = rows("metadata", await Files([tmp_path / "made up.xmp"]).run(task))
    assert (row["make"], row["error"]) == ("Lading", None)
    assert "Composite:AsPrinted" not in json.loads(unpack(row["raw"]))


async def test_the_engines_own_zone_changes_nothing(media: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for zone in ("America/New_York", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        task = Exiftool()
        try:
            seen.append(rows("metadata", await Files(media).run(task)))
        finally:
            await task.close()
    monkeypatch.undo()
    time.tzset()
    assert seen[0] == seen[1]


async def test_tags_of_apple_and_films_without_a_date(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    clip = b"file:" + next(path for path in media if path.endswith(b"clip.mp4"))
    live = ("-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.content.identifier=AB-12")
    for name, options in (("live.mov", live), ("none.mov", ("-fflags", "+bitexact"))):
        made = b"file:" + os.fsencode(tmp_path / name)
        run("ffmpeg", "-v", "error", "-i", clip, "-map_metadata", "-1", "-c", "copy", *options, made)
    live_row, bare_row = rows("metadata", await Files([tmp_path / "live.mov", tmp_path / "none.mov"]).run(task))
    assert (live_row["content_identifier"], bare_row["content_identifier"]) == ("AB-12", None)
    assert (bare_row["captured"], bare_row["captured_local"], bare_row["captured_zone"]) == (None, None, None)


@pytest.mark.parametrize(
    "name",
    ["a  b ", "-lead", "#hash", "$x@y", 'q"x', "back\\n", "%d", "*?[x]", "pipe|", "two\nlines", "cr\rx", "t\tx",
     "two\n-execute\n-ver", "\udcff\udcfe", "é", "a=b", "'n\n\"\\"],
)  # fmt: skip
async def test_archives_with_any_name(task: Exiftool, media: list[bytes], tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for number in range(3):
        shutil.copyfile(media[0], folder / f"{number}.jpg")
    found = rows("metadata", await Files(folder / f"{number}.jpg" for number in range(3)).run(task))
    assert [(row["make"], row["error"]) for row in found] == [("Lading", None)] * 3


async def test_what_cannot_be_said_is_refused(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    folder = tmp_path / "two\nlines $x"
    folder.mkdir()
    shutil.copyfile(media[0], folder / "x.jpg")
    refused, well = await Files([folder / "x.jpg", media[0]]).run(task)
    assert "line break" in refused.error
    assert not well.error


async def test_a_file_that_is_gone_is_an_error_of_its_job_alone(task: Exiftool, media: list[bytes]) -> None:
    paths = [media[0], b"/nowhere/x.jpg", media[1]]
    first, gone, last = await Files(paths).run(task)
    assert (first.error, last.error) == ("", "")
    assert "not found" in gone.error
    assert not gone.final


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_an_error(task: Exiftool, media: list[bytes], tmp_path: Path) -> None:
    shutil.copyfile(media[0], tmp_path / "x.jpg")
    (tmp_path / "x.jpg").chmod(0)
    (result,) = await Files([tmp_path / "x.jpg"]).run(task)
    assert result.error


async def test_an_item_that_is_gone(task: Exiftool) -> None:
    context = Files([])
    (job,) = Files([b"/x"]).jobs("exiftool")
    result = (await task.run([job], context, lambda job, part: None))[job.id]
    assert result.error
    assert result.final


def test_a_missing_exiftool_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "HOMEBREW", ())
    said = Exiftool(search=str(tmp_path)).missing()
    assert "not installed" in said
    assert tools.tool("exiftool", search=str(tmp_path)).install in said


def test_an_old_exiftool_is_told_until_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "exiftool"
    file.write_text("#!/bin/sh\necho 12.16\n")
    file.chmod(0o755)
    task = Exiftool(search=str(tmp_path))
    assert "12.16 is too old" in task.missing()
    file.write_text("#!/bin/sh\necho 12.76\n")
    assert task.missing() == ""


async def test_an_exiftool_that_vanished_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "HOMEBREW", ())
    (result,) = await Files([b"/x"]).run(Exiftool(search=str(tmp_path)))
    assert "not installed" in result.error


async def test_what_was_said_once_is_read_by_the_rules_of_today(
    task: Exiftool, media: list[bytes], tmp_path: Path
) -> None:
    paths = [*media, *make_rare(os.path.join(os.path.dirname(media[0]), b"said")).values()]
    first = rows("metadata", await Files(paths).run(task))
    again = Files(tmp_path / os.path.basename(os.fsdecode(path)) for path in paths)
    for path in again.paths:
        shutil.copyfile(os.devnull, path)
    again.said = {row["item_id"]: row["raw"] for row in first}
    assert rows("metadata", await again.run(task)) == first
    # Where nothing was kept that makes sense, the file is read.
    again.said = {0: b"", 1: pack(b"{"), 2: pack(b"[]")}
    assert {row["error"] for row in rows("metadata", await again.run(task))} == {"File is empty"}
