"""What MediaInfo says completes what ffprobe has found, and replaces none of it."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.ffprobe_parse import Probe
from core.media.mediainfo_parse import merge

SAID = msgspec.json.encode(
    {
        "media": {
            "track": [
                {"@type": "General", "Format": "MPEG-4", "Duration": "2.500", "OverallBitRate": "1000"},
                {
                    "@type": "Video",
                    "Format": "Sony RAW SQ",
                    "Width": "4096",
                    "Height": "2160",
                    "FrameRate": "23.976",
                },
                {"@type": "Audio", "Format": "PCM", "Channels": "2", "SamplingRate": "48000"},
                {"@type": "Other", "TimeCode_FirstFrame": "01:00:00:00"},
            ]
        }
    }
)


def test_what_ffprobe_lacks_is_added() -> None:
    probe = merge(Probe(duration=2.0, audio_codec="pcm_s24le", error="Invalid data"), SAID)
    assert (probe.duration, probe.audio_codec, probe.error) == (2.0, "pcm_s24le", None)
    assert (probe.codec, probe.width, probe.height, probe.frame_rate) == ("Sony RAW SQ", 4096, 2160, 23.976)
    assert (probe.time_code, probe.audio_channels, probe.streams) == ("01:00:00:00", 2, 2)


@pytest.mark.parametrize("said", [b"{}", b'{"media":null}', b'{"media":{"track":[{"@type":"General"}]}}'])
def test_no_picture_changes_nothing(said: bytes) -> None:
    probe = Probe(error="Invalid data")
    assert merge(probe, said) == probe


@given(st.binary(max_size=100), st.integers(0, len(SAID)))
def test_any_answer_is_borne(junk: bytes, cut: int) -> None:
    for said in (junk, SAID[:cut] + junk, SAID[:cut]):
        with suppress(ValueError):
            merge(Probe(), said)
