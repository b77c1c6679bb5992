"""What a stream can show, and what reaches it."""

import json
import os
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


def test_figures_stand_to_the_right() -> None:
    out, told = pipe()
    out.table(
        [
            ["FILES", "SIZE", "RATE", "BAG", "NAME"],
            ["1,204", "12.5 GB", "-", "-", "a"],
            ["-", "8 B", "1.5/s", "-", "12"],
        ]
    )
    assert told.getvalue().splitlines() == [
        "FILES     SIZE   RATE  BAG  NAME",
        "1,204  12.5 GB      -  -    a",
        "    -      8 B  1.5/s  -    12",
    ]


def test_one_long_cell_widens_no_other_row_where_nothing_cuts_them() -> None:
    out, told = pipe()
    out.table([["PATH", "LAST"], ["p" * 300, "whole"], ["q" * 20, "x"]])
    head, long, short = told.getvalue().splitlines()
    assert long == "p" * 300 + "  whole"
    assert short == "q" * 20 + "  x"
    assert head == "PATH".ljust(20) + "  LAST"


def test_a_pipe_is_as_wide_as_the_terminal_beside_it() -> None:
    """A pager shows it there. What goes into a file, or from a script, is as wide as it needs to be."""
    beside, _ = terminal(100)
    read, write = os.pipe()
    with os.fdopen(read), os.fdopen(write, "w") as stream:
        paged, scripted = Output(stream, {}), Output(stream, {})
        paged.read_beside(beside)
        scripted.read_beside(pipe()[0])
        assert (paged.room(), scripted.room(), Output(stream, {"COLUMNS": "90"}).room()) == (100, 0, 90)
    with open(os.devnull, "w") as stream:
        written = Output(stream, {})
        written.read_beside(beside)
        assert written.room() == 0
    assert beside.room() == 100
