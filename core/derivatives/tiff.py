"""Which TIFF files Pillow and ffmpeg decode correctly: some they decode wrongly without an error."""

from contextlib import suppress
from typing import IO

from PIL import TiffImagePlugin

_WIDTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES, _FORMAT = 256, 258, 259, 262, 277, 284, 339
_SUBFILE, _OFFSETS, _COUNTS, _SUB_IFDS = 254, 273, 279, 330
_JXL = 52546
_TILES = 322
BIG_ENDIAN_BIGTIFF = b"MM\0+"
"""The beginning of files that neither Pillow 13 nor ffmpeg opens; Pillow looks for the 43 in the first byte."""
_MOST = 32
_FFMPEGS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925)
"""Compressions that ffmpeg decodes (libavcodec/tiff.c): none, CCITT, LZW, JPEG, deflate, PackBits, LZMA."""
_PILLOWS_TOO = (6, 34892, 50000)
_WEBP = 50001
_COMPRESSIONS = {34712: "JPEG 2000", _WEBP: "WebP", 50002: "JPEG XL", _JXL: "JPEG XL"}
_LARGEST = 256 << 20
_UNSIGNED = (1, 4)
_SIGNED, _FLOATING = 2, 3
_WHITE_IS_ZERO, _SEPARATE = 0, 2
_GREY_OR_RGB = (0, 1, 2, 3)
_NAMES = {2: "signed", 3: "floating point", 5: "complex", 6: "complex"}


class Tiff:
    """The first picture of a TIFF file that is no reduced copy of another one (TIFF 6.0, NewSubfileType), by its
    tags; its number is `page`. Raises SyntaxError and other errors for another kind of file."""

    def __init__(self, source: IO[bytes]) -> None:
        place = source.tell()
        try:
            head, first = _head(source)
            tags, self.page = _full(source, head, first)
        finally:
            source.seek(place)
        self.bits: int = max(_numbers(tags, _BITS, 1))
        self.samples: int = _numbers(tags, _SAMPLES, 1)[0]
        self.format: int = _numbers(tags, _FORMAT, 1)[0]
        self.photometric: int = _numbers(tags, _PHOTOMETRIC, 1)[0]
        self.big_endian = head.startswith(b"MM")
        self.compression: int = _numbers(tags, _COMPRESSION, 1)[0]
        self.tiled = _TILES in tags
        self.large = 43 in head[2:4]
        self.separate = _numbers(tags, _PLANES, 1)[0] == _SEPARATE and self.samples > 1

    @classmethod
    def of(cls, source: IO[bytes]) -> "Tiff | None":
        """The tags of a file, read from its beginning; None when it is not a TIFF. Leaves the file at its
        beginning."""
        try:
            return cls(source)
        except Exception:  # on a broken file Pillow's reader may raise anything
            return None
        finally:
            source.seek(0)

    def __str__(self) -> str:
        planes = ", planes apart" if self.separate else ""
        kind = _NAMES.get(self.format, "")
        tiles = ", in tiles" if self.tiled else ""
        return (
            f"{'Big' * self.large}TIFF pictures of {self.bits} bits"
            + (f", {kind}" if kind else "")
            + planes
            + tiles
            + self._compressed
        )

    @property
    def _compressed(self) -> str:
        """The compression as a part of a text, if there may be no decoder for it."""
        if self.compression in _FFMPEGS or self.compression in _PILLOWS_TOO:
            return ""
        return f", compression {_COMPRESSIONS.get(self.compression, self.compression)}"

    @property
    def unsigned(self) -> bool:
        """Whether its numbers are unsigned."""
        return self.format in _UNSIGNED

    @property
    def negative(self) -> bool:
        """Whether 0 is white in numbers that Pillow does not invert itself, as it does with up to 8 bits."""
        return self.photometric == _WHITE_IS_ZERO and self.bits > 8

    @property
    def for_pillow(self) -> bool:
        """Whether Pillow decodes it correctly.

        With separate planes it takes each pair of bytes for two pixels; in compressed, big-endian, signed or
        floating-point numbers it swaps bytes that libtiff has swapped already; signed bytes it takes for unsigned.
        The libtiff in its wheels is built without WebP.
        """
        turned = (
            self.big_endian and self.compression != 1 and self.bits > 8 and self.format in (_SIGNED, _FLOATING)
        )
        wrapped = self.format == _SIGNED and self.bits <= 8
        known = self.compression != _WEBP
        return known and not turned and not wrapped and not (self.separate and self.bits != 8)

    @property
    def for_ffmpeg(self) -> bool:
        """Whether ffmpeg decodes it correctly: it ignores the sample format, supports no other colours than these,
        takes the first picture, and reads tiles as if they were strips."""
        supported = self.compression in _FFMPEGS and self.photometric in _GREY_OR_RGB
        whole = not self.page and not self.tiled and not self.large
        return whole and supported and self.unsigned and self.bits <= 16


def jxl_previews(source: IO[bytes]) -> list[bytes]:
    """The JPEG XL previews of a DNG file (DNG 1.7, Compression 52546), which exiftool only supports from version
    13 on."""
    found = []
    with suppress(Exception):  # on a broken file Pillow's reader may raise anything
        head, place = _head(source)
        places = [place]
        for place in places:
            tags = _directory(source, head, place)
            places += [one for one in _numbers(tags, _SUB_IFDS, 0) if one and len(places) < _MOST]
            reduced = _numbers(tags, _SUBFILE, 0)[0] & 1
            if reduced and _numbers(tags, _COMPRESSION, 1)[0] == _JXL:
                offsets, counts = (_numbers(tags, tag, 0) for tag in (_OFFSETS, _COUNTS))
                if len(offsets) == 1 and 0 < counts[0] <= _LARGEST:
                    source.seek(offsets[0])
                    found.append(source.read(counts[0]))
    return found


def _head(source: IO[bytes]) -> tuple[bytes, int]:
    """The header of a TIFF file, and the offset of its first directory."""
    source.seek(0)
    head = source.read(8)
    head += source.read(8) if 43 in head[2:4] else b""
    return head, TiffImagePlugin.ImageFileDirectory_v2(head).next


def _directory(source: IO[bytes], head: bytes, place: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of the picture whose directory is at `place`. Raises SyntaxError where there is none."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(head)
    source.seek(place)
    tags.load(source)
    if _WIDTH not in tags:
        raise SyntaxError("no picture")
    return tags


def _full(source: IO[bytes], head: bytes, first: int) -> tuple[TiffImagePlugin.ImageFileDirectory_v2, int]:
    """The tags and the number of the first picture in full size; those of the first one if all are reduced."""
    tags = found = _directory(source, head, first)
    for page in range(_MOST):
        if not _numbers(found, _SUBFILE, 0)[0] & 1:
            return found, page
        if not found.next:
            break
        found = _directory(source, head, found.next)
    return tags, 0


def _numbers(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: int) -> tuple[int, ...]:
    value = tags.get(tag, default)
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)
