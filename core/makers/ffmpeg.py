"""What ffprobe and ffmpeg are told, so that a film reads no file but itself and comes out upright in BT.709."""

import os
import re
from functools import lru_cache
from typing import Any

import msgspec

from core import tools
from core.makers import child, gamut
from core.makers.gamut import Space
from core.makers.messages import RefusedError
from core.makers.picture import PIXELS, reduced

# No playlists and no numbered pictures (hls, dash, concat, image2 ...): those name further files to read.
_DEMUXERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "m4v", "h264", "hevc", "h263", "av1", "obu", "ivf"),
    *("vc1", "dv", "mxf", "asf", "flv", "ogg", "rm", "wtv", "nut", "nsv", "nuv", "mjpeg", "yuv4mpegpipe", "r3d"),
    *("cine", "gxf", "lxf", "gif", "apng", "mlv", "ty", "cavsvideo", "dhav", "dirac", "dnxhd", "vvc", "smjpeg"),
)
GUARDS = ("-protocol_whitelist", "file", "-format_whitelist", ",".join(_DEMUXERS))
"""Options of the input."""

CUBE = "space.cube"
"""The table of colours for lut3d: in the folder that ffmpeg runs in, because no path needs quoting then."""

_AGAIN = re.compile(
    r"Input/output error|Stale file handle|No such device|Connection|Host is down|Permission denied|"
    r"No such file|No space left|Disk quota|Cannot allocate memory|Resource temporarily unavailable"
)
_NO_DECODER = re.compile(
    r"[Nn]o decoder|Decoder \S+ not found|Decoder \(codec .*\) not found|Could not find codec"
)
_UNKNOWN = ("", "unknown", "unspecified", "reserved")
_HD = 720


class NoDecoderError(RefusedError):
    """This ffmpeg cannot decode it."""


