"""What Lading says of media, against what exiftool and ffprobe say of them by themselves, file by file.

The other side is written anew here, in its simplest form: exiftool's own output for a person, the table of date
tags in its order, ffprobe's own fields. Where the two disagree, a row of `DISAGREEMENTS` says why; a row that no
file needs any more fails, too.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import ExifTags, Image

from core.media.date_tags import DATE_TAGS
from core.media.metadata import unpack
from core.tasks.exiftool import Exiftool
from core.tasks.ffprobe import Ffprobe
from tests.core.tasks.itemrig import Files, rows
from tests.rigs import makers
from tests.rigs.dated import make_dated
from tests.rigs.media import make_media
from tests.rigs.rare import make_rare
from tests.rigs.shared import MEDIA

pytestmark = pytest.mark.process

Facts = dict[str, Any]

SPELLED = "exiftool leaves a date as it is spelt; ours is the one that is meant"
UNSET = "a clock that nobody had set says no date"
LENS = "what the camera or its owner calls the lens goes before what its number may stand for"

DISAGREEMENTS: dict[tuple[str, str], str] = {
    ("blank_time.jpg", "date"): SPELLED,
    ("hour24.jpg", "date"): SPELLED,
    ("sec60.jpg", "date"): SPELLED,
    ("spaces.jpg", "date"): SPELLED,
    ("slashes.jpg", "date"): SPELLED,
    ("iso.jpg", "date"): SPELLED,
    ("film.flv", "date"): SPELLED,
    ("no_day.jpg", "date"): "a month of the picture itself goes before a day on which it was digitised",
    ("zone_30.jpg", "date"): "no place on Earth is 30 hours ahead: the zone is dropped, not the date",
    ("clock1970.jpg", "date"): UNSET,
    ("boot1970.mp4", "date"): UNSET,
    ("film.wmv", "duration"): "exiftool counts ASF's preroll, the time before anything is shown",
    ("el_torcal_rocks.jpg", "lens"): LENS,
    ("el_torcal_rocks.jpeg", "lens"): LENS,
    ("prairie_falcon.jpg", "lens"): LENS,
    ("tanners_ridge.jpg", "lens"): LENS,
    ("picasa.jpg", "lens"): "exiftool does not know it; ours is what its focal lengths tell",
}
"""(name, field): why Lading says something else. Those of shared pictures are needed only where these are."""


FILMS = (
    b".mp4",
    b".m4v",
    b".mov",
    b".mkv",
    b".webm",
    b".wmv",
    b".flv",
    b".avi",
    b".mxf",
    b".mpg",
    b".MTS",
    b".wav",
)


def corpus(root: bytes) -> list[bytes]:
    """All that is generated, and what is shared."""
    paths = [*make_media(os.path.join(root, b"media")), *make_rare(os.path.join(root, b"rare")).values()]
    paths += make_dated(os.path.join(root, b"dated")).values()
    folder = os.path.join(root, b"makers")
    os.mkdir(folder)
    paths += [os.path.join(folder, name) for name in (b"sony.MTS", b"serial.jpg", b"lens.jpg")]
    makers.avchd(paths[-3], 0x0108)
    makers.canon(paths[-2], 570004681)
    makers.pentax(paths[-1])
    paths.append(turned(os.path.join(folder, b"turned.avif"), 6))
    return paths + [os.fsencode(path) for path in sorted(MEDIA.rglob("*")) if path.is_file()]


def turned(path: bytes, orientation: int) -> bytes:
    """Make an AVIF that only its own boxes turn or mirror (ISO/IEC 23008-12, irot and imir)."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(os.fsdecode(path), exif=exif)
    return path


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return corpus(os.fsencode(tmp_path_factory.mktemp("corpus")))


