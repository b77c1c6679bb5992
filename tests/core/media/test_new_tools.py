"""A current exiftool and FFmpeg's current libraries say of media what the system's say: `make test-new-tools`.

Debian ships exiftool 12.57 and FFmpeg 5.1, Homebrew the newest: both are on the machines of our users. Every value
is equal, or a row of `OF_EXIFTOOL` or `OF_FFMPEG` says from which version on it is not, and why; a row that no
file needs any more fails, too.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from core import tools
from core.media.metadata import Metadata
from core.tasks.exiftool import Exiftool
from core.tasks.ffprobe import Ffprobe
from tests.core.media.test_differential import FILMS, Facts, corpus, turned
from tests.core.tasks.itemrig import Files, rows

NEW = os.environ.get("LADING_NEW_TOOLS", "")

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not NEW, reason="LADING_NEW_TOOLS names no folder with other tools: make test-new-tools"),
]

Difference = tuple[str, str, object, object]
"""Name, field, the older tool's value, the newer one's."""

_ENCODED = "exiftool 13.38", "reads XMP in spite of the wrong mark of its encoding"
_GROUPS = "exiftool 13.44", "a level of Matroska's has a group of its own"
_MDAT = "exiftool 13.59 or before", "says where the media data are cut off"

OF_EXIFTOOL: dict[tuple[str, str], tuple[str, str]] = {
    ("cut short.mp4", "warning"): _MDAT,
    ("cut.mov", "warning"): _MDAT,
    ("utc.mkv", "captured_tag"): _GROUPS,
    ("film.webm", "captured_tag"): _GROUPS,
    ("mirrored.avif", "orientation"): ("exiftool 13.43", "reads how AVIF and HEIF are mirrored"),
    ("field.wav", "duration"): ("exiftool 13.26", "counts what is sound, not the header before it"),
    **{
        (f"{year}.xmp", field): _ENCODED
        for year in (2000, 2010, 2020)
        for field in ("captured", "captured_local", "offset", "captured_tag", "captured_zone", "warning")
    },
}
"""What exiftool says, by (name, field): the first version that says something else, and why."""

OF_FFMPEG: dict[tuple[str, str], tuple[str, str]] = {}
"""The same of FFmpeg."""

SAID = ("codec", "pixel_format", "width", "height", "rotation", "frame_rate", "duration", "audio_codec")
"""Fields of `core.media.ffprobe_parse.Probe` that the libraries are asked for."""

CLOSE = 0.05
"""Seconds that a length may be estimated otherwise."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    root = os.fsencode(tmp_path_factory.mktemp("corpus"))
    return [*corpus(root), turned(os.path.join(root, b"mirrored.avif"), 5)]


def judge(found: list[Difference], paths: Iterable[bytes], listed: dict[tuple[str, str], tuple[str, str]]) -> None:
    """All are listed, and nothing is listed in vain."""
    assert [one for one in found if one[:2] not in listed] == []
    told = {one[:2] for one in found}
    names = {os.fsdecode(os.path.basename(path)) for path in paths}
    assert [one for one in listed if one[0] in names and one not in told] == []


async def test_exiftool(paths: list[bytes]) -> None:
    older, newer = Exiftool(), Exiftool(search=NEW)
    try:
        before = rows("metadata", await Files(paths).run(older))
        now = rows("metadata", await Files(paths).run(newer))
    finally:
        await older.close()
        await newer.close()
    found: list[Difference] = [
        (os.fsdecode(os.path.basename(path)), field, one[field], other[field])
        for path, one, other in zip(paths, before, now, strict=True)
        for field in Metadata.__struct_fields__
        if one[field] != other[field]
    ]
    judge(found, paths, OF_EXIFTOOL)
    assert tools.tool("exiftool").version != tools.tool("exiftool", search=NEW).version, "nothing was compared"


async def test_ffmpegs_libraries(paths: list[bytes]) -> None:
    films = [path for path in paths if path.endswith(FILMS)]
    task = Ffprobe()
    try:
        probes = rows("probe", await Files(films).run(task))
    finally:
        await task.close()
    judge(list(_apart(films, probes)), films, OF_FFMPEG)


def _apart(paths: list[bytes], probes: list[Facts]) -> Iterator[Difference]:
    for path, row in zip(paths, probes, strict=True):
        told = by_libraries(path)
        for field in SAID:
            one, other = row[field], told.get(field)
            if one != other and not (field == "duration" and one and other and abs(one - other) < CLOSE):
                yield os.fsdecode(os.path.basename(path)), field, one, other


def by_libraries(path: bytes) -> Facts:
    """What FFmpeg's libraries say of one film or recording; empty for what they do not open."""
    av: Any = pytest.importorskip("av")
    try:
        container = av.open(os.fsdecode(path), metadata_errors="replace")
    except av.FFmpegError:
        return {}
    with container:
        cover = av.stream.Disposition.attached_pic
        films = [one for one in container.streams.video if not one.disposition & cover]
        told: Facts = {"duration": container.duration / 1e6 if container.duration else None}
        for sound in container.streams.audio[:1]:
            told["audio_codec"] = sound.codec.canonical_name
        for film in films[:1]:
            coded = film.codec_context
            told |= {"codec": film.codec.canonical_name, "pixel_format": coded.pix_fmt, "width": coded.width}
            told |= {"height": coded.height, "frame_rate": float(film.average_rate or film.base_rate)}
            told["rotation"] = next((-frame.rotation % 360 for frame in container.decode(film)), 0)
    return told
