"""Small copies that stand in the archive already, made by another engine or before a database was lost."""

import struct
from collections.abc import Callable, Mapping

from core.errors import LadingError
from core.tasks import derivative
from core.tasks.task import Context, ItemFacts, Result

HEAD = 64 << 10
"""Bytes of a file that tell its measures: ours have theirs at the beginning."""

Measure = Callable[[bytes], tuple[int, int] | None]
"""Width and height of what begins with these bytes; None when it is nothing of the kind."""


async def found(
    context: Context, item: ItemFacts, shelf: str, names: Mapping[str, str], measure: Measure
) -> Result | None:
    """The rows of the copies `names` (by role), when all of them are there. A name there is complete."""
    paths = [derivative.target(item, shelf, name) for name in names.values()]
    try:
        heads = await context.heads(item.archive_id, paths, HEAD)
    except LadingError:
        return None
    rows = []
    for role, path, (size, head) in zip(names, paths, heads, strict=True):
        if size <= 0 or (measures := measure(head)) is None:
            return None
        rows.append((item.id, role, path, *measures, size, ""))
    return Result(statements=[(derivative.WRITE, rows)])


def of_jpeg(head: bytes) -> tuple[int, int] | None:
    """From the frame header of a JPEG file (ITU-T T.81, B.2.2)."""
    at = 2
    while head[:2] == b"\xff\xd8" and at + 9 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 + length
    return None


def of_film(head: bytes) -> tuple[int, int] | None:
    """From the first track header of an MP4 file that has a picture (ISO/IEC 14496-12, 8.3.2)."""
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
