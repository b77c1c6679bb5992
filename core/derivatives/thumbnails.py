"""Carrying out an order for thumbnails: choosing a decoder, and the fallbacks when there is none."""

import io
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from core.derivatives import boxes, ffmpeg, images, libav_frames, raw_preview, resource_limits, tiff
from core.derivatives.images import NotAPictureError, TooLargeError
from core.derivatives.libav import UnsuitableError
from core.derivatives.messages import BROKEN, CUT_OFF, Made, MakeThumbnails, NoDecoderError, OrderRefusedError
from core.media import demuxers
from core.media.file_types import CAMERA_JPEG, HEAD, RAW, Kind, kind_of_content

_JXL_CUT_OFF = "nexpected end of"
"""Part of the message of libavcodec/libjxldec.c about a JPEG XL file that is cut off. Only the decoder knows its
length, so `boxes.cut_off` does not find that."""

Report = Callable[[float], None]


def make(order: MakeThumbnails, report: Report) -> Made:
    """Make the thumbnails. Raises OrderRefusedError, OSError."""
    with open_item(order.path) as file:
        content = kind_of_content(file.read(HEAD))
        file.seek(0)
        if order.extension.encode() in RAW and not order.film:
            return _make_from_raw(order, file, report)
        # A name may be wrong: this is a picture with the extension of a film.
        if order.film and (content != Kind.IMAGES or order.extension in ("mjpeg", "mjpg")):
            return _make_from_film(order, report)
        return _make_from_picture(order, file, content, report)


def open_item(path: bytes) -> IO[bytes]:
    """Open an archived file, which must be regular and not empty. Raises OrderRefusedError, OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(fd, "rb")
    facts = os.fstat(fd)
    if stat.S_ISREG(facts.st_mode) and facts.st_size:
        return file
    file.close()
    if stat.S_ISREG(facts.st_mode):
        raise OrderRefusedError("the file is empty", damaged=True)
    raise OrderRefusedError("it is no regular file")


def _save(
    order: MakeThumbnails,
    source: IO[bytes],
    orientation: int,
    report: Report,
    *,
    partly: bool = False,
    note: str = "",
) -> Made:
    with resource_limits.bounded_memory():
        image = images.develop(source, orientation, order.extension, partly=partly)
        report(0.7)
        damaged = note.startswith((CUT_OFF, BROKEN))
        return Made(images.save(image, order.folder, order.stem, report, note), note, damaged)


def _make_from_picture(order: MakeThumbnails, file: IO[bytes], content: Kind, report: Report) -> Made:
    """Decode a picture with Pillow. Where Pillow refuses it, use what is left of a damaged file, else ffmpeg, else
    a preview in the file. Raises OrderRefusedError, OSError."""
    try:
        return _save(order, file, 1, report)
    except TooLargeError:
        raise
    except OrderRefusedError as error:
        refused = error
    if content == Kind.VIDEOS:
        return _make_from_film(order, report)
    if order.extension.encode() in CAMERA_JPEG and (start := images.jpeg_start(file)):
        with suppress(OrderRefusedError):
            note = f"its first {start} bytes are left out: the picture begins behind them"
            file.seek(start)
            return _save(order, io.BytesIO(file.read()), 1, report, note=note)
    damage = BROKEN if isinstance(refused, images.BrokenError) else CUT_OFF
    if refused.damaged:
        with suppress(OrderRefusedError):
            file.seek(0)
            note = f"{damage}: what is missing is grey or black"
            return _save(order, file, 1, report, partly=True, note=note)
    else:
        try:
            return _make_from_picture_by_ffmpeg(order, order.path, report)
        except OrderRefusedError as error:
            refused = _more_useful(refused, error, order, content)
    report(0.4)
    # Many formats without a decoder carry a preview.
    if not isinstance(refused, NoDecoderError) and (boxes.cut_off(file) or _JXL_CUT_OFF in str(refused)):
        refused = OrderRefusedError(f"{CUT_OFF}, and nothing of it can be decoded", damaged=True)
    known = not isinstance(refused, NotAPictureError | NoDecoderError)
    note = f"{damage if refused.damaged else 'it cannot be decoded'}: this is the preview in it" if known else ""
    made = _make_from_previews(order, raw_preview.read(order.path), report, note)
    if made:
        return made
    if isinstance(refused, NoDecoderError):
        return Made([], str(refused))
    if isinstance(refused, NotAPictureError) and order.extension not in images.EXTENSIONS:
        return Made([], f"no decoder for pictures of the kind .{order.extension}")
    raise refused


def _more_useful(
    refused: OrderRefusedError, further: OrderRefusedError, order: MakeThumbnails, content: Kind
) -> OrderRefusedError:
    """The more useful of Pillow's and ffmpeg's reasons. Raises ffmpeg's where a retry may help."""
    if not further.final:
        raise further
    if not isinstance(refused, NotAPictureError):
        return refused
    if not isinstance(further, NotAPictureError):
        return further
    if content == Kind.IMAGES and (order.film or order.extension in images.EXTENSIONS):
        return OrderRefusedError("it begins as a picture does, but cannot be decoded")
    return refused


