"""Derivatives that are in the archive already, made by another engine or before a database was lost."""

import struct
from collections.abc import Callable, Iterator, Mapping

from core.derivatives.messages import BROKEN, CUT_OFF
from core.errors import LadingError
from core.tasks import derivative
from core.tasks.task import Context, ItemFacts, Result

HEADER_SIZE = 64 << 10
"""Bytes of a file that contain its dimensions: our files have them at the beginning."""

Measure = Callable[[bytes], tuple[int, int] | None]
"""Returns width and height of the file that begins with these bytes; None when it is another kind of file."""


async def existing(
    context: Context, item: ItemFacts, folder: str, names: Mapping[str, str], measure: Measure
) -> Result | None:
    """The rows of the derivatives `names` (by role) when all of them exist; else None. A file with such a name is
    complete."""
    paths = [derivative.target(item, folder, name) for name in names.values()]
    try:
        heads = await context.heads(item.archive_id, paths, HEADER_SIZE)
    except LadingError:
        return None
    rows = []
    damage = ""
    for role, path, (size, head) in zip(names, paths, heads, strict=True):
        if size <= 0 or (measures := measure(head)) is None:
            return None
        note = comment(head)
        rows.append((item.id, role, path, *measures, size, note))
        damage = note if note.startswith((CUT_OFF, BROKEN)) else damage
    return Result(statements=[(derivative.WRITE, rows)], unopenable=damage)


def jpeg_size(head: bytes) -> tuple[int, int] | None:
    """The dimensions in the frame header of a JPEG file (ITU-T T.81, B.2.2)."""
    for marker, data in _segments(head):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(data) >= 5:
            height, width = struct.unpack(">HH", data[1:5])
            return (width, height) if width and height else None
    return None


def comment(head: bytes) -> str:
    """The comment in a JPEG file, where thumbnails have their note; empty without one."""
    return next((data.decode("utf-8", "replace") for marker, data in _segments(head) if marker == 0xFE), "")


def _segments(head: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment of a JPEG file up to its pixels (ITU-T T.81, B.1.1.4)."""
    at = 2
    while head[:2] == b"\xff\xd8" and at + 4 <= len(head) and head[at] == 0xFF:
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        yield head[at + 1], head[at + 4 : at + 2 + length]
        at += 2 + length


def film_size(head: bytes) -> tuple[int, int] | None:
    """The dimensions in the first track header of an MP4 file that has a picture (ISO/IEC 14496-12, 8.3.2)."""
    if head[4:8] != b"ftyp":
        return None
    at = head.find(b"tkhd")
    while at >= 4:
        end = at - 4 + int.from_bytes(head[at - 4 : at], "big")
        if end <= len(head):
            width, height = struct.unpack(">II", head[end - 8 : end])
            if width >> 16 and height >> 16:
                return width >> 16, height >> 16
        at = head.find(b"tkhd", at + 4)
    return None
