#!/usr/bin/env bash
# `exiftool -j` decides by the look of a value, not by its tag's type, whether it is a JSON number, a boolean or a string. A camera's
# serial number `1E5` comes out as the number 1E5, which a reader of JSON gives back as 100000.0; one with a leading zero stays a
# string; a caption that reads `true` becomes a boolean. The text that was in the file cannot be had back from the JSON.
#
# Seen with exiftool 13.59 (npm exiftool-vendored.pl 13.59.3):
#   "SerialNumber": 1E5
#   "SerialNumber": "0012"
#   "ImageDescription": true
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
npm install --silent --no-audit --no-fund --prefix n exiftool-vendored.pl@13.59.3 > /dev/null 2>&1
exiftool() { perl n/node_modules/exiftool-vendored.pl/bin/exiftool "$@"; }
python3 -m venv v; v/bin/pip -q install pillow==12.0.0 2>/dev/null
v/bin/python -c 'from PIL import Image; Image.new("RGB", (8, 8)).save("a.jpg")'
said() { exiftool -j "-$1" a.jpg | grep "$1" | sed 's/^ *//; s/,$//'; }
exiftool -q -overwrite_original -SerialNumber=1E5 -ImageDescription=true a.jpg
first=$(said SerialNumber); caption=$(said ImageDescription)
exiftool -q -overwrite_original -SerialNumber=0012 a.jpg
second=$(said SerialNumber)
printf '%s\n' "$first" "$second" "$caption"
[ "$first" = '"SerialNumber": 1E5' ] && [ "$second" = '"SerialNumber": "0012"' ] && [ "$caption" = '"ImageDescription": true' ]
