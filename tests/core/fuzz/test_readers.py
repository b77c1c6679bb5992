"""Whatever stands in a file or a frame that others wrote is read, or refused in the one expected way."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import paths
from core.archives import bag_info
from core.bagit import manifest
from core.files.checksummed_lines import sealed
from core.ipc import PREFIX_LENGTH
from core.journal import file_lines, journal_format
from core.media import ffprobe_parse, metadata
from core.protocol import Call, pack, requests
from core.server import session
from core.workers import pool
from tests.core.fuzz.budget import examples

INTEGERS = st.one_of(st.integers(), st.sampled_from([-1, 0, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1]))
SCALARS = st.one_of(
    st.none(), st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False), st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=8
)


def storable(value: object) -> bool:
    """Whether SQLite takes it."""
    if isinstance(value, bool | float | bytes) or value is None:
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        value.encode()
        return True
    return isinstance(value, Iterable) and all(map(storable, value))


def facts(found: msgspec.Struct) -> list[Any]:
    return [getattr(found, name) for name in found.__struct_fields__]


# Journals

LINE = st.dictionaries(
    st.sampled_from(
        ["file", "entry", "outcome", "size", "mtime_ns", "kind", "xxh128", "sha256", "payload", "reason", "import"]
    ),
    st.one_of(VALUES, st.sampled_from(["archived", "duplicate", "a.jpg", "%FF", "00" * 16, "00" * 32])),
    min_size=1,
)


@examples(80)
@given(st.lists(LINE, max_size=5), st.binary(max_size=60), st.data())
def test_a_journal(rows: list[dict[str, object]], noise: bytes, data: st.DataObject) -> None:
    text = b"".join(sealed(row) for row in rows if storable_json(row))
    at = data.draw(st.integers(0, len(text)))
    found = list(journal_format.lines(text[:at] + noise + text[at:]))
    assert len(found) <= len(rows) + 1
    check_lines(found)


@example({"file": "a", "outcome": "archived", "size": 2**63, "mtime_ns": 0})
@example({"file": "a", "outcome": "archived", "size": -1, "mtime_ns": 0})
@example({"file": "a", "outcome": "archived", "size": 1, "mtime_ns": 2**63})
@example({"file": "a", "outcome": "archived", "size": 1e300, "mtime_ns": 0})
@example({"file": "a", "outcome": "archived", "size": 1, "mtime_ns": 0, "xxh128": "00", "sha256": ""})
@examples(80)
@given(
    st.fixed_dictionaries(
        {"file": st.text(max_size=5), "outcome": st.sampled_from(["archived", "todo", ""]), "size": INTEGERS},
        optional={"mtime_ns": INTEGERS, "xxh128": st.text(max_size=4), "sha256": st.text(max_size=4)},
    )
)
def test_a_line_of_a_journal(row: dict[str, Any]) -> None:
    check_lines([row])


def storable_json(row: dict[str, object]) -> bool:
    """Whether msgspec writes it: it refuses integers that take more than 64 bits."""
    try:
        msgspec.json.encode(row)
    except (OverflowError, UnicodeEncodeError):
        return False
    return True


def check_lines(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        found = file_lines.file_line(line)
        if found is not None:
            assert storable(facts(found)), found
            assert found.size >= 0
            assert found.content is None or [len(one) for one in found.content[1:]] == [16, 32]


# Frames


REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)
"""What core.server.session takes for a hostile client."""


def check_frame(data: bytes) -> None:
    for decode in (session.call_decoder.decode, pool.reply_decoder.decode):
        with suppress(*REFUSED):
            decode(data)


@example(b"\xdd\xff\xff\xff\xff")
@example(b"\x91" * 100_000)
@examples(80)
@given(st.one_of(st.binary(max_size=200), VALUES.map(lambda value: _packed(value))))
def test_a_frame(data: bytes) -> None:
    check_frame(data)


@examples(60)
@given(st.data())
def test_a_frame_that_was_damaged(data: st.DataObject) -> None:
    whole = bytearray(pack(Call(number=1, request=requests.Hello(version="1"))))[PREFIX_LENGTH:]
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    check_frame(bytes(whole))


def _packed(value: object) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError):
        return b""


# What exiftool and ffprobe say

TAG = st.builds(
    "{}:{}".format,
    st.sampled_from(["IFD0", "ExifIFD", "QuickTime", "Track1", "GPS", "Composite", "File", "XMP-x", "RIFF"]),
    st.sampled_from(
        [
            *("DateTimeOriginal", "CreateDate", "OffsetTimeOriginal", "SubSecTimeOriginal", "GPSDateStamp"),
            *("GPSTimeStamp", "GPSLatitude", "GPSLongitude", "GPSAltitude", "Make", "Model", "LensModel", "Lens"),
            *("LensInfo", "LensID", "ImageWidth", "ImageHeight", "ImageSize", "Orientation", "Rotation"),
            *("Duration", "ContentIdentifier", "SerialNumber", "MIMEType", "FileType", "TimeZone", "Warning"),
        ]
    ),
)
STAMP = st.from_regex(
    r"[0-9]{4}:[0-9]{2}:[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([+-][0-9]{2}:[0-9]{2}|Z)?"
)
ODD = ["1e400", "inf", "nan", "0000:00:00 00:00:00", "9999:12:31 23:59:59"]
SAID = st.one_of(VALUES, STAMP, st.sampled_from(ODD))


@example({"ExifIFD:DateTimeOriginal": "0001:01:01 00:00:00", "ExifIFD:OffsetTimeOriginal": "+14:00"})
@example({"ExifIFD:DateTimeOriginal": "9999:12:31 23:59:59", "ExifIFD:OffsetTimeOriginal": "-12:00"})
@example({"File:ImageWidth": 2**63, "File:ImageHeight": 2**70})
@example({"QuickTime:Duration": 1e308, "GPS:GPSAltitude": "1" * 400})
@examples(120)
@given(st.dictionaries(TAG, SAID, max_size=8))
def test_what_exiftool_says(tags: dict[str, object]) -> None:
    said = json.dumps({"SourceFile": 'a"\\.jpg', **tags}).encode()
    try:
        found = metadata.parse(said)
    except msgspec.DecodeError:
        return
    assert storable(facts(found)), found
    kept = metadata.raw_of(msgspec.json.decode(said, type=dict[str, msgspec.Raw]))
    assert "SourceFile" not in msgspec.json.decode(kept, type=dict[str, msgspec.Raw])
    assert metadata.unpack(metadata.pack(kept)) == kept.decode()


@examples(80)
@given(st.one_of(st.binary(max_size=80), VALUES.map(lambda value: json.dumps(value).encode())))
def test_what_is_not_what_exiftool_or_ffprobe_say(said: bytes) -> None:
    for read in (metadata.parse, ffprobe_parse.read):
        try:
            read(said)
        except msgspec.DecodeError:
            continue


STREAM = st.fixed_dictionaries(
    {"codec_type": st.sampled_from(["video", "audio", "data"])},
    optional={
        "codec_name": st.text(max_size=4),
        "width": INTEGERS,
        "height": INTEGERS,
        "duration": st.one_of(st.text(max_size=6), st.sampled_from(["inf", "1e400", "-1", "nan"])),
        "avg_frame_rate": st.sampled_from(["0/0", "1/0", "25/1", "-1/2", "x", "9" * 30 + "/1", "1" * 400]),
        "r_frame_rate": st.sampled_from(["0/0", "30000/1001", "1/" + "9" * 400]),
        "sample_rate": st.one_of(st.text(max_size=5), st.just("9" * 40)),
        "channels": INTEGERS,
        "tags": st.dictionaries(st.sampled_from(["rotate", "timecode", "creation_time"]), st.text(max_size=6)),
        "side_data_list": st.lists(
            st.dictionaries(st.sampled_from(["rotation", "side_data_type"]), SCALARS), max_size=2
        ),
    },
)


@example([{"codec_type": "audio", "channels": 2**64}], {})
@example([{"codec_type": "video", "width": -1, "height": 2**63}], {})
@example([{"codec_type": "video", "avg_frame_rate": "1" * 400}], {})
@examples(120)
@given(
    st.lists(STREAM, max_size=3),
    st.dictionaries(st.sampled_from(["duration", "bit_rate", "format_name", "filename"]), st.text(max_size=8)),
)
def test_what_ffprobe_says(streams: list[dict[str, object]], shown: dict[str, str]) -> None:
    said = json.dumps({"streams": streams, "format": shown}).encode()
    try:
        answer = ffprobe_parse.read(said)
    except msgspec.DecodeError:
        return
    assert storable(facts(ffprobe_parse.typed(answer)))
    assert b'"filename"' not in ffprobe_parse.raw_of(said)


# Tag files and manifests


@examples(80)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_manifest(pieces: list[bytes]) -> None:
    by_piece, whole = manifest.ManifestLines(), manifest.ManifestLines()
    found = [entry for piece in pieces for entry in by_piece.feed(piece)] + by_piece.end()
    assert found == whole.feed(b"".join(pieces)) + whole.end()
    assert all(len(sha) == 32 for _, sha in found)


@examples(80)
@given(st.binary(max_size=120))
def test_a_bag_info(text: bytes) -> None:
    for label, value in bag_info.parse(text):
        assert label.strip() == label != ""
        assert "\n" not in value


@examples(80)
@given(st.text(max_size=30))
def test_a_path_in_a_tag_file(text: str) -> None:
    try:
        path = paths.decode(text)
    except ValueError:
        return
    assert paths.decode(paths.encode(path)) == path


@pytest.mark.parametrize("text", ["%", "%G0", "\u00e4", "a\nb", "%0", "\udcff"])
def test_a_path_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a percent-encoded path"):
        paths.decode(text)