def _make_from_picture_by_ffmpeg(order: MakeThumbnails, path: bytes, report: Report, orientation: int = 0) -> Made:
    """Decode a picture that Pillow has refused, by ffmpeg.

    Raises NotAPictureError when ffmpeg does not know the format, NoDecoderError when it has no decoder for it,
    OrderRefusedError, OSError.
    """
    with open_item(path) as file:
        kind = tiff.Tiff.of(file)
        if kind and not kind.for_ffmpeg:
            raise NoDecoderError(f"no decoder for {kind}")
        if file.read(4) == tiff.BIG_ENDIAN_BIGTIFF:
            raise NoDecoderError("no decoder for BigTIFF pictures in big-endian order")
        file.seek(0)
        how = boxes.shown(file)
        profile, own = images.facts(file)
    try:
        film = ffmpeg.look(path, order.folder, demuxers.PICTURES)
    except OrderRefusedError as error:
        if error.final and kind:
            raise NoDecoderError(f"no decoder for {kind}") from error
        raise NotAPictureError(str(error)) if error.final else error from error
    if film is None or not film.decoded:
        raise NoDecoderError(f"no decoder for pictures of the kind .{order.extension}")
    if how and how.size != film.coded:
        if not how.film:
            # ffmpeg has found one tile of many, or a thumbnail, instead of the main picture.
            raise OrderRefusedError("ffmpeg finds another picture in it")
        how = None
    report(0.2)
    try:
        data, wrong = ffmpeg.still(film, path, order.folder, None if how else images.THUMBNAIL_SIZES[0][0])
    except NoDecoderError as error:
        raise NoDecoderError(f"no decoder for pictures of the kind .{order.extension}") from error
    report(0.5)
    with resource_limits.bounded_memory():
        image = images.convert_decoded(data, profile, how, own or orientation or 1)
        note = f"not all of it may be shown: {wrong}" if wrong else ""
        return Made(images.save(image, order.folder, order.stem, report, note), note)


def _make_from_raw(order: MakeThumbnails, file: IO[bytes], report: Report) -> Made:
    """Use the largest preview in a RAW file, because no decoder here develops RAW. Raises OrderRefusedError,
    OSError."""
    found = raw_preview.read(order.path)
    report(0.3)
    made = _make_from_previews(order, found, report) or _make_from_jxl(order, file, found.orientation, report)
    if made:
        return made
    if found.unknown:
        return Made([], f"no decoder for files of this kind, though .{order.extension} is a name of RAW pictures")
    if found.error:
        raise OrderRefusedError(found.error)
    try:
        # An uncompressed preview is the first image of the TIFF that most RAW files are.
        return _save(order, file, 1, report)
    except OrderRefusedError:
        return Made([], "it holds no preview that can be shown")


def _make_from_previews(
    order: MakeThumbnails, found: raw_preview.Previews, report: Report, note: str = ""
) -> Made | None:
    """Use the largest preview that can be decoded; None when there is none."""
    for data in found.images:
        with suppress(OrderRefusedError):
            return _save(order, io.BytesIO(data), found.orientation or 1, report, note=note)
    return None


def _make_from_jxl(order: MakeThumbnails, file: IO[bytes], orientation: int, report: Report) -> Made | None:
    """Use the largest JPEG XL preview of a DNG 1.7 file; None when none can be decoded."""
    path = os.path.join(order.folder, b"preview.jxl")
    for data in sorted(tiff.jxl_previews(file), key=len, reverse=True):
        with open(path, "wb") as preview:
            preview.write(data)
        with suppress(OrderRefusedError):
            return _make_from_picture_by_ffmpeg(order, path, report, orientation)
    return None


def _make_from_film(order: MakeThumbnails, report: Report) -> Made:
    """Use a frame of a film: decoded in this process if possible, else by ffmpeg. Raises OrderRefusedError,
    OSError."""
    if not order.programs_only:
        with suppress(UnsuitableError):
            return _make_in_process(order, report)
    try:
        return _make_by_programs(order, report)
    except NoDecoderError as error:
        return Made([], str(error))
    except OrderRefusedError as error:
        raise ffmpeg.root_cause(error, order.path) from error


def _make_in_process(order: MakeThumbnails, report: Report) -> Made:
    """Use the frame that `_make_by_programs` would use, but decode it in this process (PyAV). Raises
    UnsuitableError, OSError."""
    with resource_limits.bounded_memory():
        with libav_frames.frames(order.path, order.folder) as frames:
            report(0.1)
            late = frames.film.duration is None or frames.film.duration > 1.0
            image = next(
                filter(
                    None, (frames.at(at, images.THUMBNAIL_SIZES[0][0]) for at in ((1.0, 0.0) if late else (0.0,)))
                ),
                None,
            )
        if image is None:
            raise UnsuitableError("no frame of it can be decoded")
        report(0.5)
        return Made(images.save(image, order.folder, order.stem, report))


def _make_by_programs(order: MakeThumbnails, report: Report) -> Made:
    """Use the frame at one second of a film, else its first frame, decoded by ffmpeg. Raises NoDecoderError,
    OrderRefusedError, OSError."""
    film = ffmpeg.look(order.path, order.folder)
    if film is None:
        return Made([], "it holds no moving picture")
    none = NoDecoderError(f"no decoder for films of the kind {film.codec}")
    if not film.decoded:
        raise none
    report(0.1)
    late = film.duration is None or film.duration > 1.0
    # The last try is without seeking, which raw streams and interrupted recordings do not allow.
    for at in (1.0, 0.0, None) if late else (0.0, None):
        try:
            frame = ffmpeg.frame(film, order.path, order.folder, at, images.THUMBNAIL_SIZES[0][0])
        except NoDecoderError:
            raise none from None
        report(0.5)
        if frame:
            return _save(order, io.BytesIO(frame), 1, report)
    raise OrderRefusedError("no frame of it can be decoded", damaged=True)
