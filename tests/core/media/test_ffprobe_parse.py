"""The typed facts of one film, from ffprobe's JSON."""

from typing import Any

import msgspec
import pytest

from core.media.ffprobe_parse import Probe, raw_of, read, typed
from core.media.metadata import pack, unpack


def parsed(*streams: dict[str, Any], **shown: Any) -> Probe:
    return typed(read(msgspec.json.encode({"streams": streams, "format": shown})))


def film(**values: Any) -> dict[str, Any]:
    return {"codec_type": "video", "codec_name": "h264", "width": 4, "height": 2, **values}


@pytest.mark.parametrize(
    ("values", "rotation"),
    [
        ({}, 0),
        ({"side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]}, 90),
        ({"side_data_list": [{"rotation": 90}]}, 270),
        ({"side_data_list": [{}, {"rotation": -180}]}, 180),
        ({"tags": {"rotate": "270"}}, 270),
        ({"tags": {"rotate": "nonsense"}}, 0),
    ],
)
def test_rotations(values: dict[str, Any], rotation: int) -> None:
    assert parsed(film(**values)).rotation == rotation


@pytest.mark.parametrize(
    ("average", "nominal", "rate", "variable"),
    [
        ("25/1", "25/1", 25.0, 0),
        ("30000/1001", "30000/1001", 30000 / 1001, 0),
        ("1700/97", "30/1", 1700 / 97, 1),
        ("0/0", "25/1", 25.0, None),
        ("0/0", "0/0", None, None),
        ("", "", None, None),
    ],
)
def test_frame_rates(average: str, nominal: str, rate: float | None, variable: int | None) -> None:
    found = parsed(film(avg_frame_rate=average, r_frame_rate=nominal))
    assert (found.frame_rate, found.variable_rate) == (rate, variable)


def test_a_cover_picture_is_no_film() -> None:
    cover = film(codec_name="mjpeg", disposition={"attached_pic": 1})
    found = parsed(cover, {"codec_type": "audio", "codec_name": "aac", "channels": 2, "sample_rate": "48000"})
    assert (found.codec, found.width, found.audio_codec) == (None, None, "aac")
    assert (found.audio_channels, found.audio_rate, found.streams) == (2, 48000, 2)
    assert parsed(cover, film()).codec == "h264"


def test_time_codes() -> None:
    assert parsed(film(), {"codec_type": "data", "tags": {"timecode": "01:02:03;04"}}).time_code == "01:02:03;04"
    assert parsed(film(timecode="01:02:03:04")).time_code == "01:02:03:04"
    assert parsed(film(), tags={"timecode": "nonsense"}).time_code is None


def test_transfers() -> None:
    assert parsed(film(color_transfer="smpte2084")).hdr == "PQ"
    assert parsed(film(color_transfer="arib-std-b67")).hdr == "HLG"
    assert parsed(film(color_transfer="bt709")).hdr is None


def test_lengths() -> None:
    assert parsed(film(duration="2.0"), duration="2.5").duration == 2.5
    assert parsed(film(duration="2.0"), duration="N/A").duration == 2.0
    assert parsed(film(), bit_rate="N/A").bit_rate is None
    assert parsed() == Probe(streams=0)


def test_what_is_kept_says_nothing_of_where_the_file_lies() -> None:
    kept = raw_of(b'{ "streams": [ ], "format": {"filename": "file:/a/b", "duration": "1.50"} }')
    assert unpack(pack(kept)) == '{"streams":[],"format":{"duration":"1.50"}}'
