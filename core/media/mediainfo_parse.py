"""What MediaInfo found in a film that ffprobe cannot open: N-RAW, Blackmagic RAW, Canon RAW, Sony's RAW in MXF.

Of Sony's it knows one label of the coding (MediaInfoLib, File_Mxf.cpp, Mxf_EssenceCompression) and calls it
"Sony RAW SQ"; X-OCN is not among its names, so that the codec of a file with another label stays unknown.
"""

import msgspec

from core.media.ffprobe_parse import Probe
from core.media.tags import clean, number


class _Media(msgspec.Struct):
    track: list[dict[str, object]] = []


class _Answer(msgspec.Struct):
    media: _Media | None = None


def merge(probe: Probe, said: bytes) -> Probe:
    """`probe` with its missing values taken from MediaInfo's JSON; unchanged where that has no video track.

    Raises ValueError.
    Units are those of `Probe`; MediaInfo, too, reports seconds, bits per second and frames per second.
    """
    answer = msgspec.json.decode(said, type=_Answer)
    tracks = answer.media.track if answer.media else []
    general = next((one for one in tracks if one.get("@type") == "General"), {})
    video = next((one for one in tracks if one.get("@type") == "Video"), {})
    audio = next((one for one in tracks if one.get("@type") == "Audio"), {})
    codes = (_text(one, "TimeCode_FirstFrame") for one in tracks)
    width, height = _whole(video, "Width"), _whole(video, "Height")
    codec = _text(video, "Format_Commercial_IfAny") or _text(video, "Format") or _text(video, "CodecID")
    if codec is None and width is None:
        return probe
    found = Probe(
        duration=_number(general, "Duration") or _number(video, "Duration"),
        container=_text(general, "Format"),
        bit_rate=_whole(general, "OverallBitRate"),
        streams=sum(one.get("@type") in ("Video", "Audio", "Text") for one in tracks) or None,
        width=width,
        height=height,
        codec=codec,
        frame_rate=_number(video, "FrameRate") or _number(general, "FrameRate"),
        time_code=next((code for code in codes if code), None),
        audio_codec=_text(audio, "Format"),
        audio_channels=_whole(audio, "Channels"),
        audio_rate=_whole(audio, "SamplingRate"),
        created=_text(general, "Encoded_Date"),
    )
    lacking = {
        name: getattr(found, name) for name in Probe.__struct_fields__ if getattr(probe, name) in (None, "")
    }
    return msgspec.structs.replace(probe, **lacking | {"error": None})


def _text(track: dict[str, object], name: str) -> str | None:
    value = track.get(name)
    return clean(value) or None if isinstance(value, str) else None


def _number(track: dict[str, object], name: str) -> float | None:
    value = _text(track, name)
    return number(value) if value else None


def _whole(track: dict[str, object], name: str) -> int | None:
    value = _number(track, name)
    return round(value) if value is not None and value > 0 else None
