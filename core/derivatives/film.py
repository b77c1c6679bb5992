"""The facts of a film or picture that displaying it needs, parsed from ffprobe's answer."""

from typing import Any

import msgspec

from core.derivatives import hdr_lut
from core.derivatives.hdr_lut import ColourSpace

_UNKNOWN = ("", "unknown", "unspecified", "reserved", "none")
_HD = 720


class Film(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a film. `width` and `height` are in display: upright, with square pixels.

    index: the number of the first video stream. coded: its width and height as stored.
    duration: seconds of the whole file. lasts: those of this track, where it gives them. begins: the time of the
    file's first frame.
    sounds: the numbers of the audio tracks to use: the first that can be decoded; two where the first two have one
    channel each. left_out: why there is no audio although the file has some, else empty.
    mixed: whether ffmpeg can downmix the audio to stereo.
    pixels: the name of the pixel format.
    """

    index: int
    codec: str
    width: int
    height: int
    coded: tuple[int, int]
    duration: float | None
    lasts: float | None
    begins: float
    rate: float
    space: ColourSpace
    matrix: str
    interlaced: bool
    sounds: tuple[int, ...]
    left_out: str
    mixed: bool
    pixels: str

    @property
    def decoded(self) -> bool:
        """Whether its codec has a name; nothing decodes one without."""
        return _is_known(self.codec)


def from_probe(streams: list[dict[str, Any]], container: dict[str, Any]) -> Film | None:
    """Parse ffprobe's values; None without a video stream. Raises ValueError, TypeError, AttributeError."""
    moving = [
        one for one in streams if one.get("codec_type") == "video" and not is_cover(one) and decoder_opens(one)
    ]
    if not moving:
        return None
    first = moving[0]
    width, height = _shown(first)
    space = _space(first)
    sounds, left_out = _sounds(streams)
    return Film(
        index=int(first["index"]),
        codec=str(first.get("codec_name") or first.get("codec_tag_string") or ""),
        width=width,
        height=height,
        coded=(int(first["width"]), int(first["height"])),
        duration=_number(container.get("duration")) or _number(first.get("duration")),
        lasts=_number(first.get("duration")),
        begins=_number(container.get("start_time")) or 0.0,
        rate=_ratio(first.get("avg_frame_rate"), "/", 0.0),
        space=space,
        matrix=_matrix(first, space),
        interlaced=first.get("field_order", "") in ("tt", "bb", "tb", "bt"),
        sounds=tuple(int(one["index"]) for one in sounds),
        left_out=left_out,
        mixed=not sounds or int(sounds[0].get("channels", 0)) <= 2 or _is_known(sounds[0].get("channel_layout")),
        pixels=str(first.get("pix_fmt") or ""),
    )


def is_cover(stream: dict[str, Any]) -> bool:
    """Whether a stream is a still picture beside the film: a cover, or thumbnails of a time line."""
    disposition = stream.get("disposition", {})
    return bool(disposition.get("attached_pic") or disposition.get("timed_thumbnails"))


def decoder_opens(stream: dict[str, Any]) -> bool:
    """Whether the stream's decoder can be opened; True where nobody has tried (core.derivatives.tracks)."""
    return stream.get("opened") is not False


def _sounds(streams: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The audio tracks to use, and why there are none where the file has some."""
    told = [one for one in streams if one.get("codec_type") == "audio"]
    known = [one for one in told if decoder_opens(one) and _is_known(one.get("codec_name"))]
    # A file that is cut off may not tell them, and ffmpeg then ends with an error.
    usable = [one for one in known if _number(one.get("sample_rate")) and one.get("channels")]
    if known and not usable:
        return [], "the file does not tell its sample rate and channels"
    if not usable:
        kinds = [str(one.get("codec_name") or one.get("codec_tag_string") or "unknown") for one in told]
        return [], f"no decoder for sound of the kind {kinds[0]}" if kinds else ""
    # Broadcast cameras record each microphone as a track of one channel; the first may be silent.
    pair = usable[:2]
    alike = len(pair) == 2 and len({one.get("sample_rate") for one in pair}) == 1
    return (pair if alike and all(one.get("channels") == 1 for one in pair) else usable[:1]), ""


def _is_known(value: object) -> bool:
    return value is not None and str(value) not in _UNKNOWN


def _shown(stream: dict[str, Any]) -> tuple[int, int]:
    """Width and height in display. Raises ValueError when there are none."""
    width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
    if width < 1 or height < 1:
        raise ValueError("a picture without a size")
    width = max(1, round(width * _ratio(stream.get("sample_aspect_ratio"), ":", 1.0)))
    turns = [_number(data.get("rotation")) or 0.0 for data in stream.get("side_data_list", [])]
    quarter = any(45 < abs(turn) % 180 < 135 for turn in turns)
    return (height, width) if quarter else (width, height)


def _space(stream: dict[str, Any]) -> ColourSpace:
    primaries: dict[str, hdr_lut.Primaries] = {"bt2020": "bt2020", "smpte432": "p3"}
    # libavutil's pixdesc.c: gamma 2.2 has the name of BT.470 System M.
    transfers: dict[str, hdr_lut.Transfer] = {"smpte2084": "pq", "arib-std-b67": "hlg", "bt470m": "gamma"}
    transfer = transfers.get(str(stream.get("color_transfer")), "sdr")
    # HDR without named primaries has those of the HDR standards.
    default: hdr_lut.Primaries = "bt2020" if transfer in ("pq", "hlg") else "bt709"
    named = stream.get("color_primaries")
    return ColourSpace(transfer, primaries.get(str(named), "bt709") if _is_known(named) else default)


def _matrix(stream: dict[str, Any], space: ColourSpace) -> str:
    """The matrix to assume; empty where ffmpeg's own choice is right.

    ffmpeg assumes that of standard-definition television for every film that does not name one.
    """
    if _is_known(stream.get("color_space")):
        return ""
    if space.primaries == "bt2020":
        return "bt2020nc"
    return "bt709" if min(int(stream["width"]), int(stream["height"])) >= _HD else ""


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _ratio(value: object, sign: str, default: float) -> float:
    above, _, below = str(value).partition(sign)
    top, bottom = _number(above), _number(below)
    return top / bottom if top and bottom and top > 0 and bottom > 0 else default
