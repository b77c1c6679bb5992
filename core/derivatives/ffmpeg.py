"""Runs ffprobe and ffmpeg: they read no file but the given one, and pictures come out upright and in BT.709."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from core import tools
from core.derivatives import boxes, hdr_lut, run_program, tracks
from core.derivatives.film import Film, from_probe
from core.derivatives.images import PIXELS, reduced
from core.derivatives.messages import CUT_OFF, NoDecoderError, OrderRefusedError
from core.media import demuxers
from core.media.file_types import HEAD, Kind, kind_of_content

CUBE = "space.cube"
"""The lookup table for lut3d, in the folder that ffmpeg runs in, because its path then needs no quoting."""

# Messages about errors of the volume, the network, the permissions or the memory, none of which is the film's.
_TRANSIENT = re.compile(
    r"Input/output error|Stale file handle|No such device|Connection|Host is down|Permission denied|"
    r"No such file|No space left|Disk quota|Cannot allocate memory|Resource temporarily unavailable"
)
_NO_DECODER = re.compile(
    r"[Nn]o decoder|Decoder \S+ not found|Decoder \(codec .*\) not found|Could not find codec|"
    r"[Nn]ot (yet )?implemented|patches welcome|[Uu]nsupported"
)

_INVALID = "Invalid data found when processing input"
_ENDED = ("File ended prematurely", "End of file")
"""The first of libavformat/matroskadec.c, which adds "Input/output error"; a real one it reports in other words.
The second is AVERROR_EOF while a head is read, as that of Ogg."""


def look(path: bytes, folder: bytes, kinds: tuple[str, ...] = demuxers.FILMS) -> Film | None:
    """Run ffprobe on a file; None when it has no video stream. Temporary files go to `folder`.

    Raises OrderRefusedError, OSError.
    """
    asked = ("-show_error", "-show_streams", "-show_format", "-of", "json")
    told = [run_program.program("ffprobe"), "-v", "error", *demuxers.guards(kinds, path), *asked]
    ended = run_program.run([*told, b"file:" + path])
    try:
        found = _values(ended.output)
        if ended.status and found is None and (one_by_one := tracks.probe(path, folder, kinds)):
            return from_probe(one_by_one["streams"], one_by_one["format"])
        if ended.status or found is None:
            raise refusal(ended, path)
        return from_probe(found.get("streams", []), found.get("format", {}))
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        raise OrderRefusedError(f"what ffprobe tells of it makes no sense: {error}") from error


def _values(output: bytes) -> dict[str, Any] | None:
    """ffprobe's answer; None when it is incomplete, as when one track cannot be opened."""
    try:
        return msgspec.json.decode(output.decode("utf-8", "replace"), type=dict[str, Any])
    except msgspec.DecodeError:
        return None


def still(film: Film, path: bytes, folder: bytes, short: int | None) -> tuple[bytes, str]:
    """(PNG, what ffmpeg found wrong with it): a single picture, not turned, its short edge at most `short` pixels.

    Raises OrderRefusedError, OSError.

    Floating-point pixels are linear light, which is converted to the sRGB transfer curve here.
    """
    size = reduced(*film.coded, short) if short else None
    clear = re.search("rgba|bgra|argb|abgr|gbrap|yuva|^ya|pal8", film.pixels)
    if "f16" in film.pixels or "f32" in film.pixels:
        curve = "65535*if(lte(val,205),val*12.92/65535,1.055*pow(val/65535,1/2.4)-0.055)"
        filters = ["format=gbrp16le", f"lutrgb=r='{curve}':g='{curve}':b='{curve}'"]
        filters += [f"scale={size[0]}:{size[1]}"] if size else []
    else:
        filters = colours(film, size, folder)
    pixels = "rgba" if clear and film.space.plain else "rgb24"
    before = ("-threads", "2", "-noautorotate")
    after = ("-frames:v", "1", "-vf", ",".join([*filters, f"format={pixels}"]), "-c:v", "png", "-f", "image2pipe")
    ended = run_program.run([*start(film, path, before, demuxers.PICTURES), *after, "pipe:1"], folder)
    if not ended.output:
        raise refusal(ended, path)
    return ended.output, str(refusal(ended, path)) if ended.said else ""


def frame(film: Film, path: bytes, folder: bytes, at: float | None, short: int) -> bytes:
    """The frame at `at` seconds as a PPM picture, its short edge at most `short` pixels; empty when there is none.

    Without `at` the first frame, without seeking, which not all films allow. Raises OrderRefusedError, OSError.
    """
    size = reduced(film.width, film.height, short)
    before = ("-threads", "2", *(() if at is None else ("-ss", f"{at:g}")))
    after = ("-frames:v", "1", "-vf", ",".join([*colours(film, size, folder), "format=rgb24"]), "-c:v", "ppm")
    ended = run_program.run([*start(film, path, before), *after, "-f", "image2pipe", "pipe:1"], folder)
    if ended.output:
        return ended.output
    error = refusal(ended, path)
    if ended.status and (not error.final or isinstance(error, NoDecoderError)):
        raise error
    return b""


class Packets(msgspec.Struct, frozen=True):
    """What the packets of a film show, in seconds from its beginning.

    pictures: the end of the last video packet. gap: the longest time between two. whole: the end of all tracks.
    """

    pictures: float
    gap: float
    whole: float


