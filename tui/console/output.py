"""Writing to a terminal, a file or a pipe, as far as each can show text: the only place that does."""

import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO, TextIOWrapper
from typing import Literal, TextIO

from core.errors import LadingError

Style = Literal["good", "bad", "warn", "busy", "dim", "bold"]

# Gruvbox's colours of 256, in which warning and error differ; else the terminal's own eight.
_PALETTE = {
    256: {"good": "38;5;142", "bad": "1;38;5;167", "warn": "38;5;214", "busy": "38;5;109", "dim": "38;5;245"},
    8: {"good": "32", "bad": "1;31", "warn": "33", "busy": "36", "dim": "2"},
}


WIDE = 160
"""Columns from which on a long list has room for its whole rows."""

PADDED = 48
"""The most columns that a column of a table is padded to where nothing cuts its rows: one long path must not make
every row as long."""

_FIGURE = re.compile(r"-|[0-9][0-9,.]*(?: [kMGTPE]?B|/s)?")
"""A number, a size or a rate, or the mark for none."""


class UnwrittenError(OSError):
    """The stream cannot be written to: its disk is full, or fails. A closed pipe raises BrokenPipeError."""


class Output:
    """One output stream.

    terminal: a person sees it, and lines can be redrawn in place.
    colors: 0, 8 or 256. utf8: characters beyond ASCII can be shown.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._stream = stream
        self._environ = environ
        self.terminal = stream.isatty() and environ.get("TERM", "dumb") != "dumb"
        self.colors = _colors(environ) if self.terminal else 0
        self.utf8 = _utf8(environ, platform)
        self._unheard = False
        self._beside = 0

    def keep_on(self) -> None:
        """From now on a closed pipe is no error: what is written there is dropped. For commands whose exit status
        is a verdict, because that holds whether or not anybody reads the words."""
        self._unheard = True

    def write(self, text: str) -> None:
        """Write `text`, which is safe already, at once. Raises BrokenPipeError when the reader has closed the
        pipe, unless `keep_on` was called, and UnwrittenError when it cannot be written."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            if not self._unheard:
                raise
        except OSError as error:
            raise UnwrittenError(error.errno, error.strerror) from error

    def line(self, text: str = "") -> None:
        """Write one line, which is safe already."""
        self.write(text + "\n")

    def raw(self, data: bytes) -> None:
        """Write bytes unchanged, for another program. Raises as `write`."""
        try:
            if isinstance(self._stream, TextIOWrapper):
                self._stream.flush()
                self._stream.buffer.write(data)
                self._stream.buffer.flush()
            else:
                self._stream.write(data.decode(errors="surrogateescape"))
        except BrokenPipeError:
            if not self._unheard:
                raise
        except OSError as error:
            raise UnwrittenError(error.errno, error.strerror) from error

    def json(self, value: object, indent: int | None = None) -> None:
        """Write a value as JSON (`json_shape`) in pure ASCII, so that no name in it can have any effect on a
        terminal."""
        import json  # only where it is used: every command imports this module

        from tui.console.json_shape import shaped

        self.line(json.dumps(shaped(value), indent=indent))

    def text(self, value: str | bytes) -> str:
        """A name or message that is safe to show here."""
        from core.paths import display

        shown = display(value)
        return shown if self.utf8 else shown.encode("ascii", "backslashreplace").decode("ascii")

    def styled(self, text: str, style: Style) -> str:
        """`text`, which is safe already, in a style; unchanged where there are no colours."""
        if not self.colors:
            return text
        return f"\x1b[{'1' if style == 'bold' else _PALETTE[self.colors][style]}m{text}\x1b[0m"

    def size(self) -> tuple[int, int]:
        """Columns and rows; COLUMNS and LINES take precedence, 80 by 24 where there is no terminal."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        return _number(self._environ, "COLUMNS") or columns or 80, _number(self._environ, "LINES") or rows or 24

    def read_beside(self, err: "Output") -> None:
        """Where this is a pipe and `err` a terminal, a pager most likely shows it there, as wide as that."""
        if err.terminal and _is_pipe(self._stream):
            self._beside = err.size()[0]

    def room(self) -> int:
        """The columns that a row should fit into; 0: as many as it needs, because no terminal is known."""
        return self.size()[0] if self.terminal else _number(self._environ, "COLUMNS") or self._beside

    def table(self, rows: Iterable[Iterable[str]], edge: int = 0) -> None:
        """Write rows, which are safe already, in columns, figures to the right; the first row is the head.

        They are cut at `edge`, else at a terminal's own; where there is neither, they are whole.
        """
        from tui.format import cells, fit

        listed = [list(row) for row in rows]
        edge = edge or (self.size()[0] if self.terminal else 0)
        columns = list(zip(*listed, strict=True))
        right = [_figures(column[1:]) for column in columns]
        widths = [
            max((width for width in map(cells, column) if edge or width <= PADDED), default=0)
            for column in columns
        ]
        for row in listed:
            padded = list[str]()
            for text, width, figures in zip(row, widths, right, strict=True):
                pad = " " * (width - cells(text))
                padded.append(pad + text if figures else text + pad)
            line = "  ".join(padded).rstrip()
            self.line(fit(line, edge, utf8=self.utf8) if edge else line)


class Console:
    """The streams of a command: results go to `out`, everything else to `err`."""

    def __init__(self, out: Output, err: Output) -> None:
        self.out = out
        self.err = err

    def keep_on(self) -> None:
        """As `Output.keep_on`, for both streams."""
        self.out.keep_on()
        self.err.keep_on()


def console() -> Console:
    """The streams of this process; what is written to a closed one is dropped."""
    streams = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        streams.append(Output(stream or StringIO(), os.environ))
    out, err = streams
    out.read_beside(err)
    return Console(out, err)


def _is_pipe(stream: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _figures(cells: Sequence[str]) -> bool:
    """Whether a column holds figures only."""
    return all(map(_FIGURE.fullmatch, cells)) and any(cell != "-" for cell in cells)


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _colors(environ: Mapping[str, str]) -> int:
    if environ.get("NO_COLOR"):
        return 0
    many = "256" in environ.get("TERM", "") or environ.get("COLORTERM")
    return 256 if many else 8


def _utf8(environ: Mapping[str, str], platform: str) -> bool:
    """Whether the locale says UTF-8. A Mac reached over SSH has no locale unless the client sends one (SendEnv in
    ssh_config(5)); UTF-8 is assumed then, because terminals show it by default."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf-8" in locale.lower() or "utf8" in locale.lower() or (not locale and platform == "darwin")


def complain(error: LadingError, console: Console) -> None:
    """Print an error: title and cause on one line, the advice below."""
    err = console.err
    err.line(f"{err.styled(err.text(error.title), 'bad')}: {err.text(error.cause)}")
    if error.advice:
        err.line(f"  {err.text(error.advice)}")
