#!/usr/bin/env bash
# OpenEXR's attribute utcOffset is what is added to local time to get UTC, in seconds (ImfStandardAttributes.h), so that a picture made
# at UTC+2 has -7200. exiftool prints it as if it were the offset of local time: -02:00 for that picture, in a tag that elsewhere has
# the usual sign. Added to the capture date beside it the moment is wrong by twice the offset.
#
# Seen with exiftool 13.59 (npm exiftool-vendored.pl 13.59.3), a file by OpenEXR 3.4.4 (PyPI) on Python 3.11:
#   made at UTC+2: utcOffset -7200, exiftool's TimeZone -02:00
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm install --silent --no-audit --no-fund --prefix n exiftool-vendored.pl@13.59.3 > /dev/null 2>&1
python3 -m venv v; v/bin/pip -q install OpenEXR==3.4.4 numpy==2.3.5 2>/dev/null
v/bin/python - <<'P' | tee said
import subprocess

import numpy
import OpenEXR

EXIFTOOL = ["perl", "n/node_modules/exiftool-vendored.pl/bin/exiftool"]

header = {
    "compression": OpenEXR.ZIP_COMPRESSION,
    "type": OpenEXR.scanlineimage,
    "capDate": "2025:07:08 14:30:00",
    "utcOffset": -7200.0,
}
with OpenEXR.File(header, {"Y": numpy.zeros((8, 8), dtype=numpy.float16)}) as picture:
    picture.write("a.exr")
with OpenEXR.File("a.exr") as picture:
    offset = picture.header()["utcOffset"]
asked = [*EXIFTOOL, "-s3", "-TimeZone", "a.exr"]
said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
print(f"made at UTC+2: utcOffset {offset:g}, exiftool's TimeZone {said}")
P
[ "$(cat said)" = "made at UTC+2: utcOffset -7200, exiftool's TimeZone -02:00" ]
