"""What is pasted is text, whatever is in it."""

import pytest
from textual.events import Key, Paste

from tui.graphics import AnswerFilter
from tui.textual_private import _Parser

TEXT = "IMG\x1b[31mred\x1b\x1b[5B and more words than any sequence of a key has \x1b[20xy\r"

SENT = f"a\x1b[200~{TEXT}\x1b[201~b"


def pieces(size: int) -> list[str]:
    return [SENT[at : at + size] for at in range(0, len(SENT), size)]


@pytest.mark.parametrize("size", [len(SENT), len(SENT) - 3, len(SENT) // 2, 20, 9])
def test_no_part_of_a_paste_is_a_key(size: int) -> None:
    parser = _Parser(AnswerFilter())
    events = [event for piece in pieces(size) for event in parser.feed(piece)]
    keys = [event.key for event in events if isinstance(event, Key)]
    pasted = [event.text for event in events if isinstance(event, Paste)]
    assert keys == ["a", "b"]
    assert pasted == [TEXT.replace("\x1b", "")]
