"""Converting pictures to sRGB, by the ICC profile in them or by the colour space they name."""

import io
import itertools
from functools import lru_cache

from PIL import Image, ImageCms, ImageFilter

from core.derivatives.hdr_lut import POINTS, ColourSpace, table

_SRGB = ImageCms.createProfile("sRGB")
SRGB_PROFILE = ImageCms.ImageCmsProfile(_SRGB).tobytes()
"""An sRGB ICC profile, for the files that are made."""

_SAME = 2
"""Steps of 256 by which a profile may differ from sRGB and still count as sRGB."""

_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}


def to_srgb(image: Image.Image, profile: bytes, space: ColourSpace | None) -> Image.Image:
    """Convert a picture of mode RGB, L, CMYK or LAB to sRGB, of mode RGB or L. An HDR `space` takes precedence
    over a profile."""
    hdr = space is not None and space.transfer in ("pq", "hlg")
    if profile and not hdr:
        return _by_profile(image, profile)
    if space is not None and not space.plain and image.mode == "RGB":
        return image.filter(_filter(space))
    return image if image.mode in ("RGB", "L") else _by_profile(image, b"")


@lru_cache(maxsize=4)
def _filter(space: ColourSpace) -> ImageFilter.Color3DLUT:
    return ImageFilter.Color3DLUT(POINTS, table(space))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    transform = _transform(profile, image.mode)
    if transform is None and image.mode == "L" and _transform(profile, "RGB"):
        # The pixels are grey, but the profile is for colours.
        image, transform = image.convert("RGB"), _transform(profile, "RGB")
    if transform is None:
        return image if image.mode in ("RGB", "L") else image.convert("RGB")
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB; None when it is sRGB already, cannot be read, or is for other
    pixels."""
    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return None
        if source.profile.xcolor_space.strip() != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if _changes_nothing(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the transform leaves a range of colours unchanged; most pictures carry sRGB itself."""
    if mode not in ("RGB", "L"):
        return False
    levels = range(0, 256, 51)
    if mode == "L":
        pixels = bytes(levels)
    else:
        pixels = bytes(itertools.chain.from_iterable(itertools.product(levels, repeat=3)))
    probe = Image.frombytes(mode, (len(pixels) // len(mode), 1), pixels)
    there = ImageCms.applyTransform(probe, transform)
    if there is None:
        return False
    here = probe.convert("RGB").tobytes()
    return all(abs(old - new) <= _SAME for old, new in zip(here, there.tobytes(), strict=True))
