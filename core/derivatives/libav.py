"""Reads what ffprobe would print about a film by FFmpeg's libraries inside this process (PyAV), which saves the
70 ms that starting ffprobe takes.

Only files of which the values are known to equal ffprobe's are read here. All others are left to ffprobe, by an
`UnsuitableError`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from core.derivatives import boxes, resource_limits
from core.derivatives.film import is_cover
from core.derivatives.messages import Probed, ProbeFilm
from core.media import demuxers, ffmpeg_names

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

_MICROSECONDS = 1_000_000
"""AV_TIME_BASE: the unit of times of a whole file."""

_ROUNDED = Fraction(1, 500)
"""Seconds by which a length may differ from that in a header, whose unit is a millisecond or less."""

MOV = "mov,mp4,m4a,3gp,3g2,mj2"

_EQUAL = frozenset((MOV, "mpegts", "avi", "mxf", "wav", "flac", "aiff"))
"""The formats of which all versions of FFmpeg report the same values. Versions differ in the number of frames of
raw streams and MPEG program streams, and in the length of MP3; Matroska has side data that this module does not
read."""

_BUFFERED = frozenset(("mpeg1video", "mpeg2video"))
"""Codecs for which ffprobe prints the size of the decoder's buffer, as side data."""

# Boxes that libavformat/mov.c makes side data of, which PyAV does not give for a stream: Dolby Vision, mastering
# displays and light levels, viewing conditions, spherical and stereoscopic pictures.
_SIDE_DATA = (
    *(b"dvcC", b"dvvC", b"dvwC", b"mdcv", b"SmDm", b"clli", b"CoLL", b"amve", b"st3d", b"sv3d", b"vexu", b"hfov"),
    b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd",
)


# Codecs without any profiles. Of other codecs, ffprobe prints the number of a profile that has no name.
_CODECS_WITHOUT_PROFILE = """
    alac amr_nb apng cinepak dvvideo ffv1 ffvhuff flac flv1 gif h263 huffyuv mp2 mp3 mpeg1video png qtrle rawvideo
    rv20 theora utvideo v210 vorbis wmv1 wmv2
"""
_WITHOUT_PROFILE = frozenset(_CODECS_WITHOUT_PROFILE.split())


class UnsuitableError(Exception):
    """The file is to be left to ffprobe and ffmpeg, for the reason given."""


def version() -> dict[str, str]:
    """The version of libavformat, as ffprobe's -show_library_versions prints it."""
    import av

    return {"name": "libavformat", "version": ".".join(map(str, av.library_versions["libavformat"]))}


@contextmanager
def open_container(path: bytes, kinds: tuple[str, ...]) -> "Iterator[InputContainer]":
    """Open a file with one of the demuxers `kinds`. Raises UnsuitableError."""
    try:
        import av
    except ImportError as error:
        raise UnsuitableError("PyAV is not installed") from error
    options, forced = demuxers.options(kinds, path)
    # All programs of a transport stream, as ffprobe and ffmpeg ask for (fftools, open_input_file).
    options["scan_all_pmts"] = "1"
    name = f"file:{os.fsdecode(path)}"
    with unsuitable_on_failure():
        container = av.open(name, format=forced, container_options=options, metadata_errors="replace")
    with container:
        yield container


@contextmanager
def unsuitable_on_failure() -> Iterator[None]:
    """Turn every exception of the block into UnsuitableError, so that the file is left to ffprobe and ffmpeg."""
    try:
        yield
    except UnsuitableError:
        raise
    except Exception as error:
        raise UnsuitableError(f"{type(error).__name__}: {error}") from error


def probe(order: ProbeFilm) -> Probed:
    """Carry out an order to probe a film. The reply's `note` says why a file is left to ffprobe."""
    try:
        with resource_limits.bounded_memory():
            return Probed(msgspec.json.encode(answer(order.path, demuxers.FILMS + demuxers.SOUNDS)))
    except UnsuitableError as error:
        return Probed(b"", str(error))


def answer(path: bytes, kinds: tuple[str, ...]) -> dict[str, Any]:
    """The members of ffprobe's JSON about a file that are used or worth keeping. Raises UnsuitableError."""
    with open_container(path, kinds) as container, unsuitable_on_failure():
        if container.format.name not in _EQUAL:
            raise UnsuitableError(f"a file of the kind {container.format.name}")
        codecs = {one.codec_context.codec.canonical_name for one in container.streams if one.codec_context}
        is_movie = container.format.name == MOV
        if codecs & _BUFFERED or (is_movie and any(kind in movie_of(path) for kind in _SIDE_DATA)):
            raise UnsuitableError("side data that PyAV does not give")
        return read_values(container, path)


def read_values(container: "InputContainer", path: bytes, *, exact: bool = True) -> dict[str, Any]:
    """The members of ffprobe's JSON about an open file.

    Without `exact` only its video streams, which is enough to decode frames: then the values may differ from those
    of ffprobe, and no decoder is opened. Raises UnsuitableError, and what reading the file raises.
    """
    matrices = _tracks(container, path) if container.format.name == MOV else {}
    streams = [_stream(one, matrices, exact) for one in container.streams if exact or one.type == "video"]
    shown: dict[str, Any] = {
        "nb_streams": len(streams),
        "format_name": container.format.name,
        "format_long_name": container.format.long_name,
        **_times(container.start_time, container.duration, Fraction(1, _MICROSECONDS)),
        "size": str(os.stat(path).st_size),
    }
    if container.bit_rate > 0:
        shown["bit_rate"] = str(container.bit_rate)
    if container.metadata:
        shown["tags"] = dict(container.metadata)
    return {"streams": streams, "format": shown, "library_versions": [version()]}


