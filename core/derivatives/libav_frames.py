"""Single frames of a film by FFmpeg's libraries inside this process (PyAV): the same frames that ffmpeg's command
line would give, without starting it once for each.

Only what ffmpeg does with certainty is done here; whatever fails is left to ffmpeg: `UnsuitableError`.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from PIL import Image

from core.derivatives import boxes, ffmpeg, libav
from core.derivatives.film import Film, from_probe
from core.derivatives.images import PIXELS, reduced
from core.derivatives.libav import UnsuitableError
from core.media import demuxers

DECODER_THREADS = 2
"""Threads of a decoder, as of ffmpeg's."""

_EQUAL = frozenset((libav.MOV, "matroska,webm", "mxf"))
"""The formats in which a frame is found as ffmpeg finds it. In MPEG streams and AVI, which are sought by decoding
times, its versions find different ones."""

_MICROSECONDS = 1_000_000

# fftools/ffmpeg_demux.c: where a format seeks by decoding times, and frames are reordered, ffmpeg seeks this much
# earlier.
_REORDERED = 3 * _MICROSECONDS // 23


class Frames:
    """An open film, of which single frames are decoded. Made by `frames`."""

    def __init__(self, container: Any, film: Film, folder: bytes) -> None:
        self.film = film
        self._container = container
        self._stream = container.streams[film.index]
        self._folder = folder
        self._context = self._stream.codec_context
        self._context.thread_count = DECODER_THREADS
        self._context.options = {"max_pixels": str(PIXELS)}

    def at(self, seconds: float, short: int) -> Image.Image | None:
        """The first frame not before `seconds`, upright and in sRGB, its short edge at most `short` pixels.

        None when there is none. Raises UnsuitableError.
        """
        with libav.unsuitable_on_failure():
            chosen = self._decoded(seconds)
            first = next(chosen, None)
            if first is None:
                return None
            if first.is_corrupt:
                raise UnsuitableError("a damaged frame")
            return self._shown(first, chosen, reduced(self.film.width, self.film.height, short))

    def _decoded(self, seconds: float) -> Iterator[Any]:
        """The frames from `seconds` on."""
        begin = round(seconds * _MICROSECONDS) + (self._container.start_time or 0)
        early = self._context.has_b_frames and self._container.format.name != libav.MOV
        self._container.seek(begin - (_REORDERED if early else 0))
        for packet in self._container.demux(self._stream):
            for frame in packet.decode():
                if _microseconds(frame) >= begin:
                    yield frame

    def _shown(self, first: Any, later: Iterator[Any], size: tuple[int, int]) -> Image.Image:
        """Pass the first frame through ffmpeg's filters. Filters that wait for a further frame get those of
        `later`."""
        graph = self._graph(first, size)
        graph.push(first)
        while True:
            try:
                shown = graph.pull()
                break
            except BlockingIOError:
                graph.push(next(later, None))
        plane = shown.planes[0]
        return Image.frombytes("RGB", (shown.width, shown.height), bytes(plane), "raw", "RGB", plane.line_size)

    def _graph(self, frame: Any, size: tuple[int, int]) -> Any:
        from av.filter import Graph

        matrix = _matrix(frame)
        if matrix is not None and self._container.format.name != libav.MOV:
            # The size was read without it: PyAV gives the matrix of a Matroska track with its frames only.
            raise UnsuitableError("a matrix that was not read")
        filters = [*_turns(matrix), *ffmpeg.colours(self.film, size, self._folder), "format=rgb24"]
        graph = Graph()
        graph.threads = 1
        nodes = [
            graph.add(
                "buffer",
                video_size=f"{frame.width}x{frame.height}",
                pix_fmt=frame.format.name,
                time_base=str(self._stream.time_base),
                pixel_aspect=str(self._stream.sample_aspect_ratio or 0).replace("/", ":"),
                colorspace=str(int(frame.colorspace)),
                range=str(int(frame.color_range)),
            )
        ]
        for text in filters:
            name, _, arguments = text.partition("=")
            if name == "lut3d":
                # Its path in the text is relative to the folder that ffmpeg runs in; this process runs in another.
                # Given as an argument of its own, the path needs no quoting.
                nodes.append(graph.add(name, file=os.path.join(os.fsdecode(self._folder), ffmpeg.CUBE)))
            else:
                nodes.append(graph.add(name, arguments or None))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph


@contextmanager
def frames(path: bytes, folder: bytes) -> Iterator[Frames]:
    """Open a film. Its temporary files go to `folder`. Raises UnsuitableError."""
    with libav.open_container(path, demuxers.FILMS) as container:
        if container.format.name not in _EQUAL:
            raise UnsuitableError(f"a film of the kind {container.format.name}")
        with libav.unsuitable_on_failure():
            values = libav.read_values(container, path, exact=False)
            film = from_probe(values["streams"], values["format"])
        if film is None:
            raise UnsuitableError("no video stream")
        if not film.decoded:
            raise UnsuitableError("no decoder")
        yield Frames(container, film, folder)


def _microseconds(frame: Any) -> int:
    if frame.pts is None or frame.time_base is None:
        raise UnsuitableError("a frame without a time")
    when: Fraction = frame.pts * frame.time_base
    return round(when * _MICROSECONDS)


def _matrix(frame: Any) -> tuple[int, ...] | None:
    """The nine numbers of the frame's display matrix; None without one."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    return struct.unpack("=9i", bytes(data)) if data is not None else None


def _turns(matrix: tuple[int, ...] | None) -> list[str]:
    """The filters that make a frame upright: fftools/ffmpeg_filter.c, configure_input_video_filter."""
    if matrix is None:
        return []
    theta = -boxes.angle(matrix) % 360
    if abs(theta - 90) < 1:
        return ["transpose=" + ("cclock_flip" if matrix[3] > 0 else "clock")]
    if abs(theta - 270) < 1:
        return ["transpose=" + ("clock_flip" if matrix[3] < 0 else "cclock")]
    if abs(theta - 180) < 1:
        return ["hflip"] * (matrix[0] < 0) + ["vflip"] * (matrix[4] < 0)
    if theta > 1 and theta < 359:
        raise UnsuitableError("an odd angle")
    return ["vflip"] * (matrix[4] < 0)
