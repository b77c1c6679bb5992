#!/usr/bin/env bash
# pymediainfo makes an int of a value that is digits only, and leaves every other number a string. Which one a duration is depends on
# the film: one second is the int 1000, a second and a bit the string '1040.000' or so, and two tracks of one file may differ.
# `track.duration / 1000` works on most of the films that somebody tries, and raises TypeError on the next one.
#
# Seen with pymediainfo 7.0.1 and av 16.0.1 on Python 3.11:
#   mp4: General int, Video int
#   ts: General str, Video int
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install pymediainfo==7.0.1 av==16.0.1 numpy==2.3.4 2>/dev/null
v/bin/python - <<'P' | tee said
import av
import numpy
from pymediainfo import MediaInfo

for ending, codec in (("mp4", "mpeg4"), ("ts", "mpeg2video")):
    with av.open(f"a.{ending}", "w") as film:
        stream = film.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 64
        for _ in range(25):
            picture = av.VideoFrame.from_ndarray(numpy.zeros((64, 64, 3), "u1"), format="rgb24")
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    tracks = [track for track in MediaInfo.parse(f"a.{ending}").tracks if track.track_type in ("General", "Video")]
    print(f"{ending}:", ", ".join(f"{track.track_type} {type(track.duration).__name__}" for track in tracks))
P
[ "$(xargs < said)" = "mp4: General int, Video int ts: General str, Video int" ]