def movie_of(path: bytes) -> bytes:
    """The movie box of a file. Raises UnsuitableError, OSError."""
    with open(path, "rb") as file:
        movie = boxes.movie(file)
    if movie is None:
        raise UnsuitableError("no movie box that can be read")
    return movie


def _tracks(container: "InputContainer", path: bytes) -> dict[int, tuple[int, ...]]:
    """The matrices of a film's tracks. Raises UnsuitableError, OSError, ValueError."""
    movie = movie_of(path)
    length = boxes.length(movie)
    if length is not None and abs(length - Fraction(container.duration or 0, _MICROSECONDS)) > _ROUNDED:
        # FFmpeg 5.1 goes by the header, FFmpeg 8 by the tracks: they differ where a track begins late.
        raise UnsuitableError("its header and its tracks differ in length")
    return boxes.matrices(movie)


def _stream(stream: "Stream", matrices: dict[int, tuple[int, ...]], exact: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"index": stream.index}
    context = stream.codec_context
    kind = stream.type
    if context is not None:
        found["codec_name"] = context.codec.canonical_name
        found["codec_tag_string"] = "".join(map(_letter, context.codec_tag))
    elif kind in ("video", "audio"):
        raise UnsuitableError(f"no decoder for stream {stream.index}")
    if kind != "unknown":
        found["codec_type"] = kind
    if kind in ("video", "audio"):
        found |= _coded(context, exact)
        found |= _picture(stream) if kind == "video" else _sound(context)
    found["time_base"] = _ratio(stream.time_base)
    found |= _times(stream.start_time, stream.duration, stream.time_base, units=True)
    if stream.frames:
        found["nb_frames"] = str(stream.frames)
    flags = stream.disposition
    found["disposition"] = {str(one.name): int(one in flags) for one in type(flags)}
    if stream.metadata:
        found["tags"] = dict(stream.metadata)
    if matrices and stream.id not in matrices and not is_cover(found):
        raise UnsuitableError(f"stream {stream.index} is of no track")
    matrix = matrices.get(stream.id, boxes.IDENTITY)
    if kind == "video" and matrix != boxes.IDENTITY:
        # ffprobe cuts the angle to a whole number.
        found["side_data_list"] = [{"side_data_type": "Display Matrix", "rotation": int(boxes.angle(matrix))}]
    return found


def _letter(letter: str) -> str:
    """One character of a codec's tag, printed as by av_fourcc_make_string (libavutil/utils.c)."""
    plain = letter.isascii() and (letter.isalnum() or letter in ".- _")
    return letter if plain else f"[{ord(letter)}]"


def _coded(context: Any, exact: bool) -> dict[str, Any]:
    """The values that sound and pictures have in common. Raises UnsuitableError, and what opening the decoder
    raises."""
    found: dict[str, Any] = {}
    name = context.codec.canonical_name
    if context.profile:
        found["profile"] = context.profile
    elif exact and name not in _WITHOUT_PROFILE and not name.startswith("pcm_"):
        raise UnsuitableError(f"a profile of {name} without a name, of which PyAV does not give the number")
    if context.bit_rate:
        found["bit_rate"] = str(context.bit_rate)
    if exact:
        # ffprobe opens the decoder of each track, and ends when one fails.
        context.thread_count = 1
        context.open(strict=False)
    return found


def _picture(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    found: dict[str, Any] = {"width": context.width, "height": context.height, "level": context.level}
    found["has_b_frames"] = context.reorder_depth
    found["r_frame_rate"] = _ratio(stream.base_rate)
    found["avg_frame_rate"] = _ratio(stream.average_rate)
    if stream.sample_aspect_ratio:
        found["sample_aspect_ratio"] = _ratio(stream.sample_aspect_ratio, ":")
    if context.pix_fmt:
        found["pix_fmt"] = context.pix_fmt
    for name, value, names in (
        ("color_range", context.color_range, ffmpeg_names.RANGES),
        ("color_space", context.colorspace, ffmpeg_names.SPACES),
        ("color_transfer", context.color_trc, ffmpeg_names.TRANSFERS),
        ("color_primaries", context.color_primaries, ffmpeg_names.PRIMARIES),
        ("field_order", context.field_order, ffmpeg_names.FIELD_ORDERS),
    ):
        if not 0 <= int(value) < len(names):
            raise UnsuitableError(f"{name} {int(value)} has no name here")
        if names[int(value)] != "unknown":  # ffprobe leaves out values that are not known
            found[name] = names[int(value)]
    return found


def _sound(context: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"sample_rate": str(context.sample_rate), "channels": context.channels}
    with suppress(ValueError, AttributeError):
        if context.layout.name:
            found["channel_layout"] = context.layout.name
    return found


def _times(
    start: int | None, duration: int | None, unit: Fraction | None, *, units: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if unit is None:
        return found
    if start is not None:
        found |= {"start_pts": start} if units else {}
        found["start_time"] = f"{start * unit.numerator / unit.denominator:.6f}"
    if duration is not None:
        found |= {"duration_ts": duration} if units else {}
        found["duration"] = f"{duration * unit.numerator / unit.denominator:.6f}"
    return found


def _ratio(value: Fraction | None, sign: str = "/") -> str:
    return f"{value.numerator}{sign}{value.denominator}" if value is not None else f"0{sign}0"
