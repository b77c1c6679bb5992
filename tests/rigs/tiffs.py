"""TIFF files written number by number: kinds that no library here writes."""

import struct
import zlib
from collections.abc import Sequence

LONG, SHORT = 4, 3


def tiff(
    numbers: Sequence[Sequence[float]],
    width: int,
    *,
    kind: str = "H",
    order: str = "<",
    photometric: int = 1,
    deflated: bool = False,
    tiled: bool = False,
) -> bytes:
    """A TIFF file of one strip or tile, or of one per plane.

    `numbers`: of each plane, row by row. `kind`: as in struct (H: 16 bits, e: half floats, d: doubles ...). With
    three planes it is RGB.
    """
    planes = [struct.pack(f"{order}{len(one)}{kind}", *one) for one in numbers]
    planes = [zlib.compress(one) for one in planes] if deflated else planes
    bits = 8 * struct.calcsize(kind)
    sort = 3 if kind in "efd" else 2 if kind.islower() else 1
    tags = {
        256: (LONG, [width]),
        257: (LONG, [len(numbers[0]) // width]),
        258: (SHORT, [bits] * len(planes)),
        259: (SHORT, [8 if deflated else 1]),
        262: (SHORT, [photometric if len(planes) == 1 else 2]),
        273: (LONG, [0] * len(planes)),
        277: (SHORT, [len(planes)]),
        278: (LONG, [len(numbers[0]) // width]),
        279: (LONG, [len(one) for one in planes]),
        284: (SHORT, [1 if len(planes) == 1 else 2]),
        339: (SHORT, [sort] * len(planes)),
    }
    if tiled:
        tags |= {322: tags[256], 323: tags.pop(278), 324: tags.pop(273), 325: tags.pop(279)}
    return directories([(tags, planes)], order)


def directories(
    pictures: Sequence[tuple[dict[int, tuple[int, list[int]]], list[bytes]]], order: str = "<"
) -> bytes:
    """A TIFF file of these pictures, each given as its tags and strips; those after the first are its SubIFDs."""
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    places: list[int] = []
    for tags, strips in reversed(pictures):
        offsets = []
        for strip in strips:
            offsets.append(len(out))
            out += strip + bytes(len(strip) % 2)
        tags = {**tags, 324 if 322 in tags else 273: (LONG, offsets)}
        if len(places) == len(pictures) - 1 and places:
            tags[330] = (LONG, places[::-1])
        entries = b""
        for tag, (sort, values) in sorted(tags.items()):
            data = struct.pack(f"{order}{len(values)}{'H' if sort == SHORT else 'I'}", *values)
            if len(data) > 4:
                place = struct.pack(order + "I", len(out))
                out += data + bytes(len(data) % 2)
                data = place
            entries += struct.pack(order + "HHI", tag, sort, len(values)) + data.ljust(4, b"\0")
        places.append(len(out))
        out += struct.pack(order + "H", len(tags)) + entries + bytes(4)
    out[4:8] = struct.pack(order + "I", places[-1])
    return bytes(out)
