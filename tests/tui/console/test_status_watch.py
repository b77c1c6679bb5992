"""`lading status --watch`, whose reader may go, and which may be no terminal."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.snapshot import Snapshot
from tests.tui.app import moments
from tests.tui.console.streams import console
from tui.commands import status


class Pushing:
    """An engine that goes on for so many snapshots."""

    def __init__(self, count: int = 500) -> None:
        self._count = count

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        for number in range(self._count):
            yield moments.moment(time=moments.NOW + number)
            await asyncio.sleep(0.01)


class Closed:
    """A printer whose reader has gone."""

    def show(self, newest: Any, /) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


async def test_it_ends_when_its_reader_has_gone() -> None:
    with pytest.raises(BrokenPipeError):
        await status._watch(Pushing(), Closed())  # type: ignore[arg-type]


def test_what_is_no_terminal_gets_lines_without_control_sequences() -> None:
    (out, told, _) = console()
    shows = status._printer(False, out)
    shows.show(moments.PAUSED)
    first = told.getvalue()
    assert "B002" in first
    assert "\x1b" not in first
    shows.show(moments.changed(moments.PAUSED, time=moments.NOW + 2))
    assert told.getvalue() == first
    shows.show(moments.changed(moments.FAILING, time=moments.NOW + 4))
    assert "FAILED" in told.getvalue()[len(first) :]
