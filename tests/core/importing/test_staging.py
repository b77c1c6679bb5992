"""Nobody removes what others have staged in the same archive."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.models import State, Verdict
from core.workers import archive_messages, text_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, at_work, photos, videos, write

pytestmark = pytest.mark.process


def photos_of(rig: Rig) -> None:
    """Files that are staged together."""
    photos(rig.source)


@pytest.mark.parametrize("files", [photos_of, videos], ids=["many", "large"])
async def test_an_import_begins_while_another_one_removes_its_own(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, files: Callable[[Rig], object]
) -> None:
    """The worker that removes it comes to that only when the second import has staged files already."""
    ask, asked, go, done = Worker.ask, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def late(self: Worker, request: object, wanted: type) -> object:
        late = isinstance(request, archive_messages.CleanStaging) and rig.engine.imports.under_way
        if not late or asked.is_set():
            return await ask(self, request, wanted)  # type: ignore[arg-type]
        asked.set()
        await go.wait()
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        done.set()
        return answer

    monkeypatch.setattr(Worker, "ask", late)
    first = await rig.begun(write(rig.root / "first/a.jpg", b"first").parent)
    await asked.wait()
    files(rig)
    name = await rig.begun()
    await rig.until(lambda: any((rig.archive / ".lading/staging" / name).glob("*/*/*")))
    go.set()
    await done.wait()
    view = await rig.ended(name)
    assert (view.state, view.verdict, view.failed.files) == (State.DONE, Verdict.SAFE, 0)
    assert (await rig.ended(first)).verdict is Verdict.SAFE
    assert rig.staged() == []


async def test_a_report_that_the_engines_end_cuts_short_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, begun = Worker.ask, asyncio.Event()

    async def cut(self: Worker, request: object, wanted: type) -> object:
        if isinstance(request, text_messages.Put) and request.target.endswith(".html"):
            write(rig.archive / request.staged, b"half")
            begun.set()
            await asyncio.Event().wait()
        return await ask(self, request, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "ask", cut)
    async with at_work(tmp_path) as rig:
        await rig.begun(write(rig.root / "first/a.txt", b"first").parent)
        await begun.wait()
    assert rig.staged() == []
