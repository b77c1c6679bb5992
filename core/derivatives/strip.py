"""Makes a strip: six frames of a film, evenly spaced from its beginning to its end, in one picture."""

import io
import os
from collections.abc import Callable

from PIL import Image

from core.derivatives import ffmpeg, resource_limits, thumbnails
from core.derivatives.messages import File, Made, MakeStrip, NoDecoderError, RefusedError

COLUMNS, ROWS = 2, 3
FRAME = (320, 180)
"""Pixels that a frame is fitted into."""

GAP = 6
QUALITY = 80


def make(order: MakeStrip, report: Callable[[float], None]) -> Made:
    """Make the strip. A frame that cannot be decoded is black; with none there is no file. Raises RefusedError,
    OSError."""
    thumbnails.open_item(order.path).close()
    try:
        film = ffmpeg.look(order.path, order.folder)
        if film is None or not film.decoded:
            return Made([], "nothing decodes it")
        frames: list[bytes] = []
        count = COLUMNS * ROWS
        for number in range(count):
            # The middle of each sixth, because films often begin and end with black.
            at = (film.duration or 0.0) * (number + 0.5) / count
            frames.append(ffmpeg.frame(film, order.path, order.folder, at, FRAME[1]))
            report((number + 1) / (count + 1))
    except NoDecoderError as error:
        return Made([], str(error))
    if not any(frames):
        raise RefusedError("no frame of it can be decoded", damaged=True)
    with resource_limits.bounded_memory():
        return Made([_saved(frames, order)])


def _saved(frames: list[bytes], order: MakeStrip) -> File:
    width, height = COLUMNS * FRAME[0] + (COLUMNS - 1) * GAP, ROWS * FRAME[1] + (ROWS - 1) * GAP
    whole = Image.new("RGB", (width, height))
    for number, data in enumerate(frames):
        if not data:
            continue
        with Image.open(io.BytesIO(data), formats=("PPM",)) as image:
            image.thumbnail(FRAME)
            row, column = divmod(number, COLUMNS)
            left = column * (FRAME[0] + GAP) + (FRAME[0] - image.width) // 2
            whole.paste(image, (left, row * (FRAME[1] + GAP) + (FRAME[1] - image.height) // 2))
    name = f"{order.stem}.jpg"
    path = os.path.join(order.folder, os.fsencode(name))
    whole.save(path, "JPEG", quality=QUALITY)
    return File("strip", name, width, height, os.path.getsize(path))
