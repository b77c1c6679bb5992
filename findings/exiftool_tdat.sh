#!/usr/bin/env bash
# ID3v2.3 splits a recording's date into TYER (the year), TDAT (day and month, DDMM: id3.org, ID3v2.3.0, 4.2.1) and TIME (HHMM).
# exiftool joins them to Composite:DateTimeOriginal as if TDAT were MMDD: the 8th of July becomes the 7th of August, and the 25th of
# December a month that is none. mutagen reads the same frames as the standard has them.
#
# Seen with exiftool 13.59 (npm exiftool-vendored.pl 13.59.3), mutagen 1.47.0 on Python 3.11:
#   TDAT 0807: exiftool 2025:08:07 14:30, mutagen 2025-07-08 14:30:00
#   TDAT 2512: exiftool 2025:25:12 14:30, mutagen 2025-12-25 14:30:00
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm install --silent --no-audit --no-fund --prefix n exiftool-vendored.pl@13.59.3 > /dev/null 2>&1
python3 -m venv v; v/bin/pip -q install mutagen==1.47.0 2>/dev/null
v/bin/python - <<'P' | tee said
import subprocess

from mutagen.id3 import ID3, TIME, TDAT, TYER

EXIFTOOL = ["perl", "n/node_modules/exiftool-vendored.pl/bin/exiftool"]
# One silent frame of MPEG-1 layer III, 128 kbit/s, 44.1 kHz, several times.
SOUND = (b"\xff\xfb\x90\x00" + bytes(413)) * 20

for day in ("0807", "2512"):
    with open("a.mp3", "wb") as file:
        file.write(SOUND)
    tags = ID3()
    for frame in (TYER(encoding=0, text="2025"), TDAT(encoding=0, text=day), TIME(encoding=0, text="1430")):
        tags.add(frame)
    tags.save("a.mp3", v2_version=3)
    asked = [*EXIFTOOL, "-s3", "-Composite:DateTimeOriginal", "a.mp3"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    print(f"TDAT {day}: exiftool {said}, mutagen {ID3('a.mp3')['TDRC'].text[0]}")
P
[ "$(sed -n 1p said)" = "TDAT 0807: exiftool 2025:08:07 14:30, mutagen 2025-07-08 14:30:00" ]
[ "$(sed -n 2p said)" = "TDAT 2512: exiftool 2025:25:12 14:30, mutagen 2025-12-25 14:30:00" ]
