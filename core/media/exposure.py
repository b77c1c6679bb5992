"""The exposure of a picture as text, from what exiftool said of its file."""

import msgspec

from core.media.tags import Tags

FRACTION_BELOW = 0.25001
"""Seconds below which an exposure time is told as a fraction, as by exiftool (Exif.pm, PrintExposureTime)."""


def exposure(json: str) -> str:
    """`1/250 s, f/2.8, ISO 200`, as far as it is known. json: exiftool's stored answer; may be empty."""
    if not json:
        return ""
    try:
        tags = Tags.read(json.encode())
    except msgspec.DecodeError:
        return ""
    told: list[str] = []
    seconds, aperture = tags.number("ExposureTime", "ShutterSpeed"), tags.number("FNumber", "Aperture")
    if seconds and seconds > 0:
        told.append(f"1/{1 / seconds:.0f} s" if seconds < FRACTION_BELOW else f"{round(seconds, 1):g} s")
    if aperture and aperture > 0:
        # Only lenses faster than f/1 are told apart by the second digit.
        told.append(f"f/{round(aperture, 2 if aperture < 1 else 1):g}")
    if (iso := tags.number("ISO")) and iso > 0:
        told.append(f"ISO {iso:.0f}")
    return ", ".join(told)
