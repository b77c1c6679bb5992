#!/usr/bin/env bash
# Asked for one picture, MediaInfo looks whether others with the next numbers lie beside it and, if so, answers for all of them from
# that number on, under the one name: the size in the answer is their sum and the count of frames is how many there are. So the same
# file has another size when its folder fills, and in a folder of DPX or PNG frames each frame is said to be as large as all that
# follow; given as a bare name, without a folder before it, the same file is answered for alone. So it is with the option
# File_TestContinuousFileNames=0.
#
# Seen with pymediainfo 7.0.1 (MediaInfo's library 24.12 in its wheel) on Python 3.11, 50 frames, Pillow 12.0.0:
#   frame 1: 50 frames, 50 times its size; frame 7: 44 frames, 44 times its size
#   frame 1, without neighbours: its size
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install pymediainfo==7.0.1 pillow==12.0.0 2>/dev/null
v/bin/python - <<'P' | tee said
import os

from PIL import Image
from pymediainfo import MediaInfo

os.mkdir("card")
for number in range(1, 51):
    Image.new("RGB", (64, 36)).save(f"card/clip_{number:04}.png")


def told(name, **options):
    general = MediaInfo.parse(name, **options).tracks[0]
    return general.frame_count, general.file_size / os.path.getsize(name)


(frames, times), (fewer, less) = told("card/clip_0001.png"), told("card/clip_0007.png")
print(f"frame 1: {frames} frames, {times:g} times its size; frame 7: {fewer} frames, {less:g} times its size")
_, alone = told("card/clip_0001.png", mediainfo_options={"File_TestContinuousFileNames": "0"})
print("frame 1, without neighbours:", "its size" if alone == 1 else f"{alone:g} times its size")
P
[ "$(sed -n 1p said)" = "frame 1: 50 frames, 50 times its size; frame 7: 44 frames, 44 times its size" ]
[ "$(sed -n 2p said)" = "frame 1, without neighbours: its size" ]
