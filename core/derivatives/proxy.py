"""Carrying out an order for a proxy: a small film that plays everywhere."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from core.derivatives import ffmpeg, run_program
from core.derivatives.film import Film
from core.derivatives.messages import LONG_EDGE, Made, MadeFile, MakeProxy, NoDecoderError, OrderRefusedError
from core.derivatives.thumbnails import open_item
from core.media.file_types import HEAD, Kind, kind_of_content

RATE = 60
"""The most frames per second; slow motion is recorded at up to ten times that."""

# Frames are only dropped, never made up as by the filter fps, which fills a gap in the times of a tiny file for
# hours.
FEWER = f"select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,1/{RATE + 1})"

X264 = ("libx264", "-preset", "veryfast", "-crf", "23")
# Its constant quality is only supported on Apple silicon (FFmpeg, libavcodec/videotoolboxenc.c:
# vtenc_qscale_enabled), its bit rate everywhere.
VIDEOTOOLBOX = ("h264_videotoolbox", "-b:v", "2500k")

_BOX = ("-movflags", "+faststart", "-write_tmcd", "0", "-f", "mp4")
AAC = ("-c:a", "aac", "-b:a", "128k")
_BARE = ("-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1")
_TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


def encoders(platform: str = sys.platform) -> list[tuple[str, ...]]:
    """The H.264 encoders to try, best first, with their options."""
    return [VIDEOTOOLBOX, X264] if platform == "darwin" else [X264]


def make(order: MakeProxy, report: Callable[[float], None], tried: list[tuple[str, ...]] | None = None) -> Made:
    """Make the proxy. Raises OrderRefusedError, OSError."""
    with open_item(order.path) as file:
        content = kind_of_content(file.read(HEAD))
    try:
        film = ffmpeg.look(order.path, order.folder)
    except OrderRefusedError as error:
        if content == Kind.IMAGES:
            return Made([], "it is a single picture")
        raise ffmpeg.root_cause(error, order.path) from error
    if film is None:
        return Made([], "it holds no moving picture")
    if not film.decoded:
        return Made([], f"no decoder for films of the kind {film.codec}")
    report(0.0)
    encoder = tried if tried is not None else encoders()
    try:
        return _encode(order, film, report, encoder)
    except OrderRefusedError as error:
        if isinstance(error, NoDecoderError):
            return Made([], f"no decoder for films of the kind {film.codec}")
        raise ffmpeg.root_cause(error, order.path) from error


def _encode(order: MakeProxy, film: Film, report: Callable[[float], None], tried: list[tuple[str, ...]]) -> Made:
    """Encode the proxy with the first encoder that works, without sound where a track of it cannot be decoded.
    Raises OrderRefusedError, OSError."""
    name = f"{order.stem}.mp4"
    refused = OrderRefusedError("no encoder of H.264", final=False)
    for encoder in tried:
        ended = run_program.run(command(film, order, name, encoder), order.folder, _Watch(film.duration, report))
        if ended.status:
            refused = ffmpeg.refusal(ended, order.path)
            if film.sounds and _failed_by_sound(ended.said, film.sounds):
                silent = msgspec.structs.replace(film, sounds=(), left_out="its decoder does not open")
                return _encode(order, silent, report, tried)
            if isinstance(refused, NoDecoderError):
                raise refused
            continue
        made = _check(order, name, film, report)
        if made.note and ffmpeg.met_transient_error(ended):
            raise OrderRefusedError(ended.said[:300], final=False)
        return made
    raise refused


def _failed_by_sound(said: str, sounds: tuple[int, ...]) -> bool:
    """Whether ffmpeg failed because of an audio track, by its messages. Messages about single packets do not
    count, because ffmpeg continues after them."""
    numbers = "|".join(map(str, sounds))
    return bool(re.search(rf"(?m)^(?!.*[Ee]rror while decoding).*(?:#0:(?:{numbers})\b|amerge)", said))


def command(film: Film, order: MakeProxy, name: str, encoder: tuple[str, ...]) -> list[str | bytes]:
    """The ffmpeg command, to be run in the order's folder. Raises OrderRefusedError, OSError."""
    filters = ffmpeg.colours(film, fitted(film.width, film.height), order.folder)
    if film.rate > RATE + 1:
        filters.insert(0, FEWER)
    filters += ["scale=out_color_matrix=bt709:out_range=tv", "format=yuv420p", _TAGS]
    sound: tuple[str, ...] = ("-an",)
    if len(film.sounds) == 2:
        both = "".join(f"[0:{number}]" for number in film.sounds)
        sound = ("-filter_complex", f"{both}amerge=inputs=2[sound]", "-map", "[sound]", *AAC, "-ac", "2")
    elif film.sounds:
        stereo = ("-ac", "2") if film.mixed else ("-af", "pan=stereo|c0=c0|c1=c1")
        sound = ("-map", f"0:{film.sounds[0]}", *AAC, *stereo)
    picture = ("-vf", ",".join(filters), "-c:v", *encoder, "-pix_fmt", "yuv420p", *ffmpeg.frame_times_option())
    told = ("-max_muxing_queue_size", "4096", "-progress", "pipe:1", *_BOX, f"file:{name}")
    return [*ffmpeg.start(film, order.path), *sound, *_BARE, *picture, *told]


