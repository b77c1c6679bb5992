"""Carrying out an order for a proxy: a small film that plays everywhere."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from core.makers import child, ffmpeg
from core.makers.ffmpeg import Film, NoDecoderError
from core.makers.messages import File, Made, MakeProxy, RefusedError
from core.makers.thumbnails import open_item

LONG = 720
"""Pixels of the long edge at most."""

RATE = 60
"""Frames a second at most; slow motion is shot at up to ten times that."""

# Frames are left out, never made, as by the filter fps: it fills a gap in the times of a few kilobytes for hours.
FEWER = f"select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,1/{RATE + 1})"

X264 = ("libx264", "-preset", "veryfast", "-crf", "23")
# Its constant quality exists on Apple silicon only, its bit rate everywhere.
VIDEOTOOLBOX = ("h264_videotoolbox", "-b:v", "2500k")

_BOX = ("-movflags", "+faststart", "-write_tmcd", "0", "-f", "mp4")
_BARE = ("-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1")
_TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


def encoders(platform: str = sys.platform) -> list[tuple[str, ...]]:
    """The encoders of H.264 to try, best first, with their options."""
    return [VIDEOTOOLBOX, X264] if platform == "darwin" else [X264]


def make(order: MakeProxy, report: Callable[[float], None], tried: list[tuple[str, ...]] | None = None) -> Made:
    """Make the film. Raises RefusedError, OSError."""
    open_item(order.path).close()
    film = ffmpeg.look(order.path)
    if film is None:
        return Made([], "it holds no moving picture")
    if not film.decoded:
        return Made([], f"no decoder for films of the kind {film.codec}")
    report(0.0)
    name = f"{order.stem}.mp4"
    refused = RefusedError("no encoder of H.264", final=False)
    for encoder in tried if tried is not None else encoders():
        watch = _Watch(film.duration, report)
        ended = child.run(command(film, order, name, encoder), order.folder, watch)
        try:
            if ended.status:
                raise ffmpeg.refusal(ended, order.path)
            made = _checked(order, name, film, watch.seconds)
        except NoDecoderError:
            return Made([], f"no decoder for films of the kind {film.codec}")
        except RefusedError as error:
            refused = error
            continue
        if made.note and ffmpeg.troubled(ended):
            raise RefusedError(ended.said[:300], final=False)
        return made
    raise refused


def command(film: Film, order: MakeProxy, name: str, encoder: tuple[str, ...]) -> list[str | bytes]:
    """What ffmpeg is told, to be run in the order's folder. Raises RefusedError, OSError."""
    filters = ffmpeg.colours(film, fitted(film.width, film.height), order.folder)
    if film.rate > RATE + 1:
        filters.insert(0, FEWER)
    filters += ["scale=out_color_matrix=bt709:out_range=tv", "format=yuv420p", _TAGS]
    sound: tuple[str, ...] = ("-an",)
    if film.audio is not None:
        stereo = ("-ac", "2") if film.mixed else ("-af", "pan=stereo|c0=c0|c1=c1")
        sound = ("-map", f"0:{film.audio}", "-c:a", "aac", "-b:a", "128k", *stereo)
    picture = ("-vf", ",".join(filters), "-c:v", *encoder, "-pix_fmt", "yuv420p", *ffmpeg.as_they_come())
    told = ("-max_muxing_queue_size", "4096", "-progress", "pipe:1", *_BOX, f"file:{name}")
    return [*ffmpeg.start(film, order.path), *sound, *_BARE, *picture, *told]


def fitted(width: int, height: int) -> tuple[int, int]:
    """The size of the proxy: even, the long edge at most LONG, never larger, but at least 2."""
    scale = min(1.0, LONG / max(width, height))
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


def _checked(order: MakeProxy, name: str, film: Film, seconds: float) -> Made:
    """What was made, after ffprobe has read it. Raises RefusedError when it is not what it has to be."""
    path = os.path.join(order.folder, os.fsencode(name))
    try:
        made = ffmpeg.look(path)
    except RefusedError as error:
        raise RefusedError(f"the film that was made cannot be read: {error}", final=False) from error
    size = fitted(film.width, film.height)
    if made is None or made.duration is None or made.codec != "h264" or (made.width, made.height) != size:
        raise RefusedError("no frame of it can be decoded")
    if abs(made.duration - seconds) > max(1.0, seconds / 20):
        raise RefusedError(f"{made.duration:.1f} s were made of {seconds:.1f} s encoded", final=False)
    note = ""
    if film.duration and made.duration < film.duration - max(1.0, film.duration / 30):
        note = f"it ends after {made.duration:.1f} of {film.duration:.1f} s"
    return Made([File("proxy", name, *size, os.path.getsize(path))], note)


class _Watch:
    """Reads what ffmpeg tells with -progress, and reports only what moves."""

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
        # N/A before the first frame.
        with suppress(ValueError):
            self.seconds = max(self.seconds, int(now[1] or b"0") / 1_000_000)
        self._report(min(0.99, self.seconds / self._duration) if self._duration else 0.0)
