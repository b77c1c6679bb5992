"""Streams to write to in tests."""

from io import StringIO

from tui.console.output import Console, Output

UTF8 = {"LANG": "en_US.UTF-8"}


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def terminal(columns: int = 80, rows: int = 24, **environ: str) -> tuple[Output, StringIO]:
    """An output on a terminal without colours unless `environ` says otherwise, and what it was given."""
    stream = Terminal()
    given = {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(columns), "LINES": str(rows), **UTF8, **environ}
    return Output(stream, given, "linux"), stream


def pipe(**environ: str) -> tuple[Output, StringIO]:
    """An output on a pipe, and what it was given."""
    stream = StringIO()
    return Output(stream, {**UTF8, **environ}, "linux"), stream


def console() -> tuple[Console, StringIO, StringIO]:
    """Two pipes, and what they were given."""
    (out, told), (err, complained) = pipe(), pipe()
    return Console(out, err), told, complained
