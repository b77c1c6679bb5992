"""The app in a real pseudo-terminal: leaving, suspending, colours, and how much it writes."""

import os
import re
import signal
import time

import pytest

from tests.tui.app.terminal import PATIENCE, Terminal, terminal

pytestmark = pytest.mark.terminal

READY = b"CARDS"

RATE = 7_000
"""Bytes a second that the running dashboard may write at 120 by 40."""


def begun(shown: Terminal) -> Terminal:
    shown.until(READY)
    shown.read(0.5)
    return shown


def test_q_leaves_the_terminal_as_it_was() -> None:
    with terminal() as shown:
        begun(shown).type(b"q")
        assert shown.ended() == 0
        assert b"\x1b[?1049l" in shown.written
        assert b"The import goes on. See it again with: lading" in shown.written.rpartition(b"\x1b[?1049l")[2]


def test_sigterm_ends_it_cleanly() -> None:
    with terminal() as shown:
        begun(shown)
        os.kill(shown.pid, signal.SIGTERM)
        assert shown.ended() == 0
        for reset in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
            assert reset in shown.written


def test_sigterm_ends_it_when_the_terminal_takes_nothing() -> None:
    with terminal(200, 60) as shown:
        begun(shown)
        time.sleep(6)
        os.kill(shown.pid, signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not os.waitpid(shown.pid, os.WNOHANG)[0]:
            time.sleep(0.05)
        assert time.monotonic() < end
        shown.pid = 0


def test_a_terminal_that_is_closed_ends_it() -> None:
    with terminal() as shown:
        begun(shown).close()
        shown.ended()


def test_a_terminal_that_is_lost_without_a_signal_ends_it() -> None:
    with terminal(ignore=[signal.SIGHUP]) as shown:
        begun(shown).close()
        shown.ended()


def test_ctrl_z_suspends_and_continuing_draws_again() -> None:
    with terminal() as shown:
        begun(shown).type(b"\x1a")
        shown.until(b"\x1b[?1049l")
        pid, status = os.waitpid(shown.pid, os.WUNTRACED)
        assert pid == shown.pid
        assert os.WIFSTOPPED(status)
        os.kill(shown.pid, signal.SIGCONT)
        shown.until(b"\x1b[?1049h")
        shown.until(b"IN FLIGHT")
        shown.type(b"q")
        assert shown.ended() == 0


def _colours(written: bytes) -> set[bytes]:
    """The parameters of all SGR sequences that set a colour."""
    sequences = re.findall(rb"\x1b\[([0-9;]*)m", written)
    return {one for one in sequences if re.search(rb"(^|;)(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;|$)", one)}


def test_256_colours_unless_the_terminal_says_that_it_has_more() -> None:
    with terminal() as shown:
        begun(shown)
        assert b"38;5;" in shown.written
        assert b"38;2;" not in shown.written
    with terminal(COLORTERM="truecolor") as shown:
        begun(shown)
        assert b"38;2;" in shown.written


def test_warning_and_error_stay_apart_in_256_colours() -> None:
    from rich.color import Color, ColorSystem
    from textual.theme import BUILTIN_THEMES

    theme = BUILTIN_THEMES["gruvbox"]
    shades = [theme.warning, theme.error, theme.success, theme.primary, theme.accent, theme.foreground]
    numbers = [Color.parse(shade).downgrade(ColorSystem.EIGHT_BIT).number for shade in shades if shade]
    assert len(set(numbers)) == len(shades)


def test_no_colour_where_none_is_wanted() -> None:
    with terminal(NO_COLOR="1") as shown:
        begun(shown)
        shown.until(b"FAILED")
        assert _colours(shown.written) == set()
    with terminal(NO_COLOR="") as shown:
        begun(shown)
        assert _colours(shown.written)


def test_ascii_where_the_locale_is_not_utf8() -> None:
    with terminal(LANG="C", LC_ALL="C", PYTHONUTF8="1") as shown:
        begun(shown).type(b"\x10")
        shown.until(b"Type what to do")
        shown.read(0.5)
        assert shown.written.isascii()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_running_dashboard_is_calm(size: tuple[int, int]) -> None:
    with terminal(*size) as shown:
        begun(shown)
        # The first painting, before there is anything to show, does not count.
        shown.until(b"RUNNING")
        shown.read(0.5)
        seconds = 8.0
        written = len(shown.read(seconds))
        assert written / seconds <= RATE
        assert written > 0


def test_progress_goes_to_the_terminals_tab_and_is_taken_back() -> None:
    with terminal(TERM_PROGRAM="ghostty") as shown:
        shown.until(b"\x1b]9;4;")
        begun(shown).type(b"q")
        assert shown.ended() == 0
        assert b"\x1b]9;4;0\x1b\\" in shown.written
    with terminal(TERM_PROGRAM="other") as shown:
        begun(shown)
        assert b"\x1b]9;4" not in shown.written
