#!/usr/bin/env bash
# Pillow opens some TIFF files without an error or a warning and gives other pixels than they hold: the compressed numbers of a
# big-endian file of floats are turned round twice (libtiff has done it already), and grey of 16 bits that is white at 0
# (PhotometricInterpretation 0) stays a negative, though that of 8 bits is turned round.
#
# Seen with Pillow 12.0.0 and tifffile 2025.10.16 on Python 3.11:
#   floats as they are: 0.5, compressed: something else
#   white is 0: 8 bits are shown as 255, 16 bits as 0
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install pillow==12.0.0 tifffile==2025.10.16 numpy==2.3.4 2>/dev/null
v/bin/python - <<'P' | tee said
import numpy
import tifffile
from PIL import Image


def seen(values, **options):
    tifffile.imwrite("a.tif", values, metadata=None, **options)
    with Image.open("a.tif") as image:
        return image.getpixel((0, 0))


half = numpy.full((8, 8), 0.5, ">f4")
plain, packed = (seen(half, byteorder=">", compression=compression) for compression in (None, "zlib"))
print(f"floats as they are: {plain}, compressed: {'0.5' if packed == 0.5 else 'something else'}")
eight, sixteen = (seen(numpy.zeros((8, 8), kind), photometric="miniswhite") for kind in ("u1", "u2"))
print(f"white is 0: 8 bits are shown as {eight}, 16 bits as {sixteen}")
P
[ "$(sed -n 1p said)" = "floats as they are: 0.5, compressed: something else" ]
[ "$(sed -n 2p said)" = "white is 0: 8 bits are shown as 255, 16 bits as 0" ]
