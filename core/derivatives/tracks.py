"""Probing a film track by track when one track cannot be opened: `python -m core.derivatives.tracks FILE FOLDER`.

ffprobe opens a decoder for every track and ends without a message when one fails (ffprobe.c, open_input_file).
"""

import os
import re
import sys
from contextlib import suppress
from typing import Any

import msgspec

from core.derivatives import run_program
from core.media import demuxers

MOST_TRACKS = 32
"""The most tracks that are tried."""

_DUMP = 256 << 10
"""Bytes kept of ffmpeg's description of a file."""

_INPUT = re.compile(r"(?m)^Input #0, (\S+), from ")
_DURATION = re.compile(
    r"(?m)^ +Duration: (\d+):(\d\d):(\d\d\.\d+)(?:, start: (-?[\d.]+))?(?:, bitrate: (\d+) kb/s)?"
)
_TAG = re.compile(r"(?m)^    (\S[^:\n]*?) +: (.*)$")
_STREAM = re.compile(r"(?m)^ +Stream #0:(\d+)\S*: (Video|Audio|Subtitle|Data|Attachment): (\w+)")

# The first keeps rotation and colours, the others accept the codecs that it does not.
_BOXES = ("mov", "matroska", "nut")


def probe(path: bytes, folder: bytes, kinds: tuple[str, ...] = demuxers.FILMS) -> dict[str, Any] | None:
    """The values that ffprobe would have printed, with `"opened": false` for tracks that cannot be opened.

    None when no track can be opened. Temporary files go to `folder`. Raises OrderRefusedError, OSError.
    """
    start: list[str | bytes] = [run_program.program("ffmpeg"), "-nostdin", "-hide_banner", "-y"]
    start += [*demuxers.guards(kinds, path), "-i", b"file:" + path]
    said = run_program.run(start, folder, kept=_DUMP).said
    container = _INPUT.search(said)
    streams: list[dict[str, Any]] = []
    opened = 0
    for number, kind, codec in _STREAM.findall(said)[:MOST_TRACKS]:
        told: dict[str, Any] = {"index": int(number), "codec_type": kind.lower(), "codec_name": codec}
        if kind not in ("Video", "Audio"):
            streams.append(told)
        elif one := _probe_track(start, int(number), folder):
            opened += 1
            streams.append({**one["streams"][0], "index": int(number)})
            # These values are of the extracted part, not of the track.
            for name in ("duration", "duration_ts", "nb_frames", "bit_rate", "start_time", "start_pts"):
                streams[-1].pop(name, None)
        else:
            streams.append({**told, "opened": False})
    if container is None or not opened:
        return None
    shown: dict[str, Any] = {"format_name": container[1], "nb_streams": len(streams)}
    # Extracted tracks do not keep all tags of the file.
    shown["tags"] = dict(_TAG.findall(said[container.end() :].partition("  Duration: ")[0]))
    if found := _DURATION.search(said):
        hours, minutes, seconds, begins, rate = found.groups()
        shown["duration"] = f"{int(hours) * 3600 + int(minutes) * 60 + float(seconds):.6f}"
        shown |= {"start_time": begins} if begins else {}
        shown |= {"bit_rate": f"{rate}000"} if rate else {}
    return {"streams": streams, "format": shown}


def _probe_track(start: list[str | bytes], number: int, folder: bytes) -> dict[str, Any] | None:
    """ffprobe's values for the first second of one track; None when it cannot be opened."""
    part = os.path.join(folder, b"track")
    show = ("-v", "error", "-show_streams", "-show_format", "-of", "json")
    try:
        for box in _BOXES:
            copy = ("-v", "error", "-map", f"0:{number}", "-c", "copy", "-t", "1", "-f", box)
            if run_program.run([*start, *copy, b"file:" + part], folder).status:
                continue
            ended = run_program.run([run_program.program("ffprobe"), *show, b"file:" + part])
            if not ended.status:
                found = msgspec.json.decode(ended.output.decode("utf-8", "replace"), type=dict[str, Any])
                return found if found.get("streams") else None
    except ValueError:
        return None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)
    return None


def main() -> None:
    """Print the result as JSON; an object with "error" when no track can be opened."""
    path, folder = map(os.fsencode, sys.argv[1:3])
    found = probe(path, folder, demuxers.FILMS + demuxers.SOUNDS)
    answer = found or {"error": {"code": 0, "string": "No track of it can be opened"}}
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
