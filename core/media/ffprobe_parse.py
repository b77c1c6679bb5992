"""Parsing ffprobe's answer about one film or recording into typed facts."""

import re
from fractions import Fraction

import msgspec

from core.media.tags import clean, number
from core.models import Value

_COVER = {"attached_pic", "timed_thumbnails"}
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


class Probe(Value, frozen=True, kw_only=True):
    """One row of the table `probe` without item and raw JSON; the columns have these names.

    width, height: as coded; `rotation`: by how many degrees to turn them clockwise for display: 0, 90, 180 or 270.
    frame_rate: average frames per second; `variable_rate` 1 when they are not evenly spaced.
    hdr: "PQ" or "HLG" by the transfer function, else None. streams: how many, of every type.
    error: why ffprobe could not read the file.
    """

    duration: float | None = None
    container: str | None = None
    bit_rate: int | None = None
    streams: int | None = None
    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    codec: str | None = None
    profile: str | None = None
    pixel_format: str | None = None
    frame_rate: float | None = None
    variable_rate: int | None = None
    transfer: str | None = None
    primaries: str | None = None
    hdr: str | None = None
    time_code: str | None = None
    audio_codec: str | None = None
    audio_channels: int | None = None
    audio_rate: int | None = None
    created: str | None = None
    error: str | None = None


class _SideData(msgspec.Struct):
    rotation: float | None = None


class _Stream(msgspec.Struct):
    codec_type: str = ""
    codec_name: str | None = None
    profile: str | None = None
    pix_fmt: str | None = None
    width: int | None = None
    height: int | None = None
    avg_frame_rate: str = ""
    r_frame_rate: str = ""
    color_transfer: str | None = None
    color_primaries: str | None = None
    duration: str | None = None
    channels: int | None = None
    sample_rate: str | None = None
    timecode: str | None = None
    disposition: dict[str, int] = {}
    tags: dict[str, str] = {}
    side_data_list: list[_SideData] = []
    opened: bool = True


class _Format(msgspec.Struct):
    format_name: str | None = None
    duration: str | None = None
    bit_rate: str | None = None
    tags: dict[str, str] = {}


class _Error(msgspec.Struct):
    code: int = 0
    string: str = ""


class ProbeAnswer(msgspec.Struct):
    """The members of ffprobe's JSON that are used."""

    streams: list[_Stream] = []
    format: _Format = msgspec.field(default_factory=_Format)
    error: _Error | None = None


_answer = msgspec.json.Decoder(ProbeAnswer)


def read(json: bytes) -> ProbeAnswer:
    """Decode ffprobe's JSON. Raises msgspec.DecodeError."""
    return _answer.decode(json)


def raw_of(json: bytes) -> bytes:
    """ffprobe's JSON as it is stored: without white space, and without the path."""
    values = msgspec.json.decode(json, type=dict[str, msgspec.Raw])
    if "format" in values:
        shown = msgspec.json.decode(values["format"], type=dict[str, msgspec.Raw])
        shown.pop("filename", None)
        values["format"] = msgspec.Raw(msgspec.json.encode(shown))
    return msgspec.json.format(msgspec.json.encode(values), indent=-1)


def typed(answer: ProbeAnswer) -> Probe:
    """The typed facts: of the first video stream that is not a cover picture, and the first audio stream that can
    be decoded."""
    films = [one for one in answer.streams if one.codec_type == "video"]
    film = next((one for one in films if not _COVER & {name for name, on in one.disposition.items() if on}), None)
    sounds = [one for one in answer.streams if one.codec_type == "audio"]
    # Phones write an audio track that only they can decode beside one that all can, in either order.
    sound = next((one for one in sounds if one.codec_name and one.opened), sounds[0] if sounds else None)
    shown = answer.format
    probe = Probe(
        duration=_positive(shown.duration) or _positive(film.duration if film else None),
        container=clean(shown.format_name),
        bit_rate=_whole(shown.bit_rate),
        streams=len(answer.streams),
        time_code=_time_code(answer),
        created=clean(shown.tags.get("creation_time")),
        audio_codec=clean(sound.codec_name) if sound else None,
        # 0 where a file that is cut off does not tell them.
        audio_channels=(_believable(sound.channels) or None) if sound else None,
        audio_rate=(_whole(sound.sample_rate) or None) if sound else None,
    )
    return msgspec.structs.replace(probe, **_film(film)) if film else probe


def _film(film: _Stream) -> dict[str, object]:
    average, nominal = _rate(film.avg_frame_rate), _rate(film.r_frame_rate)
    width, height = _believable(film.width), _believable(film.height)
    known = bool(width and height)
    return {
        "width": width if known else None,
        "height": height if known else None,
        "rotation": _rotation(film),
        "codec": clean(film.codec_name),
        "profile": clean(film.profile),
        "pixel_format": clean(film.pix_fmt),
        "frame_rate": _float(average or nominal),
        "variable_rate": int(average != nominal) if average and nominal else None,
        "transfer": clean(film.color_transfer),
        "primaries": clean(film.color_primaries),
        "hdr": _HDR.get(film.color_transfer or ""),
    }


def _rotation(film: _Stream) -> int:
    """Degrees clockwise. The display matrix turns anticlockwise; the tag of older versions of ffmpeg clockwise."""
    turns = [-one.rotation for one in film.side_data_list if one.rotation is not None]
    turns += [turn for turn in (number(film.tags.get("rotate", "")),) if turn is not None]
    return round(turns[0] / 90) * 90 % 360 if turns else 0


def _time_code(answer: ProbeAnswer) -> str | None:
    """The time code of a stream, else of the whole file."""
    codes = [one.timecode for one in answer.streams]
    codes += [one.tags.get("timecode") for one in answer.streams]
    codes.append(answer.format.tags.get("timecode"))
    return next((code for code in codes if code and re.fullmatch(r"\d\d(?:[:;.]\d\d){3}", code)), None)


def _rate(text: str) -> Fraction | None:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
    return rate if 0 < rate < 2**31 else None


def _float(rate: Fraction | None) -> float | None:
    return None if rate is None else float(rate)


def _positive(text: str | None) -> float | None:
    value = number(text or "")
    return value if value is not None and value > 0 else None


def _believable(count: int | None) -> int | None:
    """`count` if it is plausible, else None: files may claim anything, and SQLite takes 64 bits."""
    return count if count is not None and 0 <= count < 2**31 else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,15}", text) else None
