"""Parsing boxes of ISO base media, QuickTime, HEIF and AVIF files (ISO/IEC 14496-12, 23008-12), where decoders do
not report their content."""

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import IO, Literal

import msgspec
from PIL import Image

LARGEST_BOX = 32 << 20
"""The most bytes of a box that is read."""

MOST_BOXES = 10_000
"""The most boxes that are examined."""

_CONTAINERS = frozenset((b"trak", b"mdia", b"minf", b"dinf"))

IDENTITY = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""The matrix that changes nothing (ISO/IEC 14496-12, 6.2.2)."""

_TIFF_HEADS: dict[bytes, tuple[Literal["little", "big"], slice]] = {
    b"II*\0": ("little", slice(4, 8)),
    b"MM\0*": ("big", slice(4, 8)),
    b"II+\0": ("little", slice(8, 16)),
    b"MM\0+": ("big", slice(8, 16)),
}
"""Beginnings of TIFF and BigTIFF files: byte order, and where the offset of the first directory stands."""

Box = tuple[bytes, bytes]
"""Type and content."""


class Shown(msgspec.Struct, frozen=True):
    """How the main picture of a HEIF or AVIF file is to be displayed.

    brands: those of the file. size: of the coded picture; None when it is not given.
    film: whether the file has a track, too, as image sequences have.
    crop: left, top, right and bottom in the coded picture. angle: quarter turns anticlockwise, after the crop.
    mirror: 0 top to bottom, 1 left to right, after the turns. None where the file has no such property.
    """

    brands: frozenset[bytes]
    size: tuple[int, int] | None = None
    film: bool = False
    crop: tuple[int, int, int, int] | None = None
    angle: int | None = None
    mirror: int | None = None

    @property
    def turned(self) -> bool:
        """Whether the file has a rotation or mirror of its own, so that EXIF orientation does not count."""
        return self.angle is not None or self.mirror is not None


def shown(file: IO[bytes]) -> Shown | None:
    """How the main picture is displayed; None for another kind of file. Leaves the file at its beginning."""
    try:
        found = dict(_top(file, (b"ftyp", b"meta", b"moov")))
        if b"ftyp" not in found or found.keys() == {b"ftyp"}:
            # JPEG XL and JPEG 2000 have such boxes, too, but describe their picture elsewhere.
            return None
        head = found[b"ftyp"]
        brands = frozenset(head[at : at + 4] for at in (0, *range(8, len(head) - 3, 4)))
        return _shown(brands, found.get(b"meta", b"")[4:], b"moov" in found)
    except (ValueError, IndexError, ZeroDivisionError):
        return None
    finally:
        file.seek(0)


def upright(image: Image.Image, how: Shown) -> Image.Image:
    """Crop, turn and mirror a coded picture as its file says, in the order of ISO/IEC 23000-22, 7.3.6.7."""
    if how.crop and image.size == how.size:
        image = image.crop(how.crop)
    turns = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
    if how.angle:
        image = image.transpose(turns[how.angle])
    if how.mirror is not None:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT if how.mirror else Image.Transpose.FLIP_TOP_BOTTOM)
    return image


def refers_to_other_files(file: IO[bytes]) -> bool:
    """Whether a film only refers to other files: no track has its media data in this one.

    A reference whose lowest flag is set means the file itself (ISO/IEC 14496-12, 8.7.2; of QuickTime, "Data
    Reference Atoms"). Leaves the file at its beginning.
    """
    try:
        flags = [flag for _, moov in _top(file, (b"moov",)) for flag in _references(moov)]
    except (ValueError, IndexError):
        return False
    finally:
        file.seek(0)
    return bool(flags) and not any(flags)


def lacks_index(file: IO[bytes]) -> bool:
    """Whether a film has media data but no MovieBox, which devices write last. Leaves the file at its
    beginning."""
    kinds = {kind for kind, _, _ in islice(_places(file), MOST_BOXES)}
    file.seek(0)
    return b"mdat" in kinds and b"moov" not in kinds


def movie(file: IO[bytes]) -> bytes | None:
    """The content of a film's MovieBox; None where there is none, or it is too large."""
    return next((content for _, content in _top(file, (b"moov",))), None)


def matrices(moov: bytes) -> dict[int, tuple[int, ...]]:
    """How each track is displayed: by its number, the nine numbers of its matrix after that of the whole film.

    The arithmetic is that of libavformat/mov.c, mov_read_tkhd: 16.16 fixed point, in the last column 2.30. Raises
    ValueError for a box that is too short.
    """
    whole: tuple[int, ...] = IDENTITY
    found: dict[int, tuple[int, ...]] = {}
    for kind, content in _boxes(moov):
        if kind == b"mvhd":
            whole = _matrix(content, 48 if content[:1] == b"\1" else 36)
        elif kind == b"trak":
            head = dict(_boxes(content)).get(b"tkhd", b"")
            wide = head[:1] == b"\1"
            own = _matrix(head, 52 if wide else 40)
            number = int.from_bytes(head[20:24] if wide else head[12:16], "big", signed=True)
            found[number] = tuple(
                sum(own[row * 3 + at] * whole[at * 3 + column] >> (16, 16, 30)[at] for at in range(3))
                for row in range(3)
                for column in range(3)
            )
    return found


def length(moov: bytes) -> Fraction | None:
    """The seconds that a film's header says (ISO/IEC 14496-12, 8.2.2); None where it says none. Raises ValueError
    for a header that is too short."""
    for kind, content in _boxes(moov):
        if kind == b"mvhd":
            layout = (">IQ", 20) if content[:1] == b"\1" else (">II", 12)
            if len(content) < 36:
                raise ValueError("a header that is too short")
            unit, count = struct.unpack_from(layout[0], content, layout[1])
            return Fraction(count, unit) if count and unit else None
    return None


def angle(matrix: tuple[int, ...]) -> float:
    """By how many degrees a matrix turns a picture anticlockwise, -180 to 180, as libavutil/display.c,
    av_display_rotation_get; 0 for a matrix that turns nothing."""
    across, down = math.hypot(matrix[0], matrix[3]), math.hypot(matrix[1], matrix[4])
    if not across or not down:
        return 0.0
    return -math.degrees(math.atan2(matrix[1] / down, matrix[0] / across))


def _matrix(content: bytes, at: int) -> tuple[int, ...]:
    if len(content) < at + 36:
        raise ValueError("a header without a matrix")
    return struct.unpack_from(">9i", content, at)


def cut_off(file: IO[bytes]) -> bool:
    """Whether the end of a file is missing: its headers describe more bytes than it has. Known for HEIF, AVIF and
    JPEG 2000 (boxes), WebP (RIFF) and TIFF.

    A TIFF counts as cut off where its first directory is beyond the end: most programs write that behind the
    picture. Leaves the file at its beginning.
    """
    try:
        end = file.seek(0, 2)
        file.seek(0)
        head = file.read(12)
        if head[:4] == b"RIFF":
            return 8 + int.from_bytes(head[4:8], "little") > end
        if found := _TIFF_HEADS.get(head[:4]):
            order, place = found
            return int.from_bytes((head + file.read(4))[place], order) >= end
        if head[4:8] not in (b"ftyp", b"jP  "):
            return False
        at = 0
        for _ in range(MOST_BOXES):
            if at == end:
                return False
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if size == 0 and len(head) >= 8:
                return False  # size 0: the box extends to the end of the file, wherever that is
            if size < 8 or at + size > end:
                return True
            at += size
        return False
    finally:
        file.seek(0)


def _references(content: bytes) -> Iterator[bool]:
    for kind, inner in _boxes(content):
        if kind in _CONTAINERS:
            yield from _references(inner)
        elif kind == b"dref":
            for _, entry in _boxes(inner[8:]):
                yield bool(entry[3] & 1)


def _shown(brands: frozenset[bytes], meta: bytes, film: bool) -> Shown:
    boxes = dict(_boxes(meta))
    found: dict[bytes, bytes] = {}
    if b"pitm" in boxes and b"iprp" in boxes:
        wide = boxes[b"pitm"][0] > 0
        main = int.from_bytes(boxes[b"pitm"][4 : 8 if wide else 6], "big")
        parts = list(_boxes(boxes[b"iprp"]))
        properties = [box for kind, inner in parts if kind == b"ipco" for box in _boxes(inner)]
        numbers = [number for kind, inner in parts if kind == b"ipma" for number in _properties_of(main, inner)]
        found = dict(properties[number - 1] for number in numbers if 0 < number <= len(properties))
    size = None
    if b"ispe" in found:
        size = int.from_bytes(found[b"ispe"][4:8], "big"), int.from_bytes(found[b"ispe"][8:12], "big")
    return Shown(
        brands,
        size,
        film,
        _crop(found[b"clap"], *size) if size and b"clap" in found else None,
        found[b"irot"][0] & 3 if b"irot" in found else None,
        found[b"imir"][0] & 1 if b"imir" in found else None,
    )


def _properties_of(item: int, ipma: bytes) -> list[int]:
    """The numbers of an item's properties, out of an ItemPropertyAssociationBox."""
    version, long = ipma[0], ipma[3] & 1
    at, width = 8, 4 if version else 2
    for _ in range(int.from_bytes(ipma[4:8], "big")):
        number, count = int.from_bytes(ipma[at : at + width], "big"), ipma[at + width]
        at += width + 1
        step = 2 if long else 1
        if number == item:
            mask = 0x7FFF if long else 0x7F
            places = range(at, at + count * step, step)
            return [int.from_bytes(ipma[place : place + step], "big") & mask for place in places]
        at += count * step
    return []


def _crop(clap: bytes, width: int, height: int) -> tuple[int, int, int, int] | None:
    """The crop (left, top, right, bottom) of a CleanApertureBox (ISO/IEC 14496-12, 12.1.4); None when it is not
    inside the picture."""
    numbers = [int.from_bytes(clap[at : at + 4], "big", signed=at >= 16 and at % 8 == 0) for at in range(0, 32, 4)]
    across, down, right, low = (above / below for above, below in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = round((width - across) / 2 + right), round((height - down) / 2 + low)
    box = left, top, left + round(across), top + round(down)
    inside = 0 <= left < box[2] <= width and 0 <= top < box[3] <= height
    return box if inside and box != (0, 0, width, height) else None


def _top(file: IO[bytes], wanted: tuple[bytes, ...]) -> Iterator[Box]:
    """The top-level boxes of these types, without reading the others."""
    for kind, start, end in _places(file):
        if kind in wanted and end - start <= LARGEST_BOX:
            file.seek(start)
            yield kind, file.read(end - start)


def _places(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the content of each top-level box."""
    end, at = file.seek(0, 2), 0
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, start = int.from_bytes(head[:4], "big"), at + 8
        if size == 1:
            size, start = int.from_bytes(head[8:16], "big"), at + 16
        size = size or end - at
        if size < start - at:
            return
        yield head[4:8], start, min(at + size, end)
        at += size


def _boxes(content: bytes) -> Iterator[Box]:
    at = 0
    while at + 8 <= len(content):
        size, start = int.from_bytes(content[at : at + 4], "big"), at + 8
        if size == 1:
            size, start = int.from_bytes(content[at + 8 : at + 16], "big"), at + 16
        size = size or len(content) - at
        if size < start - at:
            return
        yield content[at + 4 : at + 8], content[start : at + size]
        at += size
