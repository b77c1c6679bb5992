"""The one place that writes to a terminal, a file or a pipe: what it can show, and how."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from io import StringIO, TextIOWrapper
from typing import Literal, TextIO

Style = Literal["good", "bad", "warn", "busy", "dim", "bold"]

# Gruvbox's in 256 colours, where warning and error stay apart; else the terminal's own eight.
_PALETTE = {
    256: {"good": "38;5;142", "bad": "1;38;5;167", "warn": "38;5;214", "busy": "38;5;109", "dim": "38;5;245"},
    8: {"good": "32", "bad": "1;31", "warn": "33", "busy": "36", "dim": "2"},
}


class Output:
    """One stream.

    terminal: a person sees it, and lines can be drawn again in place.
    colors: 0, 8 or 256. utf8: more than ASCII can be shown.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._stream = stream
        self._environ = environ
        self.terminal = stream.isatty() and environ.get("TERM", "dumb") != "dumb"
        self.colors = _colors(environ) if self.terminal else 0
        self.utf8 = _utf8(environ, platform)

    def write(self, text: str) -> None:
        """Write `text`, which is safe already, at once. Raises OSError when nobody reads it any more."""
        self._stream.write(text)
        self._stream.flush()

    def line(self, text: str = "") -> None:
        """Write one line, which is safe already."""
        self.write(text + "\n")

    def json(self, value: object, indent: int | None = None) -> None:
        """Write a value as JSON in pure ASCII, which no name inside can break out of."""
        import msgspec

        self.line(json.dumps(msgspec.to_builtins(value), indent=indent))

    def text(self, value: str | bytes) -> str:
        """A name or message as it may be shown here."""
        from core.paths import display

        shown = display(value)
        return shown if self.utf8 else shown.encode("ascii", "backslashreplace").decode("ascii")

    def styled(self, text: str, style: Style) -> str:
        """`text`, safe already, in a style; as it is where there are no colours."""
        if not self.colors:
            return text
        return f"\x1b[{'1' if style == 'bold' else _PALETTE[self.colors][style]}m{text}\x1b[0m"

    def size(self) -> tuple[int, int]:
        """Columns and rows; COLUMNS and LINES win, 80 by 24 where there is no terminal."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        return _number(self._environ, "COLUMNS") or columns or 80, _number(self._environ, "LINES") or rows or 24

    def table(self, rows: Iterable[Iterable[str]]) -> None:
        """Write rows, safe already, in columns; on a terminal cut at its edge."""
        from tui.format import cells, fit

        listed = [list(row) for row in rows]
        widths = [max(map(cells, column)) for column in zip(*listed, strict=True)]
        for row in listed:
            line = "  ".join(
                text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=True)
            ).rstrip()
            self.line(fit(line, self.size()[0], utf8=self.utf8) if self.terminal else line)


class Console:
    """What a command writes to: its results to `out`, everything else to `err`."""

    def __init__(self, out: Output, err: Output) -> None:
        self.out = out
        self.err = err


def console() -> Console:
    """The process's own streams; one that is closed swallows all."""
    streams = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        streams.append(Output(stream or StringIO(), os.environ))
    return Console(*streams)


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _colors(environ: Mapping[str, str]) -> int:
    if environ.get("NO_COLOR"):
        return 0
    many = "256" in environ.get("TERM", "") or environ.get("COLORTERM")
    return 256 if many else 8


def _utf8(environ: Mapping[str, str], platform: str) -> bool:
    """Whether the locale says UTF-8. A Mac reached over SSH often has none set, and shows UTF-8."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf-8" in locale.lower() or "utf8" in locale.lower() or (not locale and platform == "darwin")
