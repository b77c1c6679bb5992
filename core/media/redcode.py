"""Parses exiftool's answer about a REDCODE film (R3D), which neither ffprobe nor MediaInfo can read.

FFmpeg reads only the first version (its r3d demuxer: RED1). The header that exiftool reads has no duration.
"""

import msgspec

from core.media.ffprobe_parse import Probe
from core.media.tags import clean

REDCODE_TAGS = (
    "-Red:RedcodeVersion#",
    "-Red:ImageWidth#",
    "-Red:ImageHeight#",
    "-Red:FrameRate#",
    "-Red:StartTimecode#",
)
"""The tags to ask exiftool for (its Red.pm)."""


class _Header(msgspec.Struct):
    version: str | int | None = msgspec.field(name="RedcodeVersion", default=None)
    width: int | None = msgspec.field(name="ImageWidth", default=None)
    height: int | None = msgspec.field(name="ImageHeight", default=None)
    rate: float | None = msgspec.field(name="FrameRate", default=None)
    code: str | None = msgspec.field(name="StartTimecode", default=None)


def merge(probe: Probe, said: bytes) -> Probe:
    """`probe` with codec, container, frame size, frame rate and time code from `said`, exiftool's JSON; unchanged
    if that is about another kind of file.

    Raises ValueError if it is not such JSON.
    """
    answers = msgspec.json.decode(said, type=list[_Header])
    if not answers or answers[0].version is None:
        return probe
    found = answers[0]
    return msgspec.structs.replace(
        probe,
        codec="REDCODE",
        container="R3D",
        width=found.width,
        height=found.height,
        frame_rate=found.rate,
        time_code=clean(found.code or "") or None,
        error=None,
    )