class Film(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a film. `width` and `height` are as it is shown: upright, with square pixels.

    index, audio: the numbers of the first moving picture and of the first sound that can be decoded.
    mixed: whether ffmpeg knows how to make stereo of the sound.
    """

    index: int
    codec: str
    width: int
    height: int
    duration: float | None
    rate: float
    space: Space
    matrix: str
    interlaced: bool
    audio: int | None
    mixed: bool

    @property
    def decoded(self) -> bool:
        """Whether its codec has a name, without which nothing decodes it."""
        return self.codec not in ("", "unknown", "none")


def look(path: bytes) -> Film | None:
    """What ffprobe tells of a file; None when no moving picture is in it. Raises RefusedError, OSError."""
    asked = ("-show_streams", "-show_format", "-of", "json")
    ended = child.run([child.program("ffprobe"), "-v", "error", *GUARDS, *asked, b"file:" + path])
    if ended.status:
        raise refusal(ended, path)
    try:
        found = msgspec.json.decode(ended.output.decode("utf-8", "replace"), type=dict[str, Any])
        return _film(found.get("streams", []), found.get("format", {}))
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
        raise RefusedError(f"what ffprobe tells of it makes no sense: {error}") from error


def frame(film: Film, path: bytes, folder: bytes, at: float, short: int) -> bytes:
    """The frame `at` seconds as a PPM picture, its short edge at most `short`; empty when there is none.

    Raises RefusedError, OSError.
    """
    size = reduced(film.width, film.height, short)
    before = ("-threads", "2", "-ss", f"{at:g}")
    after = ("-frames:v", "1", "-vf", ",".join([*colours(film, size, folder), "format=rgb24"]), "-c:v", "ppm")
    ended = child.run([*start(film, path, before), *after, "-f", "image2pipe", "pipe:1"], folder)
    if ended.output:
        return ended.output
    error = refusal(ended, path)
    if ended.status and (not error.final or isinstance(error, NoDecoderError)):
        raise error
    return b""


def start(film: Film, path: bytes, before: tuple[str, ...] = ()) -> list[str | bytes]:
    """The command up to its input and the moving picture in it."""
    quiet = ("-nostdin", "-hide_banner", "-v", "error", "-y")
    chosen = ("-map", f"0:{film.index}")
    return [
        child.program("ffmpeg"),
        *quiet,
        *GUARDS,
        "-max_pixels",
        str(PIXELS),
        *before,
        "-i",
        b"file:" + path,
        *chosen,
    ]


def colours(film: Film, size: tuple[int, int], folder: bytes) -> list[str]:
    """The filters that bring a frame to `size`, progressive, its colours as sRGB has them.

    Light of HDR and of wide gamuts goes through a table of our own: ffmpeg's zscale, tonemap and libplacebo
    are missing in many builds, lut3d in none. Raises OSError.
    """
    filters = ["yadif=deint=interlaced"] if film.interlaced else []
    if film.matrix:
        filters.append(f"setparams=colorspace={film.matrix}")
    filters.append(f"scale={size[0]}:{size[1]}")
    if not film.space.plain:
        with open(os.path.join(folder, os.fsencode(CUBE)), "w", encoding="ascii") as file:
            file.write(gamut.cube(film.space))
        filters += ["format=gbrp10le", f"lut3d=file={CUBE}"]
    return [*filters, "setsar=1"]


def refusal(ended: child.Ended, path: bytes) -> RefusedError:
    """Why a program failed, in its own words but without addresses and paths."""
    if ended.status < 0:
        return RefusedError(f"ffmpeg was ended by signal {-ended.status}", final=False)
    said = ended.said.replace(f"file:{path.decode('utf-8', 'replace')}: ", "")
    said = re.sub(r"(?m)^\[[^\]\n]* @ 0x[0-9a-f]+\] ", "", said)
    if "not on whitelist" in said:
        return RefusedError("it is a playlist, or of a format that is not taken for a film")
    lines = list(dict.fromkeys(line.strip() for line in said.splitlines() if line.strip()))
    text = "; ".join(lines[:3])[:300] or f"ffmpeg ended with status {ended.status}"
    if _NO_DECODER.search(said):
        return NoDecoderError(text)
    return RefusedError(text, final=not troubled(ended))


def troubled(ended: child.Ended) -> bool:
    """Whether a program met trouble that is not the file's own; ffmpeg takes a failed read for the end of it."""
    return bool(_AGAIN.search(ended.said))


@lru_cache(maxsize=1)
def as_they_come() -> tuple[str, str]:
    """The option that keeps frames at their own times; its name has changed."""
    version = tools.parse_version("ffmpeg", child.run([child.program("ffmpeg"), "-version"]).output)
    return ("-fps_mode" if tools.at_least(version, "5.1") else "-vsync", "vfr")


def _film(streams: list[dict[str, Any]], container: dict[str, Any]) -> Film | None:
    moving = [stream for stream in streams if stream.get("codec_type") == "video" and not _cover(stream)]
    sounds = [
        stream for stream in streams if stream.get("codec_type") == "audio" and _known(stream.get("codec_name"))
    ]
    if not moving:
        return None
    first = moving[0]
    width, height = _shown(first)
    space = _space(first)
    sound = sounds[0] if sounds else {}
    return Film(
        index=int(first["index"]),
        codec=str(first.get("codec_name") or first.get("codec_tag_string") or ""),
        width=width,
        height=height,
        duration=_number(container.get("duration")) or _number(first.get("duration")),
        rate=_ratio(first.get("avg_frame_rate"), "/", 0.0),
        space=space,
        matrix=_matrix(first, space),
        interlaced=first.get("field_order", "") in ("tt", "bb", "tb", "bt"),
        audio=int(sound["index"]) if sound else None,
        mixed=int(sound.get("channels", 0)) <= 2 or _known(sound.get("channel_layout")),
    )


def _cover(stream: dict[str, Any]) -> bool:
    disposition = stream.get("disposition", {})
    return bool(disposition.get("attached_pic") or disposition.get("timed_thumbnails"))


def _known(value: object) -> bool:
    return value is not None and str(value) not in _UNKNOWN


def _shown(stream: dict[str, Any]) -> tuple[int, int]:
    """Width and height as shown. Raises ValueError when it has none."""
    width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
    if width < 1 or height < 1:
        raise ValueError("a picture without a size")
    width = max(1, round(width * _ratio(stream.get("sample_aspect_ratio"), ":", 1.0)))
    turns = [_number(data.get("rotation")) or 0.0 for data in stream.get("side_data_list", [])]
    quarter = any(45 < abs(turn) % 180 < 135 for turn in turns)
    return (height, width) if quarter else (width, height)


def _space(stream: dict[str, Any]) -> Space:
    primaries: dict[str, gamut.Primaries] = {"bt2020": "bt2020", "smpte432": "p3"}
    transfers: dict[str, gamut.Transfer] = {"smpte2084": "pq", "arib-std-b67": "hlg", "gamma22": "gamma"}
    transfer = transfers.get(str(stream.get("color_transfer")), "sdr")
    # HDR that does not name its primaries has those that HDR is defined with.
    default: gamut.Primaries = "bt2020" if transfer in ("pq", "hlg") else "bt709"
    named = stream.get("color_primaries")
    return Space(transfer, primaries.get(str(named), "bt709") if _known(named) else default)


def _matrix(stream: dict[str, Any], space: Space) -> str:
    """The matrix to assume, empty for what ffmpeg does by itself.

    For every film that does not name one it assumes that of standard television.
    """
    if _known(stream.get("color_space")):
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
