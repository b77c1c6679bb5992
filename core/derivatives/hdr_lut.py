"""Converting HDR and other primaries to sRGB, by a lookup table that Pillow and ffmpeg both apply."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal

import msgspec

POINTS = 33
"""Points of the table per axis."""

WHITE = 203.0
"""Candelas per square metre of diffuse white in HDR pictures (ITU-R BT.2408)."""

PEAK = 1000.0
"""Candelas per square metre of the brightest light that is mapped below clipping."""

_KNEE = 0.3
"""Light up to this fraction of white is unchanged."""

Transfer = Literal["sdr", "gamma", "pq", "hlg"]
Primaries = Literal["bt709", "bt2020", "p3", "adobe"]
Triple = tuple[float, float, float]


class ColourSpace(msgspec.Struct, frozen=True):
    """A colour space: transfer function ("gamma" is 2.2) and primaries ("p3" has the white point D65)."""

    transfer: Transfer
    primaries: Primaries

    @property
    def plain(self) -> bool:
        """Whether it is sRGB, or BT.709, which is near enough to need no conversion."""
        return self.transfer == "sdr" and self.primaries == "bt709"


ADOBE = ColourSpace("gamma", "adobe")

# Code points of ITU-T H.273, as HEIF and AVIF have them.
_TRANSFERS: dict[int, Transfer] = {4: "gamma", 16: "pq", 18: "hlg"}
_PRIMARIES: dict[int, Primaries] = {9: "bt2020", 12: "p3"}

# Linear light of these primaries to linear light of sRGB, all with the white point D65.
_MATRICES: dict[Primaries, tuple[Triple, Triple, Triple]] = {
    "bt709": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "bt2020": ((1.66049, -0.58764, -0.07285), (-0.12455, 1.1329, -0.00835), (-0.01815, -0.10058, 1.11873)),
    "p3": ((1.22494, -0.22494, 0.0), (-0.04206, 1.04206, 0.0), (-0.01964, -0.07864, 1.09827)),
    "adobe": ((1.39836, -0.39836, 0.0), (0.0, 1.0, 0.0), (0.0, -0.04293, 1.04293)),
}


def space_of(primaries: int, transfer: int) -> ColourSpace:
    """The space of two code points of ITU-T H.273; unknown ones count as sRGB."""
    return ColourSpace(_TRANSFERS.get(transfer, "sdr"), _PRIMARIES.get(primaries, "bt709"))


@lru_cache(maxsize=8)
def table(space: ColourSpace) -> list[Triple]:
    """The lookup table of a space: red changes fastest, values from 0 to 1."""
    return list(_values(space))


def cube(space: ColourSpace) -> str:
    """The table in the .cube format, which ffmpeg's filter lut3d reads."""
    rows = "\n".join(f"{red:.5f} {green:.5f} {blue:.5f}" for red, green, blue in table(space))
    return f"LUT_3D_SIZE {POINTS}\n{rows}\n"


def _values(space: ColourSpace) -> Iterator[Triple]:
    matrix = _MATRICES[space.primaries]
    axis = [_LIGHT[space.transfer](index / (POINTS - 1)) for index in range(POINTS)]
    hdr = space.transfer in ("pq", "hlg")
    for blue in axis:
        for green in axis:
            for red in axis:
                light = _shown((red, green, blue)) if space.transfer == "hlg" else (red, green, blue)
                if hdr:
                    # Each channel is mapped separately: a curve that keeps their ratios makes bands when points
                    # are interpolated.
                    light = _rolled_off(light[0]), _rolled_off(light[1]), _rolled_off(light[2])
                r, g, b = (max(0.0, sum(m * v for m, v in zip(row, light, strict=True))) for row in matrix)
                yield _srgb(r), _srgb(g), _srgb(b)


def _srgb(light: float) -> float:
    light = min(1.0, light)
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _from_srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _from_pq(value: float) -> float:
    """SMPTE ST 2084 (PQ) to light; 1.0 is white."""
    root = value ** (1 / 78.84375)
    return (
        float((max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))
        * 10000
        / WHITE
    )


def _from_hlg(value: float) -> float:
    """ITU-R BT.2100 HLG to scene light, 0 to 1."""
    if value <= 0.5:
        return value * value / 3
    return float((2.718281828459045 ** ((value - 0.55991073) / 0.17883277) + 0.28466892) / 12)


def _shown(scene: Triple) -> Triple:
    """HLG's scene light as a display of PEAK shows it; 1.0 is white (BT.2100, OOTF)."""
    luma = 0.2627 * scene[0] + 0.678 * scene[1] + 0.0593 * scene[2]
    factor = luma**0.2 * PEAK / WHITE if luma else 0.0
    return scene[0] * factor, scene[1] * factor, scene[2] * factor


def _rolled_off(light: float) -> float:
    """Compress light above the knee, so that PEAK becomes 1: the curve that ffmpeg calls "mobius"."""
    if light <= _KNEE:
        return light
    peak = PEAK / WHITE
    a = -_KNEE * _KNEE * (peak - 1) / (_KNEE * _KNEE - 2 * _KNEE + peak)
    b = (_KNEE * _KNEE - 2 * _KNEE * peak + peak) / (peak - 1)
    return min(1.0, (b * b + 2 * b * _KNEE + _KNEE * _KNEE) / (b - a) * (light + a) / (light + b))


_LIGHT: dict[Transfer, Callable[[float], float]] = {
    "sdr": _from_srgb,
    "gamma": lambda value: float(value**2.2),
    "pq": _from_pq,
    "hlg": _from_hlg,
}