def fitted(width: int, height: int) -> tuple[int, int]:
    """The size of the proxy: even, the long edge at most LONG_EDGE, never larger, but at least 2."""
    scale = min(1.0, LONG_EDGE / max(width, height))
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


def _check(order: MakeProxy, name: str, film: Film, report: Callable[[float], None]) -> Made:
    """Check the proxy with ffprobe. Raises OrderRefusedError when it is not as it has to be.

    Its expected duration comes from the source, not from ffmpeg's -progress: that is the time of the last packet
    of one track, which depends on the version, and lags by as many frames as the encoder reorders.
    """
    path = os.path.join(order.folder, os.fsencode(name))
    try:
        made = ffmpeg.look(path, order.folder)
    except OrderRefusedError as error:
        raise OrderRefusedError(f"the film that was made cannot be read: {error}", final=error.final) from error
    size = fitted(film.width, film.height)
    if made is None or made.duration is None or made.codec != "h264" or (made.width, made.height) != size:
        raise OrderRefusedError("no frame of it can be decoded", damaged=True)
    notes = [f"its sound is left out: {film.left_out}"] if film.left_out else []
    if _shorter(made.duration, film.duration) or _shorter(made.lasts, film.lasts):
        notes += _missing(film, order.path, made, path, report)
    return Made([MadeFile("proxy", name, *size, os.path.getsize(path))], "; ".join(notes))


def _missing(film: Film, source: bytes, made: Film, path: bytes, report: Callable[[float], None]) -> Iterator[str]:
    """Yield a note where the proxy ends too early, by the times of all packets; nothing when it is complete.

    The source may be longer than its pictures: by its audio, by a last frame that stays on screen, or by the
    duration that a recorder wrote when it started.
    """
    there, here = ffmpeg.packets(film, source, report), ffmpeg.packets(made, path, report)
    told = film.duration or 0.0
    if told > film.begins > 0:
        # Matroska and edit lists count what comes before the first frame, too.
        told -= film.begins
    cut = _shorter(there.whole, told)
    whole = told if cut else there.pictures
    if whole - here.pictures > max(1.0, whole / 30, there.gap, here.gap):
        yield f"it ends after {here.pictures:.1f} of {whole:.1f} s"


def _shorter(seconds: float | None, whole: float | None) -> bool:
    """Whether `seconds` are fewer than the whole by more than a few last frames."""
    return whole is not None and seconds is not None and seconds < whole - max(1.0, whole / 30)


class _Watch:
    """Parses ffmpeg's -progress, and reports only progress."""

    def __init__(self, duration: float | None, report: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self._duration = duration
        self._report = report
        self._values: dict[bytes, bytes] = {}
        self._before: tuple[bytes | None, ...] = ()

    def __call__(self, line: bytes) -> None:
        key, _, value = line.strip().partition(b"=")
        self._values[key] = value
        if key != b"progress":
            return
        now = tuple(self._values.get(name) for name in (b"frame", b"out_time_us", b"total_size"))
        if now == self._before:
            return
        self._before = now
        # The value is N/A before the first frame.
        with suppress(ValueError):
            self.seconds = max(self.seconds, int(now[1] or b"0") / 1_000_000)
        self._report(min(0.99, self.seconds / self._duration) if self._duration else 0.0)
