"""Carrying out an order for thumbnails: which decoder, and what to do when there is none."""

import io
import os
import stat
from collections.abc import Callable
from typing import IO

from core.makers import ffmpeg, manners, picture, preview
from core.makers.messages import Made, MakeThumbnails, RefusedError
from core.makers.picture import NotAPictureError
from core.media import kinds as media

Report = Callable[[float], None]


def make(order: MakeThumbnails, report: Report) -> Made:
    """Make the files. Raises RefusedError, OSError."""
    with open_item(order.path) as file:
        if order.film:
            return _of_film(order, report)
        if order.extension.encode() in media.RAW:
            return _of_raw(order, file, report)
        return _of_picture(order, file, report)


def open_item(path: bytes) -> IO[bytes]:
    """An archived file, which is regular and not empty. Raises RefusedError, OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(fd, "rb")
    facts = os.fstat(fd)
    if stat.S_ISREG(facts.st_mode) and facts.st_size:
        return file
    file.close()
    raise RefusedError("the file is empty" if stat.S_ISREG(facts.st_mode) else "it is no regular file")


def _save(order: MakeThumbnails, source: IO[bytes], orientation: int, report: Report) -> Made:
    with manners.bounded_memory():
        image = picture.develop(source, orientation)
        report(0.7)
        return Made(picture.save(image, order.folder, order.stem, report))


def _of_picture(order: MakeThumbnails, file: IO[bytes], report: Report) -> Made:
    try:
        return _save(order, file, 1, report)
    except NotAPictureError:
        # Many formats without a decoder carry a preview.
        made = _of_previews(order, preview.read(order.path), report)
        if made:
            return made
        if order.extension in picture.EXTENSIONS:
            raise
    return Made([], f"no decoder for pictures of the kind .{order.extension}")


def _of_raw(order: MakeThumbnails, file: IO[bytes], report: Report) -> Made:
    found = preview.read(order.path)
    report(0.3)
    made = _of_previews(order, found, report)
    if made:
        return made
    if found.error:
        raise RefusedError(found.error)
    try:
        # A preview without compression is the first image of the TIFF that most RAW files are.
        return _save(order, file, 1, report)
    except RefusedError:
        return Made([], "it holds no preview that can be shown")


def _of_previews(order: MakeThumbnails, found: preview.Previews, report: Report) -> Made | None:
    """By the largest preview that can be decoded; None when there is none."""
    for data in found.images:
        try:
            return _save(order, io.BytesIO(data), found.orientation or 1, report)
        except RefusedError:
            continue
    return None


def _of_film(order: MakeThumbnails, report: Report) -> Made:
    film = ffmpeg.look(order.path)
    if film is None:
        return Made([], "it holds no moving picture")
    if not film.decoded:
        return Made([], f"no decoder for films of the kind {film.codec}")
    report(0.1)
    late = film.duration is None or film.duration > 1.0
    for at in (1.0, 0.0) if late else (0.0,):
        frame = ffmpeg.frame(film, order.path, order.folder, at, picture.SIZES[0][0])
        report(0.5)
        if frame:
            return _save(order, io.BytesIO(frame), 1, report)
    raise RefusedError("no frame of it can be decoded")
