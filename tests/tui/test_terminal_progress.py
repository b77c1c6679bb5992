"""Progress in the terminal's tab: the sequences, and which terminals get none."""

import pytest

from core.models import State
from tests.tui.app import moments
from tui.terminal_progress import NO_PROGRESS, sequence, supported


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM_PROGRAM": "ghostty"}, True),
        ({"WT_SESSION": "1"}, True),
        ({"ConEmuANSI": "ON"}, True),
        ({"TERM_PROGRAM": "iTerm.app", "TERM_FEATURES": "T3CwLrMSc7UUw9Ts3BFGsSyHNoSxFP"}, True),
        ({"TERM_PROGRAM": "iTerm.app", "TERM_FEATURES": "T3CwLrMSc7"}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, False),
        ({"TERM_PROGRAM": "tmux", "TERM": "tmux-256color", "WT_SESSION": "1"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({}, False),
    ],
)
def test_only_terminals_that_show_it_are_sent_it(environ: dict[str, str], expected: bool) -> None:
    assert supported(environ) is expected


def test_what_is_sent() -> None:
    assert sequence(moments.EMPTY) == NO_PROGRESS
    assert sequence(moments.RUNNING) == "\x1b]9;4;1;69\x1b\\"
    assert sequence(moments.moment(imports=(moments.changed(moments.B002, state=State.PAUSED),))).startswith(
        "\x1b]9;4;4;"
    )
    failed = moments.moment(imports=(moments.C003,))
    assert sequence(failed).startswith("\x1b]9;4;2;")
