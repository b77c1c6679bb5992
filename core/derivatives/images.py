"""Decoding one picture once, and saving it upright and in sRGB as JPEG files of three sizes."""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

import pillow_heif
from PIL import AvifImagePlugin, ExifTags, Image, ImageChops, ImageFile, PngImagePlugin, UnidentifiedImageError

from core.derivatives import boxes, colour, hdr_lut
from core.derivatives.hdr_lut import ColourSpace
from core.derivatives.messages import MadeFile, NoDecoderError, OrderRefusedError
from core.derivatives.tiff import Tiff

THUMBNAIL_SIZES = ((1920, 90), (800, 85), (400, 85))
"""Short edge in pixels and JPEG quality, largest first."""

PIXELS = 250_000_000
"""The most pixels of a picture that is decoded."""

LONGEST_EDGE = 65_500
"""The longest edge a JPEG can have."""

# EPS, WMF and the like are left out: their decoders run programs, or are stubs that need one.
IMAGE_FORMATS = (
    # AVIF comes before HEIF: libheif accepts files with its general brands, but cannot decode AV1 here.
    *("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "DIB", "JPEG2000", "AVIF", "HEIF"),
    *("PSD", "PCX", "PPM", "ICO", "CUR", "ICNS", "SGI", "QOI", "DDS", "FITS", "SUN", "XBM", "XPM"),
)
_BEFORE_JPEG = 1024
"""Bytes of a file among which a JPEG is looked for that does not begin with it."""
_LARGEST_JPEG = 256 << 20
"""Bytes of a file that is read as a whole to leave out what lies before its JPEG."""
_TARGA = ("tga", "icb", "vda", "vst")
"""Extensions of a format without a signature, which many other files would match."""
_ENDINGS = """
    jpg jpeg jpe jfif jif mpo insp png apng gif tif tiff webp bmp dib jp2 j2k j2c jpf jpx heic heif hif heics
    avif avifs psd pcx pbm pgm ppm pnm ico icns sgi qoi
    jxl exr dpx dds
"""
EXTENSIONS = frozenset(_ENDINGS.split())
"""Extensions of pictures in these formats, and in some of ffmpeg's: what no decoder knows is no such picture."""

# Messages of Pillow and libheif; other errors may come from a decoder that does not support all of its format.
_CUT_OFF = re.compile(r"[Tt]runcated|broken PNG|[Ee]nd of file|[Pp]remature end")

_COLOUR_CODES = {
    # ISO/IEC 14496-12, ColourInformationBox.
    "AVIF": re.compile(rb"colrnclx(..)(..)", re.DOTALL),
    # PNG, Third Edition, 11.3.2.6.
    "PNG": re.compile(rb"\x00\x00\x00\x04cICP(.)(.)", re.DOTALL),
}
"""By format: the numbers of the colour primaries and the transfer function in ITU-T H.273."""

# By EXIF orientation: the transposition that makes a picture upright.
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
# Colour profiles of presses are larger than the 1 MiB that Pillow allows a PNG's compressed chunk.
PngImagePlugin.MAX_TEXT_CHUNK = 16 << 20
# Pillow refuses a picture with more than twice as many pixels, and warns of one with more.
Image.MAX_IMAGE_PIXELS = PIXELS // 2


class NotAPictureError(OrderRefusedError):
    """None of the decoders knows the format of the file."""


class BrokenError(OrderRefusedError):
    """The data of a JPEG make no sense from somewhere in it on, as where another file lies over a part of it."""


class TooLargeError(OrderRefusedError):
    """Decoding the picture needs more memory than it may use, whatever the decoder."""


def develop(source: IO[bytes], orientation: int = 1, extension: str = "", *, partly: bool = False) -> Image.Image:
    """Decode a picture, upright and in sRGB, its short edge at most that of the largest size; of mode RGB or L.

    `orientation` applies to a picture without one of its own, `extension` to a format without a signature.
    `partly`: decode what there is of a picture that is cut off. Raises OrderRefusedError with its subclasses
    NotAPictureError, BrokenError, TooLargeError and NoDecoderError; OSError with an errno when the file cannot be
    read.
    """
    try:
        with _cut_off_allowed(partly):
            return _develop(source, orientation, extension, partly)
    except OrderRefusedError:
        raise
    except UnidentifiedImageError as error:
        raise NotAPictureError("it is no picture of a known format") from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"decompression bomb: more than {PIXELS // 1_000_000} megapixels") from error
    except MemoryError as error:
        raise TooLargeError("decoding it needs more memory than a picture gets") from error
    except OSError as error:
        if error.errno:
            raise
        if "broken data stream" in str(error) and _is_jpeg(source):
            raise BrokenError(f"it cannot be decoded: {error}", damaged=True) from error
        raise OrderRefusedError(f"it cannot be decoded: {error}", damaged=_cut_off(error)) from error
    except Exception as error:
        # On broken files decoders raise errors of every type.
        text = f"it cannot be decoded: {type(error).__name__}: {error}"
        raise OrderRefusedError(text, damaged=_cut_off(error)) from error


