"""Frames of image sequences, films kept as numbered pictures: ARRIRAW, CinemaDNG, EXR, DPX."""

import re
from collections.abc import Iterator

import msgspec

from core.media.file_types import split

FRAME_ENDINGS = ("ari", "arx", "dng", "dpx", "exr")

LEAST_FRAMES = 25
"""The fewest frames of one stem in a folder that count as a film."""

SPARSE = 100
"""The most numbers per frame: pictures with larger gaps are not a film."""

SHOWN = 5
"""The most gaps that are named."""

FRAME_EXTENSIONS = frozenset(ending.encode() for ending in FRAME_ENDINGS)
_NUMBERED = re.compile(rb"(.*?)[._-]?(\d{2,9})", re.DOTALL)
_CINEMA_DNG = re.compile(rb"(.+)[._](\d{5,9})", re.DOTALL)


def frame(path: bytes) -> tuple[bytes, int] | None:
    """The key that the frames of one film share, and the number of this one; None for a file that cannot be a
    frame.

    A DNG may be a photo, too: it is a frame only in a folder that has the film's name, as cameras write CinemaDNG:
    `A001_C001/A001_C001_000000.dng`.
    """
    folder, _, name = path.rpartition(b"/")
    stem, extension = split(name)
    if extension not in FRAME_EXTENSIONS:
        return None
    if extension == b"dng":
        match = _CINEMA_DNG.fullmatch(stem)
        if match is None or folder.rpartition(b"/")[2].lower() != match[1].lower():
            return None
    elif (match := _NUMBERED.fullmatch(stem)) is None:
        return None
    return b"%b/%b.%b" % (folder, match[1].lower(), extension), int(match[2])


class FilmFrames(msgspec.Struct):
    """What is known of one film before its frames are read again."""

    count: int
    first: int
    last: int
    file_id: int
    """The file of the first frame."""


class Films:
    """The films among files of which each is added once, in any order."""

    def __init__(self) -> None:
        self._films: dict[bytes, FilmFrames] = {}

    def add(self, id: int, path: bytes) -> None:
        """Add the file with this number; it need not be a frame."""
        if (found := frame(path)) is None:
            return
        shared, number = found
        if (film := self._films.get(shared)) is None:
            film = self._films[shared] = FilmFrames(0, number, number, id)
        film.count += 1
        film.last = max(film.last, number)
        if number < film.first:
            film.first, film.file_id = number, id

    def found(self) -> dict[bytes, FilmFrames]:
        """The films, by the key that their frames share."""
        return {
            shared: film
            for shared, film in self._films.items()
            if film.count >= LEAST_FRAMES and film.last - film.first < SPARSE * film.count
        }


class Numbers:
    """The set of a film's frame numbers, one bit each."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last, self.count = first, last, 0
        self._bits = bytearray((last - first) // 8 + 1)

    def add(self, number: int) -> None:
        """Add a frame's number."""
        at, bit = divmod(number - self.first, 8)
        self.count += not self._bits[at] >> bit & 1
        self._bits[at] |= 1 << bit

    def gaps(self) -> Iterator[tuple[int, int]]:
        """(first, last) of every gap, in order."""
        start: int | None = None
        for at, byte in enumerate(self._bits):
            if byte == 0xFF and start is None:
                continue
            for bit in range(8):
                number = self.first + 8 * at + bit
                if number > self.last:
                    break
                if byte >> bit & 1:
                    if start is not None:
                        yield start, number - 1
                    start = None
                elif start is None:
                    start = number

    def text(self) -> str:
        """The frames as text for a person: `frames 0–86,399, 3 missing: 1,204–1,206`."""
        text = f"frames {self.first:,}–{self.last:,}"
        if not (missing := self.last - self.first + 1 - self.count):
            return text
        gaps = list(self.gaps())
        named = ", ".join(f"{one:,}" if one == other else f"{one:,}–{other:,}" for one, other in gaps[:SHOWN])
        more = f" and {len(gaps) - SHOWN:,} more gaps" if len(gaps) > SHOWN else ""
        return f"{text}, {missing:,} missing: {named}{more}"
