"""The words about an import that copies its files from another archive."""

import pytest

from core.models import State
from tests.tui.views import count, view
from tui.console.progress import state
from tui.widgets.cards import says

FOLLOWS = {"taken_from": "/Volumes/SSD", "seconds_left": None}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "from SSD 410 MB/s"),
        ({"source_free": True}, "card free, from SSD 410 MB/s"),
        ({"todo": count(0)}, "waiting for SSD"),
        ({"listed": False}, "scanning 410 MB/s"),
        ({"state": State.PAUSED, "reason": "/nas is away"}, "PAUSED: /nas is away"),
    ],
)
def test_a_card_says_where_its_files_come_from(changed: dict[str, object], said: str) -> None:
    assert says(view(**FOLLOWS | changed), (), 0.0) == said


def test_the_command_says_when_the_card_is_free() -> None:
    assert state(view(**FOLLOWS))[0] == ""
    assert state(view(**FOLLOWS, source_free=True))[0] == "card free"
