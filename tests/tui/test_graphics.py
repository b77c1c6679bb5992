"""Pictures in pixels: parsing terminals' answers, and the sequences sent to terminals that show pictures."""

import base64
import io
import os
import pty
import re
import termios
import threading

import pytest
from PIL import Image

from tui import graphics
from tui.graphics import AnswerFilter, Graphics, ask, askable, parse_answer
from tui.pixels import escape_sequences

DA1, DA1_SIXEL = b"\x1b[?62;22c", b"\x1b[?62;4;22c"
KITTY, CELL, SIZE = b"\x1b_Gi=31;OK\x1b\\", b"\x1b[6;18;9t", b"\x1b[?2;0;1000;800S"


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((600, 400), 40).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (KITTY + CELL + DA1, Graphics("kitty", (9, 18))),
        (KITTY + DA1_SIXEL, Graphics("kitty", (10, 20))),
        (CELL + SIZE + DA1_SIXEL, Graphics("sixel", (9, 18))),
        (DA1_SIXEL, Graphics()),
        (b"\x1b[?2;3;0S" + DA1_SIXEL, Graphics()),
        (SIZE + b"\x1b[?64;14;24c", Graphics()),
        (b"\x1b_Gi=31;EINVAL:no\x1b\\" + DA1, Graphics()),
        (b"\x1b_GOK\x1b\\" + DA1, Graphics()),
        (b"\x1b[?1;0;1024S\x1b[?1;3;0S" + DA1_SIXEL, Graphics("sixel")),
        (b"\x1b[?1;0;16S" + SIZE + DA1_SIXEL, Graphics("sixel", colours=16)),
        (b"x" + CELL.replace(b"18", b"0") + KITTY + b"y" + DA1, Graphics("kitty")),
        (KITTY, Graphics()),
        (b"", Graphics()),
    ],
)
def test_what_an_answer_says(answer: bytes, found: Graphics) -> None:
    assert parse_answer(answer) == found


class Terminal:
    """A terminal that gives this answer, in pieces, when it is asked."""

    def __init__(self, answer: bytes) -> None:
        self.master, self.slave = pty.openpty()
        self._answer = answer
        self.heard = b""
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Terminal":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        os.close(self.master)
        os.close(self.slave)

    def _run(self) -> None:
        while not self.heard.endswith(b"\x1b[c"):
            self.heard += os.read(self.master, 100)
        for at in range(0, len(self._answer), 7):
            os.write(self.master, self._answer[at : at + 7])


def test_a_terminal_is_asked_and_left_as_it_was() -> None:
    with Terminal(CELL + SIZE + DA1_SIXEL) as terminal:
        before = termios.tcgetattr(terminal.slave)
        assert ask(terminal.slave, terminal.slave, {}, 60) == Graphics("sixel", (9, 18))
        assert termios.tcgetattr(terminal.slave) == before
    assert terminal.heard == graphics.QUESTION


def test_one_that_answers_nothing_has_half_blocks_after_the_time_out() -> None:
    with Terminal(b"") as terminal:
        assert ask(terminal.slave, terminal.slave, {"TERM": "xterm-kitty"}, 0.1) == Graphics()


def test_over_ssh_and_without_a_terminal_nothing_is_asked() -> None:
    master, slave = pty.openpty()
    assert ask(slave, slave, {"SSH_CONNECTION": "1"}) == Graphics()
    read, write = os.pipe()
    assert ask(read, write, {}) == ask(-1, -1, {}) == Graphics()
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)
    for one in (master, slave, read, write):
        os.close(one)


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-kitty", "SSH_CONNECTION": "1"}, False),
        ({"TERM": "tmux-256color"}, False),
        ({"TERM": "screen.xterm-256color"}, False),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, False),
        ({"TERM": "xterm-256color", "STY": "1.pts"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "linux"}, False),
    ],
)
def test_who_is_asked(environ: dict[str, str], asked: bool) -> None:
    assert askable(environ) is asked


@pytest.mark.parametrize("length", range(1, 60))
def test_answers_are_told_from_keys_wherever_they_are_cut(length: int) -> None:
    answers = AnswerFilter()
    answers.asked = True
    sent = "a\x1b[A" + (KITTY + CELL + b"\x1b[?1;0;1024S" + SIZE).decode() + "b\x1bOP" + DA1.decode() + "c\x1b"
    typed, found = "", []
    for at in range(0, len(sent), length):
        keys, graphics_found = answers.take(sent[at : at + length])
        typed += keys
        found += [graphics_found] if graphics_found else []
    assert typed == "a\x1b[Ab\x1bOPc\x1b", "once all is answered an Escape key is not held back"
    assert found == [Graphics("kitty", (9, 18))]


def test_an_escape_key_is_only_held_back_while_an_answer_is_awaited() -> None:
    answers = AnswerFilter()
    assert answers.take("\x1b") == ("\x1b", None)
    answers.asked = True
    assert answers.take("x\x1b") == ("x", None)
    assert answers.release() == "\x1b"
    assert answers.release() == ""
    answers.asked = False
    assert answers.take("x\x1b") == ("x\x1b", None)
    assert answers.take(f"y{DA1_SIXEL.decode()}z") == ("yz", Graphics()), "also one that comes late"


def test_kitty_gets_a_png_in_pieces() -> None:
    text = escape_sequences(jpeg(), Graphics("kitty", (9, 18)), 40, 12)
    parts = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", text)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in parts) + "\n" == text
    assert max(len(data) for _, data in parts) <= 4096
    assert [keys[-3:] for keys, _ in parts] == ["m=1"] * (len(parts) - 1) + ["m=0"]
    with Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in parts)))) as image:
        assert image.size == (324, 216), "whole rows, no wider and no higher than there is room"


def test_sixels_have_the_size_of_whole_rows() -> None:
    text = escape_sequences(jpeg(), Graphics("sixel", (9, 18)), 40, 12)
    assert re.match('\x1bP[0-9;]*q"1;1;324;216#', text)
    assert text.endswith("\x1b\\\n")
    assert "\x1b" not in text[1:-3]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8 broken", b"\x1b[2J"])
def test_what_is_no_picture_is_nothing(data: bytes) -> None:
    assert (
        escape_sequences(data, Graphics("kitty"), 40, 12)
        == escape_sequences(data, Graphics("sixel"), 40, 12)
        == ""
    )
