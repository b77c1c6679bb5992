"""Whether a terminal shows pictures in pixels, by kitty's protocol or as sixels, and what it is sent then.

The last question is for the primary device attributes: every terminal answers it, and questions are answered in
order, so whatever is unanswered by then is not supported. Sixels need two answers, because a terminal may name
them among its attributes without knowing their geometry or colours; mlterm 3.9 knows the colours only. iTerm2 3.5
answers the question for kitty's protocol without the number that was asked: that is no yes.

Sources: kitty's graphics protocol ("Querying support and available transmission mediums"); xterm's ctlseqs (DA1: 4
is sixel; XTSMGRAPHICS: item 1 is the number of colours, item 2 sixel geometry; CSI 16 t: size of a character).
"""

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Literal, NamedTuple

QUESTION = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[?1;1;0S\x1b[?2;1;0S\x1b[c"
ANSWER_TIMEOUT = 1.0
"""Seconds until a terminal that does not answer is given up."""

KITTY_PIECE = 4096
"""The most characters of Base64 in one piece of kitty's protocol."""

_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_GEOMETRY = re.compile(rb"\x1b\[\?2;0;\d+;\d+S")
_COLOURS = re.compile(rb"\x1b\[\?1;0;(\d{1,6})S")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]+)c")

MOST_COLOURS = 256
"""The most colours of a picture in sixels."""


class Graphics(NamedTuple):
    """`way`: how pictures are shown; empty: not in pixels. `cell`: width and height of a character in pixels.
    `colours`: how many a picture in sixels may have."""

    way: Literal["kitty", "sixel", ""] = ""
    cell: tuple[int, int] = (10, 20)
    colours: int = MOST_COLOURS


class Pixels(NamedTuple):
    """A picture for a terminal that shows pixels: the `columns` and `rows` that it covers, and its `data`: a PNG
    file in Base64 for kitty's protocol, else a whole sequence of sixels."""

    way: Literal["kitty", "sixel", ""]
    columns: int
    rows: int
    data: str


def askable(environ: Mapping[str, str]) -> bool:
    """Whether to ask the terminal. It is not asked over SSH, because pixels are ten times as many bytes as half
    blocks; not through tmux and screen, which answer for themselves and do not pass pictures on. Apple's Terminal
    and the console of Linux are not asked, because they show no pictures and may print the question."""
    among = environ.get("TERM", "")
    through = any(environ.get(name) for name in ("SSH_CONNECTION", "TMUX", "STY"))
    return not (
        through
        or among.startswith(("tmux", "screen", "linux", "dumb"))
        or environ.get("TERM_PROGRAM") == "Apple_Terminal"
    )


def ask(keys: int, screen: int, environ: Mapping[str, str], timeout: float = ANSWER_TIMEOUT) -> Graphics:
    """Ask the terminal that is read from the descriptor `keys` and written to at `screen`. Takes at most `timeout`
    seconds. Asks nothing where `askable` says so."""
    if not (askable(environ) and os.isatty(keys) and os.isatty(screen)):
        return Graphics()
    try:
        before = termios.tcgetattr(keys)
    except termios.error:
        return Graphics()
    answer, end = b"", time.monotonic() + timeout
    try:
        tty.setcbreak(keys, termios.TCSANOW)
        os.write(screen, QUESTION)
        while not _ATTRIBUTES.search(answer) and (left := end - time.monotonic()) > 0:
            if select.select([keys], [], [], left)[0]:
                data = os.read(keys, 1024)
                if not data:
                    break
                answer += data
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
    return parse_answer(answer, cell_size(screen))


def cell_size(terminal: int) -> tuple[int, int]:
    """The width and height of a character of the terminal with this descriptor, as the kernel knows them
    (TIOCGWINSZ); those of the VT340 where it does not."""
    with suppress(OSError):
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
        if rows and columns and width >= columns and height >= rows:
            # xterm 379 counts its border, too.
            return width // columns, height // rows
    return Graphics().cell


def parse_answer(answer: bytes, cell: tuple[int, int] = (10, 20)) -> Graphics:
    """Parse a terminal's answer to QUESTION. `cell` is used where the size of a character is not in it."""
    attributes = _ATTRIBUTES.search(answer)
    if attributes is None:
        return Graphics()
    size = _CELL.search(answer)
    if size and int(size[1]) and int(size[2]):
        cell = int(size[2]), int(size[1])
    if _KITTY.search(answer):
        return Graphics("kitty", cell)
    told = _COLOURS.search(answer)
    if b"4" in attributes[1].split(b";") and (told or _GEOMETRY.search(answer)):
        return Graphics("sixel", cell, min(max(2, int(told[1])), MOST_COLOURS) if told else MOST_COLOURS)
    return Graphics()


class AnswerFilter:
    """Separates a terminal's answers to QUESTION from keys, in what a terminal sends.

    What may be the beginning of an answer is held back until the rest comes or `release` is called.
    """

    _ANSWER = re.compile(
        "\x1b_G[^\x1b]*\x1b\\\\|\x1b\\[6;\\d+;\\d+t|\x1b\\[\\?[12];\\d+(?:;\\d+)*S|\x1b\\[\\?[\\d;]*c"
    )
    _BEGUN = re.compile("\x1b(?:_(?:G[^\x1b]{0,200}\x1b?)?|\\[(?:6?[\\d;]{0,12}|\\?[\\d;]{0,60}))?\\Z")

    def __init__(self, terminal: int = 0) -> None:
        self._terminal = terminal
        self._held = ""
        self._answer = ""
        self.asked = False
        """Whether an answer is still to come."""

    def take(self, data: str) -> tuple[str, Graphics | None]:
        """The keys in `data` and in what was held back before; and what the terminal can show, once its last
        answer is there."""
        data, self._held = self._held + data, ""
        found = self._ANSWER.findall(data)
        self._answer += "".join(found)
        typed = self._ANSWER.sub("", data)
        if self.asked and (begun := self._BEGUN.search(typed)):
            typed, self._held = typed[: begun.start()], begun[0]
        if not found or not found[-1].endswith("c"):
            return typed, None
        answer, self._answer, self.asked = self._answer, "", False
        typed, self._held = typed + self._held, ""
        return typed, parse_answer(answer.encode(), cell_size(self._terminal))

    def release(self) -> str:
        """What was held back, because nothing followed."""
        held, self._held = self._held, ""
        return held


def transmission(encoded: str, keys: str) -> Iterator[str]:
    """The sequences of kitty's protocol that send a PNG file in Base64, with these keys. The terminal does not
    answer (q=2)."""
    for at in range(0, len(encoded), KITTY_PIECE):
        first = f"{keys},f=100,q=2," if not at else ""
        yield f"\x1b_G{first}m={int(at + KITTY_PIECE < len(encoded))};{encoded[at : at + KITTY_PIECE]}\x1b\\"
