"""Makes a strip: six frames of a film, evenly spaced from its beginning to its end, in one picture."""

import io
import os
from collections.abc import Callable
from contextlib import suppress

from PIL import Image

from core.derivatives import ffmpeg, libav_frames, resource_limits, thumbnails
from core.derivatives.libav import UnsuitableError
from core.derivatives.messages import Made, MadeFile, MakeStrip, NoDecoderError, OrderRefusedError

COLUMNS, ROWS = 2, 3
_COUNT = COLUMNS * ROWS
FRAME_SIZE = (320, 180)
"""Pixels that a frame is fitted into."""

GAP = 6
QUALITY = 80


def make(order: MakeStrip, report: Callable[[float], None]) -> Made:
    """Make the strip. A frame that cannot be decoded is black; with none there is no file. Raises
    OrderRefusedError, OSError."""
    thumbnails.open_item(order.path).close()
    if not order.programs_only:
        with suppress(UnsuitableError):
            return _make_in_process(order, report)
    try:
        film = ffmpeg.look(order.path, order.folder)
        if film is None or not film.decoded:
            return Made([], "nothing decodes it")
        frames: list[Image.Image | None] = []
        for at in _moments(film.duration):
            data = ffmpeg.frame(film, order.path, order.folder, at, FRAME_SIZE[1])
            frames.append(Image.open(io.BytesIO(data), formats=("PPM",)) if data else None)
            report(len(frames) / (_COUNT + 1))
    except NoDecoderError as error:
        return Made([], str(error))
    if not any(frames):
        raise OrderRefusedError("no frame of it can be decoded", damaged=True)
    with resource_limits.bounded_memory():
        return Made([_save(frames, order)])


def _make_in_process(order: MakeStrip, report: Callable[[float], None]) -> Made:
    """Make the strip of frames decoded in this process (PyAV), the film opened once. Raises UnsuitableError,
    OSError."""
    with resource_limits.bounded_memory():
        found: list[Image.Image | None] = []
        with libav_frames.frames(order.path, order.folder) as frames:
            for at in _moments(frames.film.duration):
                found.append(frames.at(at, FRAME_SIZE[1]))
                report(len(found) / (_COUNT + 1))
        if not all(found):
            raise UnsuitableError("not every frame of it can be decoded")
        return Made([_save(found, order)])


def _moments(duration: float | None) -> list[float]:
    """The seconds of the frames: the middle of each sixth, because films often begin and end with black."""
    return [(duration or 0.0) * (number + 0.5) / _COUNT for number in range(_COUNT)]


def _save(frames: list[Image.Image | None], order: MakeStrip) -> MadeFile:
    width, height = COLUMNS * FRAME_SIZE[0] + (COLUMNS - 1) * GAP, ROWS * FRAME_SIZE[1] + (ROWS - 1) * GAP
    whole = Image.new("RGB", (width, height))
    for number, image in enumerate(frames):
        if image is None:
            continue
        image.thumbnail(FRAME_SIZE)
        row, column = divmod(number, COLUMNS)
        left = column * (FRAME_SIZE[0] + GAP) + (FRAME_SIZE[0] - image.width) // 2
        whole.paste(image, (left, row * (FRAME_SIZE[1] + GAP) + (FRAME_SIZE[1] - image.height) // 2))
    name = f"{order.stem}.jpg"
    path = os.path.join(order.folder, os.fsencode(name))
    whole.save(path, "JPEG", quality=QUALITY)
    return MadeFile("strip", name, width, height, os.path.getsize(path))