def exiftools(paths: list[bytes]) -> list[Facts]:
    """What it says of each file to a person, and sizes, turns and lengths as numbers."""
    numbers = ("-Orientation#", "-Rotation#", "-Duration#", "-ImageSize#")
    argv = ("exiftool", "-config", "", "-json", "-a", "-G1", *numbers, "-all", "-charset", "filename=utf8")
    done = subprocess.run([*argv, *paths], capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
    found: list[Facts] = json.loads(done.stdout, parse_float=str, parse_int=str)
    return found


def ffprobes(path: bytes) -> Facts:
    """What it says of one film or recording."""
    argv = ("ffprobe", "-v", "quiet", "-of", "json", "-show_format", "-show_streams")
    done = subprocess.run([*argv, b"file:" + path], capture_output=True, check=False)
    found: Facts = json.loads(done.stdout or b"{}")
    return found


_WHOLE = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?(?: DST)?")
_NOT_OF_THE_PICTURE = ("IFD1", "IFD2", "PreviewIFD", "System", "File")
_EXIF_FIRST = {"ExifIFD": 0, "IFD0": 1, "Composite": 2}
_TURNS = {0: 1, 90: 6, 180: 3, 270: 8}


def tags(facts: Facts, name: str) -> Iterator[tuple[str, str]]:
    """Group and value of each tag of that name, EXIF's first."""
    found = [(key.partition(":")[0], str(value)) for key, value in facts.items() if key.endswith(f":{name}")]
    found = [one for one in found if one[0] not in _NOT_OF_THE_PICTURE]
    return iter(sorted(found, key=lambda one: _EXIF_FIRST.get(one[0], 3)))


def moment(facts: Facts) -> float | str | None:
    """By the table: seconds since 1970 of a date in UTC or with a zone, else what the clock says; a day alone only
    where nothing has a time."""
    day = None
    for row in DATE_TAGS:
        for group, value in tags(facts, row.name):
            if row.groups and group not in row.groups:
                continue
            if (told := _moment(value, row.rule)) is not None:
                return told
            if re.fullmatch(r"\d{4}(:\d\d){0,2}", value):
                day = day or value.replace(":", "-")
    return day


def _moment(value: str, rule: str) -> float | str | None:
    found = _WHOLE.fullmatch(value)
    if found is None or value < "0002":
        return None
    try:
        clock = datetime.strptime(value[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    if found[1] and found[1] != "Z":
        ahead = timedelta(hours=int(found[1][1:3]), minutes=int(found[1][4:]))
        clock += -ahead if found[1][0] == "+" else ahead
    return clock.replace(tzinfo=UTC).timestamp() if found[1] or rule == "utc" else clock.isoformat()


def camera(facts: Facts) -> str | None:
    make, model = (next((value.strip() for _, value in tags(facts, name)), "") for name in ("Make", "Model"))
    known = model if make and model.lower().startswith(make.lower().split()[0]) else f"{make} {model}"
    return known.strip() or None


def orientation(facts: Facts) -> int | None:
    for _, value in tags(facts, "Orientation"):
        return int(value)
    for group, value in tags(facts, "Rotation"):
        if group == "QuickTime":  # of a picture, anticlockwise; quarters since exiftool 13
            return _TURNS[-int(value) * (90 if int(value) < 4 else 1) % 360]
        if group == "Composite":
            return _TURNS.get(round(float(value)) % 360)
    return None


def size(facts: Facts) -> tuple[int, int] | None:
    found = next((value for _, value in tags(facts, "ImageSize")), "")
    return (int(found.split()[0]), int(found.split()[1])) if re.fullmatch(r"\d+ \d+", found) else None


def duration(facts: Facts) -> float | None:
    found = next((value for group, value in tags(facts, "Duration") if not group.startswith("Track")), None)
    if found is None or not re.fullmatch(r"(\d+:\d\d:)?[\d.]+", found):
        return None
    hours, minutes, seconds = found.split(":") if ":" in found else ("0", "0", found)
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds) or None


def by_exiftool(row: Facts, facts: Facts) -> Iterator[tuple[str, object, object]]:
    """Field, ours, exiftool's."""
    theirs, local = moment(facts), row["captured_local"] or ""
    if isinstance(theirs, float):
        yield "date", row["captured"] and int(row["captured"]), theirs
    else:
        yield "date", local[: len(theirs or local)] or None, theirs
    yield "camera", row["camera"], camera(facts)
    yield "orientation", row["orientation"], orientation(facts)
    yield "size", (row["width"], row["height"]) if row["width"] else None, size(facts)
    yield "duration", row["duration"], duration(facts)
    yield "serial", row["serial"], next((value for _, value in tags(facts, "SerialNumber")), None)
    yield (
        "lens",
        row["lens"],
        next((value for name in ("LensModel", "LensID") for _, value in tags(facts, name)), None),
    )


def film_of(facts: Facts) -> Facts:
    streams = [one for one in facts.get("streams", ()) if one.get("codec_type") == "video"]
    return next((one for one in streams if not one["disposition"]["attached_pic"]), {})


def rotation(film: Facts) -> int:
    turns = [-side["rotation"] for side in film.get("side_data_list", ()) if "rotation" in side]
    return round(turns[0]) % 360 if turns else 0


def by_ffprobe(row: Facts, facts: Facts) -> Iterator[tuple[str, object, object]]:
    """Field, ours, ffprobe's."""
    film, whole = film_of(facts), facts.get("format", {})
    yield "length", row["duration"], float(whole["duration"]) if "duration" in whole else None
    yield (
        "pixels",
        (row["width"], row["height"]) if row["width"] else None,
        ((film["width"], film["height"]) if film.get("width") else None),
    )
    yield "codec", row["codec"], film.get("codec_name")
    yield "turn", row["rotation"] or 0, rotation(film)
    sounds = (one["codec_name"] for one in facts.get("streams", ()) if one.get("codec_type") == "audio")
    yield "sound", row["audio_codec"], next(sounds, None)


def one_another(row: Facts, probe: Facts) -> Iterator[tuple[str, object, object]]:
    """What exiftool and ffprobe both say of a film: field, the one, the other."""
    if probe["codec"] and row["width"]:
        yield "both: size", (row["width"], row["height"]), (probe["width"], probe["height"])
        if row["orientation"]:
            yield "both: turn", row["orientation"], _TURNS[probe["rotation"]]
    if row["duration"] and probe["duration"]:
        apart = abs(row["duration"] - probe["duration"])
        yield "both: duration", apart <= max(0.1, probe["duration"] / 50), True


def disagreements(
    paths: list[bytes], ours: list[Facts], theirs: list[Facts], say: Callable[[Facts, Facts], Any]
) -> dict[tuple[str, str], tuple[object, object]]:
    return {
        (os.fsdecode(os.path.basename(path)), field): (mine, told)
        for path, row, facts in zip(paths, ours, theirs, strict=True)
        for field, mine, told in say(row, facts)
        if mine != told
    }


async def test_all_of_it_agrees_but_for_what_is_listed(paths: list[bytes]) -> None:
    exiftool, ffprobe = Exiftool(), Ffprobe()
    try:
        metadata = rows("metadata", await Files(paths).run(exiftool))
        found = disagreements(paths, metadata, exiftools(paths), by_exiftool)
        films = [path for path in paths if path.endswith(FILMS)]
        probes = rows("probe", await Files(films).run(ffprobe))
        found |= disagreements(films, probes, [ffprobes(path) for path in films], by_ffprobe)
        of_films = [row for path, row in zip(paths, metadata, strict=True) if path.endswith(FILMS)]
        found |= disagreements(films, of_films, probes, one_another)
    finally:
        await exiftool.close()
        await ffprobe.close()
    assert {one: what for one, what in found.items() if one not in DISAGREEMENTS} == {}
    here = {os.fsdecode(os.path.basename(path)) for path in paths}
    assert [one for one in DISAGREEMENTS if one not in found and one[0] in here] == []


async def test_a_film_is_probed_alike_with_and_without_ffprobe(paths: list[bytes]) -> None:
    films = [path for path in paths if path.endswith(FILMS)]
    inside, program = Ffprobe(), Ffprobe(search=os.environ["PATH"])
    try:
        ours = rows("probe", await Files(films).run(inside))
        theirs = rows("probe", await Files(films).run(program))
    finally:
        await inside.close()
        await program.close()
    told = [json.loads(unpack(row.pop("raw"))) for row in ours]
    found = {
        (os.fsdecode(os.path.basename(path)), field): (one[field], other[field])
        for path, one, other in zip(films, ours, theirs, strict=True)
        for field in one
        if one[field] != other[field]
    }
    assert found == {}
    without = [path for path, one in zip(films, told, strict=True) if "library_versions" in one]
    # All but those that are broken, or of a kind that is left to ffprobe.
    assert len(without) > len(films) / 2
    assert {os.path.splitext(path)[1] for path in without} >= {b".mov", b".mp4", b".avi", b".MTS", b".wav"}


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("date", {"ExifIFD:DateTimeOriginal": "2024:05:06 07:08:10"}),
        (
            "date",
            {
                "ExifIFD:DateTimeOriginal": "2024:05:06 07:08:09",
                "Composite:SubSecDateTimeOriginal": "2000:01:01 00:00:00Z",
            },
        ),
        ("camera", {"IFD0:Make": "SONY", "IFD0:Model": "ILCE-7M3"}),
        ("orientation", {"IFD0:Orientation": "6"}),
        ("size", {"Composite:ImageSize": "48 64"}),
        ("duration", {"QuickTime:Duration": "2"}),
        ("serial", {"Canon:SerialNumber": "0570004681"}),
    ],
)
def test_what_differs_is_seen(field: str, facts: Facts) -> None:
    same = {"ExifIFD:DateTimeOriginal": "2024:05:06 07:08:09", "Composite:ImageSize": "64 48", "IFD0:Make": "Sony"}
    ours = {
        "captured": 1_714_979_289.0,
        "captured_local": "2024-05-06T07:08:09",
        "camera": "Sony",
        "orientation": None,
    }
    row = {**ours, "width": 64, "height": 48, "duration": None, "serial": None, "lens": None}
    assert disagreements([b"x"], [row], [same], by_exiftool) == {}
    assert list(disagreements([b"x"], [row], [{**same, **facts}], by_exiftool)) == [("x", field)]