def facts(source: IO[bytes]) -> tuple[bytes, int]:
    """The ICC profile and EXIF orientation of a picture whose pixels Pillow cannot decode; b"" and 0 where it has
    none."""
    with suppress(Exception), Image.open(source, formats=IMAGE_FORMATS) as image:
        profile = image.info.get("icc_profile") or b""
        return profile if isinstance(profile, bytes) else b"", _own_orientation(image)
    return b"", 0


def jpeg_start(source: IO[bytes]) -> int:
    """Where a JPEG begins behind something else: the bytes before it, of which exiftool passes over as many; 0
    where there is none, or the file is too large. Leaves the file at its beginning."""
    size = source.seek(0, 2)
    source.seek(0)
    found = source.read(_BEFORE_JPEG).find(b"\xff\xd8\xff")
    source.seek(0)
    return max(0, found) if size <= _LARGEST_JPEG else 0


def convert_decoded(data: bytes, profile: bytes, how: boxes.Shown | None, orientation: int) -> Image.Image:
    """Convert a picture that another program has decoded (PNG): upright and in sRGB. Raises OSError,
    ValueError."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.load()
        flat = _flatten(plain(image))
    flat = colour.to_srgb(flat, profile, None)
    return boxes.upright(flat, how) if how else _turn(flat, orientation)


@contextmanager
def _cut_off_allowed(allowed: bool) -> Iterator[None]:
    """In the block, if `allowed`, Pillow decodes truncated files: it completes a JPEG by an end marker, and leaves
    the missing part of other formats empty."""
    ImageFile.LOAD_TRUNCATED_IMAGES = allowed
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _cut_off(error: Exception) -> bool:
    """Whether a decoder that knows the format reports that a part of the picture is missing."""
    return bool(_CUT_OFF.search(str(error)))


def _is_jpeg(source: IO[bytes]) -> bool:
    # Only of a JPEG: of other formats Pillow reports "broken data stream" also where its decoder lacks a feature.
    source.seek(0)
    return source.read(3) == b"\xff\xd8\xff"


def save(
    image: Image.Image, folder: bytes, stem: str, report: Callable[[float], None], note: str = ""
) -> list[MadeFile]:
    """Write a decoded picture in all sizes, never enlarged. Raises OSError.

    `note` becomes the comment in each file, from which a rebuilt database gets it.
    """
    told = {"comment": note.encode()} if note else {}
    files = []
    for count, (short, quality) in enumerate(THUMBNAIL_SIZES, 1):
        image = _shrink(image, short)
        image.info = {}
        name = f"{stem}_{short}.jpg"
        path = os.path.join(folder, os.fsencode(name))
        profile = colour.SRGB_PROFILE if image.mode == "RGB" else None
        image.save(path, "JPEG", quality=quality, icc_profile=profile, **told)
        files.append(MadeFile(str(short), name, image.width, image.height, os.path.getsize(path)))
        report(0.7 + 0.3 * count / len(THUMBNAIL_SIZES))
    return files


def reduced(width: int, height: int, short: int) -> tuple[int, int]:
    """The size with the short edge `short`: never enlarged, and no edge longer than a JPEG can have."""
    scale = min(1.0, short / min(width, height), LONGEST_EDGE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _develop(source: IO[bytes], orientation: int, extension: str, partly: bool) -> Image.Image:
    formats = IMAGE_FORMATS + (("TGA",) if extension in _TARGA else ())
    with Image.open(source, formats=formats) as image:
        kind = _tiff(source) if image.format == "TIFF" else None
        if kind and kind.page:
            image.seek(kind.page)
        how = boxes.shown(source) if image.format in ("HEIF", "AVIF") else None
        space = _space(image, source)
        if image.format in ("JPEG", "MPO"):
            # The decoder halves the picture while decoding, as often as the largest size allows, in half the time.
            image.draft(None, reduced(*image.size, THUMBNAIL_SIZES[0][0]))
        image.load()
        if partly and not _shows_something(image):
            raise OrderRefusedError("nothing of it can be decoded", damaged=True)
        # load() turns a TIFF, the decoder a HEIF; afterwards both have no orientation or 1.
        own = _own_orientation(image)
        if how and not how.turned and b"miaf" not in how.brands:
            # There EXIF is only informative (ISO/IEC 23008-12, A.2.1), but macOS follows it where the brand `miaf`
            # is missing.
            own = image.info.get("original_orientation") or own
        whole = image.crop(how.crop) if how and how.crop and image.format == "AVIF" else image
        profile = image.info.get("icc_profile") or b""
        developed = _flatten(_shrink(plain(whole, kind), THUMBNAIL_SIZES[0][0]))
    developed = colour.to_srgb(developed, profile if isinstance(profile, bytes) else b"", space)
    return _turn(developed, own or orientation)


def _tiff(source: IO[bytes]) -> Tiff | None:
    """The kind of a TIFF file, if it can be found. Raises NoDecoderError for a file that Pillow decodes
    wrongly."""
    kind = Tiff.of(source)
    if kind and not kind.for_pillow:
        raise NoDecoderError(f"no decoder for {kind}")
    return kind


def _shows_something(image: Image.Image) -> bool:
    """Whether more than a fiftieth of a partly decoded picture differs from the colour that fills the rest."""
    cells = plain(image).convert("L").resize((50, 50), Image.Resampling.BOX)
    return max(cells.histogram()) < 50 * 49


def _shrink(image: Image.Image, short: int) -> Image.Image:
    size = reduced(*image.size, short)
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def plain(image: Image.Image, kind: Tiff | None = None) -> Image.Image:
    """Convert the pixels to 8 bits per channel: L, RGB, RGBA, CMYK or LAB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = _eight_bits(image, kind)
        return ImageChops.invert(grey) if kind and kind.negative else grey
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _eight_bits(image: Image.Image, kind: Tiff | None) -> Image.Image:
    """Grey of more bits, or in floating point, as 8 bits: up to 16 bits are scaled by their range, others from the
    darkest to the brightest pixel.

    Raises NoDecoderError for numbers that Pillow cannot hold.
    """
    # Pillow's operations do not support numbers in the byte order of another machine.
    wide = image if image.mode == "F" else image.convert("I")
    low, high = wide.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ValueError("more than one channel")
    if kind and kind.bits == 32 and kind.unsigned and low < 0:
        raise NoDecoderError(f"no decoder for {kind}")
    if image.mode != "F" and low >= 0 and high <= 0xFFFF:
        low, high = 0, (1 << kind.bits) - 1 if kind and 8 < kind.bits < 16 else 0xFFFF
    scale = 255 / ((high - low) or 1)
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _flatten(image: Image.Image) -> Image.Image:
    """The picture on white, where it is transparent."""
    if image.mode != "RGBA":
        return image
    flat = Image.new("RGB", image.size, (255, 255, 255))
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _own_orientation(image: Image.Image) -> int:
    """The EXIF orientation of the file, 0 when it has none."""
    with suppress(Exception):
        value = image.getexif().get(ExifTags.Base.Orientation, 0)
        return value if isinstance(value, int) and 1 <= value <= 8 else 0
    return 0


def _turn(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _space(image: Image.Image, source: IO[bytes]) -> ColourSpace | None:
    """The colour space that the file names without an ICC profile; None when it names none."""
    with suppress(Exception):
        if image.format == "HEIF":
            named = image.info.get("nclx_profile") or {}
            return hdr_lut.space_of(named.get("color_primaries", 1), named.get("transfer_characteristics", 1))
        if code := _COLOUR_CODES.get(image.format or ""):
            # Pillow does not report it; it is in the head of the file.
            place = source.tell()
            source.seek(0)
            found = code.search(source.read(1 << 16))
            source.seek(place)
            if found:
                return hdr_lut.space_of(*(int.from_bytes(found[group], "big") for group in (1, 2)))
        if image.format in ("JPEG", "MPO"):
            # Cameras set to Adobe RGB only mark it in this way (DCF 2.0).
            interop = image.getexif().get_ifd(ExifTags.IFD.Interop)
            return hdr_lut.ADOBE if str(interop.get(1, "")).startswith("R03") else None
    return None
