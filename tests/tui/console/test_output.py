"""What a stream can show, and what reaches it."""

import json
from io import StringIO

import pytest

from tests.tui.console.streams import Terminal, pipe, terminal
from tests.tui.views import HOSTILE
from tui.console.output import Output


@pytest.mark.parametrize(
    ("environ", "colors"),
    [
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm"}, 8),
        ({"TERM": "screen", "COLORTERM": "truecolor"}, 256),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 256),
        ({"TERM": "dumb"}, 0),
        ({}, 0),
    ],
)
def test_colours_are_those_of_the_terminal(environ: dict[str, str], colors: int) -> None:
    assert Output(Terminal(), environ).colors == colors


def test_a_pipe_has_no_colours() -> None:
    out = Output(StringIO(), {"TERM": "xterm-256color"})
    assert (out.terminal, out.colors) == (False, 0)
    assert out.styled("SAFE", "good") == "SAFE"


def test_styles_end_where_they_began() -> None:
    assert Output(Terminal(), {"TERM": "xterm"}).styled("SAFE", "good") == "\x1b[32mSAFE\x1b[0m"
    assert Output(Terminal(), {"TERM": "xterm-256color"}).styled("KEEP", "bad") == "\x1b[1;38;5;167mKEEP\x1b[0m"


@pytest.mark.parametrize(
    ("environ", "platform", "utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, "linux", True),
        ({"LC_CTYPE": "UTF-8"}, "darwin", True),
        ({"LANG": "en_US.utf8"}, "linux", True),
        ({}, "darwin", True),
        ({}, "linux", False),
        ({"LANG": "C"}, "darwin", False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "linux", False),
        ({"LANG": "de_DE.ISO-8859-1"}, "linux", False),
    ],
)
def test_the_locale_says_what_can_be_shown(environ: dict[str, str], platform: str, utf8: bool) -> None:
    assert Output(StringIO(), environ, platform).utf8 is utf8


def test_names_are_made_harmless() -> None:
    out, _ = pipe()
    assert out.text(HOSTILE) == r"a\x1b[2Jb\x07\u009bc\u202e\x0a"
    assert out.text(b"\xff\x1b") == r"\xff\x1b"


def test_names_are_ascii_where_nothing_else_can_be_shown() -> None:
    out, _ = pipe(LC_ALL="C")
    assert out.text("Zoë") == r"Zo\xeb"


def test_json_is_ascii_and_keeps_every_name() -> None:
    out, told = pipe()
    out.json({"name": HOSTILE, "raw": "\udcff"})
    line = told.getvalue()
    assert line.isascii()
    assert line[:-1].isprintable()
    assert json.loads(line) == {"name": HOSTILE, "raw": "\udcff"}


def test_the_size_may_be_given() -> None:
    assert terminal(100, 30)[0].size() == (100, 30)
    assert Output(StringIO(), {}).size() == (80, 24)
    assert Output(StringIO(), {"COLUMNS": "x", "LINES": "0"}).size() == (80, 24)


def test_a_table_is_aligned_and_cut_on_a_terminal_only() -> None:
    rows = [["ID", "SOURCE"], ["写", "a" * 20], ["abc", "b"]]
    out, told = pipe()
    out.table(rows)
    assert told.getvalue() == f"ID   SOURCE\n写   {'a' * 20}\nabc  b\n"
    out, told = terminal(12)
    out.table(rows)
    assert told.getvalue() == "ID   SOURCE\n写   aaaaaa…\nabc  b\n"
