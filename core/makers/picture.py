"""One picture, decoded once, upright and in sRGB, as JPEG files of three sizes."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import pillow_heif
from PIL import AvifImagePlugin, ExifTags, Image, UnidentifiedImageError

from core.makers import colour, gamut
from core.makers.gamut import Space
from core.makers.messages import File, RefusedError

SIZES = ((1920, 90), (800, 85), (400, 85))
"""Short edge in pixels and JPEG quality, largest first."""

PIXELS = 250_000_000
"""The largest picture that is decoded."""

LONGEST = 65_500
"""The longest edge a JPEG can have."""

# Not EPS, WMF and the like: their decoders run programs, or are stubs that need one.
FORMATS = (
    *("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "DIB", "JPEG2000", "HEIF", "AVIF"),
    *("PSD", "PCX", "PPM", "ICO", "ICNS", "SGI", "QOI"),
)
_ENDINGS = """
    jpg jpeg jpe jfif jif mpo insp png apng gif tif tiff webp bmp dib jp2 j2k j2c jpf jpx heic heif hif heics
    avif avifs psd pcx pbm pgm ppm pnm ico icns sgi qoi
"""
EXTENSIONS = frozenset(_ENDINGS.split())
"""What names of pictures in these formats end in."""

# By EXIF orientation: what brings a picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.init()
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
# Pillow refuses what has more than twice as many, and warns of what has more.
Image.MAX_IMAGE_PIXELS = PIXELS // 2


class NotAPictureError(RefusedError):
    """None of the decoders knows the format."""


def develop(source: IO[bytes], orientation: int = 1) -> Image.Image:
    """The picture, upright and in sRGB, its short edge at most that of the largest size; of mode RGB or L.

    `orientation` is for one that does not tell its own. Raises RefusedError, NotAPictureError; OSError with an
    errno when the file cannot be read.
    """
    try:
        return _develop(source, orientation)
    except UnidentifiedImageError as error:
        raise NotAPictureError("it is no picture of a known format") from error
    except Image.DecompressionBombError as error:
        raise RefusedError(f"decompression bomb: more than {PIXELS // 1_000_000} megapixels") from error
    except MemoryError as error:
        raise RefusedError("decoding it needs more memory than a picture gets") from error
    except OSError as error:
        if error.errno:
            raise
        raise RefusedError(f"it cannot be decoded: {error}") from error
    except Exception as error:
        # Decoders meet broken files with errors of every type.
        raise RefusedError(f"it cannot be decoded: {type(error).__name__}: {error}") from error


def save(image: Image.Image, folder: bytes, stem: str, report: Callable[[float], None]) -> list[File]:
    """Write a developed picture in all sizes, none larger than it is. Raises OSError."""
    files = []
    for count, (short, quality) in enumerate(SIZES, 1):
        image = _shrunk(image, short)
        image.info = {}
        name = f"{stem}_{short}.jpg"
        path = os.path.join(folder, os.fsencode(name))
        profile = colour.SRGB_PROFILE if image.mode == "RGB" else None
        image.save(path, "JPEG", quality=quality, icc_profile=profile)
        files.append(File(str(short), name, image.width, image.height, os.path.getsize(path)))
        report(0.7 + 0.3 * count / len(SIZES))
    return files


def reduced(width: int, height: int, short: int) -> tuple[int, int]:
    """The size whose short edge is `short`: never larger, and never longer than a JPEG can be."""
    scale = min(1.0, short / min(width, height), LONGEST / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _develop(source: IO[bytes], orientation: int) -> Image.Image:
    with Image.open(source, formats=FORMATS) as image:
        space = _space(image, source)
        if image.format in ("JPEG", "MPO"):
            # The decoder halves the picture as often as the largest size allows, which takes half the time.
            image.draft(None, reduced(*image.size, SIZES[0][0]))
        image.load()
        # TIFF is turned by load(), HEIF by its decoder; both then tell no orientation or 1.
        own = _own_orientation(image)
        profile = image.info.get("icc_profile") or b""
        developed = _flat(_shrunk(_plain(image), SIZES[0][0]))
    developed = colour.to_srgb(developed, profile if isinstance(profile, bytes) else b"", space)
    return _turned(developed, own or orientation)


def _shrunk(image: Image.Image, short: int) -> Image.Image:
    size = reduced(*image.size, short)
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _plain(image: Image.Image) -> Image.Image:
    """The pixels in 8 bits a channel: L, RGB, RGBA, CMYK or LAB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or floating: 16 bits by their range, others from their darkest to their brightest."""
    low, high = image.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ValueError("more than one channel")
    if image.mode != "F" and low >= 0 and high <= 0xFFFF:
        low, high = 0, 0xFFFF
    scale = 255 / ((high - low) or 1)
    wide = image if image.mode == "F" else image.convert("I")
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _flat(image: Image.Image) -> Image.Image:
    """On white, where it is transparent."""
    if image.mode != "RGBA":
        return image
    flat = Image.new("RGB", image.size, (255, 255, 255))
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _own_orientation(image: Image.Image) -> int:
    """EXIF orientation, 0 when it tells none."""
    with suppress(Exception):
        value = image.getexif().get(ExifTags.Base.Orientation, 0)
        return value if isinstance(value, int) and 1 <= value <= 8 else 0
    return 0


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _space(image: Image.Image, source: IO[bytes]) -> Space | None:
    """The colour space that the file names without a profile; None when it names none."""
    with suppress(Exception):
        if image.format == "HEIF":
            named = image.info.get("nclx_profile") or {}
            return gamut.space_of(named.get("color_primaries", 1), named.get("transfer_characteristics", 1))
        if image.format == "AVIF":
            # Pillow does not tell; the box stands in the head (ISO/IEC 14496-12, ColourInformationBox).
            place = source.tell()
            source.seek(0)
            found = re.search(rb"colrnclx(..)(..)", source.read(1 << 16), re.DOTALL)
            source.seek(place)
            if found:
                return gamut.space_of(*(int.from_bytes(found[group], "big") for group in (1, 2)))
        if image.format in ("JPEG", "MPO"):
            # Cameras set to Adobe RGB say so by this alone (DCF 2.0).
            interop = image.getexif().get_ifd(ExifTags.IFD.Interop)
            return gamut.ADOBE if str(interop.get(1, "")).startswith("R03") else None
    return None