def packets(film: Film, path: bytes, report: Callable[[float], None]) -> Packets:
    """Read all packets of a film whose declared duration is in doubt. `report` is called with 0.99 for each
    packet, because the engine kills a maker that reports no progress. Raises OrderRefusedError, OSError."""
    times: list[float] = []
    ends = [0.0, 0.0]

    def packet(line: bytes) -> None:
        with suppress(ValueError, IndexError):
            fields = line.decode().strip().split(",")
            number, begin = int(fields[0]), float(fields[1]) - film.begins
            lasts = float(fields[2]) if fields[2] not in ("", "N/A") else 0.0
            ends[1] = max(ends[1], begin + lasts)
            if number == film.index:
                times.append(begin)
                ends[0] = max(ends[0], begin + lasts)
        report(0.99)

    asked = ("-show_entries", "packet=stream_index,pts_time,duration_time", "-of", "csv=p=0")
    told = [run_program.program("ffprobe"), "-v", "error", *demuxers.guards(demuxers.FILMS, path), *asked]
    run_program.run([*told, b"file:" + path], line=packet)
    times.sort()
    return Packets(ends[0], max((b - a for a, b in pairwise(times)), default=0.0), ends[1])


def start(
    film: Film, path: bytes, before: tuple[str, ...] = (), kinds: tuple[str, ...] = demuxers.FILMS
) -> list[str | bytes]:
    """The ffmpeg command up to its input and the choice of the video stream."""
    quiet = ("-nostdin", "-hide_banner", "-v", "error", "-y")
    chosen = ("-map", f"0:{film.index}")
    return [
        run_program.program("ffmpeg"),
        *quiet,
        *demuxers.guards(kinds, path),
        "-max_pixels",
        str(PIXELS),
        *before,
        "-i",
        b"file:" + path,
        *chosen,
    ]


def colours(film: Film, size: tuple[int, int] | None, folder: bytes) -> list[str]:
    """Filters that deinterlace a frame, scale it to `size`, if given, and convert its colours to sRGB.

    HDR and wide gamuts are converted by our own lookup table: ffmpeg's zscale, tonemap and libplacebo are missing
    in many builds, lut3d in none. Raises OSError.
    """
    filters = ["yadif=deint=interlaced"] if film.interlaced else []
    if film.matrix:
        filters.append(f"setparams=colorspace={film.matrix}")
    filters += [f"scale={size[0]}:{size[1]}"] if size else []
    if not film.space.plain:
        with open(os.path.join(folder, os.fsencode(CUBE)), "w", encoding="ascii") as file:
            file.write(hdr_lut.cube(film.space))
        filters += ["format=gbrp10le", f"lut3d=file={CUBE}"]
    return [*filters, "setsar=1"]


def refusal(ended: run_program.ProgramResult, path: bytes) -> OrderRefusedError:
    """Why a program failed, in its own words but without memory addresses and paths."""
    if ended.status < 0:
        return OrderRefusedError(f"ffmpeg was ended by signal {-ended.status}", final=False)
    said = ended.said.replace(f"file:{path.decode('utf-8', 'replace')}: ", "")
    said = re.sub(r"(?m)^\[[^\]\n]* @ 0x[0-9a-f]+\] ", "", said)
    if "not on whitelist" in said:
        return OrderRefusedError("it is a playlist, or of a format that is not taken for a film")
    lines = list(dict.fromkeys(line.strip() for line in said.splitlines() if line.strip()))
    text = "; ".join(lines[:3])[:300] or f"ffmpeg ended with status {ended.status}"
    if _NO_DECODER.search(said):
        return NoDecoderError(text)
    return OrderRefusedError(text, final=not met_transient_error(ended))


def root_cause(error: OrderRefusedError, path: bytes) -> OrderRefusedError:
    """The error that names the cause, where ffmpeg only reports its consequence: the film refers to other files,
    its end or its index is missing, or it is no film at all. Else `error`."""
    if str(error).startswith(_ENDED):
        return OrderRefusedError(f"{CUT_OFF}, and nothing of it can be decoded", damaged=True)
    if error.final:
        with suppress(OSError), open(path, "rb") as file:
            if _INVALID in str(error) and kind_of_content(file.read(HEAD)) not in (Kind.VIDEOS, Kind.IMAGES):
                return OrderRefusedError("it is no film of a known format", damaged=error.damaged)
            if boxes.refers_to_other_files(file):
                return OrderRefusedError("its pictures are not in this file, which only refers to others")
            if boxes.cut_off(file):
                return OrderRefusedError(f"{CUT_OFF}, and nothing of it can be decoded", damaged=True)
            if boxes.lacks_index(file):
                return OrderRefusedError(
                    "its index is missing, as of a recording that broke off, and nothing of it can be decoded",
                    damaged=True,
                )
    return error


def met_transient_error(ended: run_program.ProgramResult) -> bool:
    """Whether a program met an error that is not the file's, so that a retry may help. Its exit status does not
    tell: ffmpeg treats a failed read as the end of the file."""
    return bool(_TRANSIENT.search(ended.said))


@lru_cache(maxsize=1)
def frame_times_option() -> tuple[str, str]:
    """The option that keeps frames at their own times; its name depends on the version."""
    version = tools.parse_version("ffmpeg", run_program.run([run_program.program("ffmpeg"), "-version"]).output)
    return ("-fps_mode" if tools.at_least(version, "5.1") else "-vsync", "vfr")
