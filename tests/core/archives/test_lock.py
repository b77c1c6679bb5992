"""One importing engine for each archive, on whatever machine."""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from core import host
from core.archives import lock
from core.archives.lock import Holder
from core.engine.engine import Engine
from core.engine.metrics import SAMPLE_INTERVAL
from core.errors import ArchiveHeldError
from core.importing.import_files import Todo
from core.importing.transfer import Transfer
from core.models import State, Verdict
from core.workers import archive_messages, messages
from core.workers.pool import Pool, Worker
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats and staleness in moments."""
    monkeypatch.setattr(lock, "RENEWAL_INTERVAL", 0.1)
    monkeypatch.setattr(lock, "STALE", 4.0)


def path(rig: Rig) -> Path:
    """The lock."""
    return rig.archive / ".lading/lock"


def holder(rig: Rig) -> Holder:
    """Who has it."""
    return msgspec.json.decode(path(rig).read_bytes(), type=Holder)


def elsewhere(beat: int = 0) -> Holder:
    """A holder on another machine."""
    return Holder("e" * 32, "another machine", "studio", "anna", 4711, 1.0, "2026-01-01T00:00:00+00:00", beat)


async def until_held(rig: Rig) -> str:
    """An import that is under way."""
    for number in range(60):
        write(rig.source / f"{number}.mov", random_bytes(2 << 20, number))
    return await rig.begun()


async def test_a_second_engine_is_told_who_has_it(rig: Rig) -> None:
    name = await until_held(rig)
    await rig.engine.imports.pause_import(name)
    other = Engine(rig.config("second home"))
    await other.start()
    try:
        with pytest.raises(ArchiveHeldError) as caught:
            await other.imports.start_imports([rig.request()])
        me = holder(rig)
        assert f"{me.user} on {me.host} (process {me.pid}) since {me.since}" in str(caught.value)
        await rig.engine.imports.resume_import(name)
        assert (await rig.ended(name)).verdict is Verdict.SAFE
        # Background work may be at the archive for a moment longer.
        await rig.until(lambda: not path(rig).exists())
        await other.imports.wait(await other.imports.start_imports([rig.request()]))
    finally:
        await other.stop()
    assert not path(rig).exists()


async def test_it_is_renewed(rig: Rig) -> None:
    name = await until_held(rig)
    await rig.engine.imports.pause_import(name)
    before = holder(rig).beat
    await rig.until(lambda: holder(rig).beat >= before + 3)
    await rig.engine.imports.resume_import(name)
    await rig.ended(name)
    assert not path(rig).exists()


async def test_that_of_a_dead_process_is_replaced_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "STALE", 3600.0)
    await rig.imported()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    dead = Holder("d" * 32, host.machine(), host.host(), "me", process.pid, 1.0, "then", 5)
    path(rig).write_text(dead.text())
    assert (await rig.imported()).state is State.DONE


async def test_that_of_a_process_whose_number_was_given_again(rig: Rig) -> None:
    await rig.imported()
    pid, started = host.myself()
    path(rig).write_text(Holder("d" * 32, host.machine(), host.host(), "me", pid, started - 500, "x").text())
    assert (await rig.imported()).state is State.DONE


@pytest.mark.parametrize(
    ("found", "noted", "gone"), [(None, 500.0, False), (500.0, 0.0, False), (900.0, 500.0, True)]
)
def test_that_of_a_process_whose_start_nobody_tells_stays(
    monkeypatch: pytest.MonkeyPatch, found: float | None, noted: float, gone: bool
) -> None:
    me = host.myself()

    def told(process: psutil.Process) -> float:
        if found is None:
            raise psutil.AccessDenied(process.pid)
        return found

    monkeypatch.setattr(host, "myself", lambda: me)
    monkeypatch.setattr(psutil.Process, "create_time", told)
    holder = Holder("d" * 32, host.machine(), host.host(), "me", os.getppid(), noted, "then")
    assert lock.holder_is_gone(holder) is gone


async def test_that_which_this_process_left_behind(rig: Rig) -> None:
    """It could not be removed when it was given back: the archive did not answer."""
    await rig.imported()
    pid, started = host.myself()
    path(rig).write_text(Holder("d" * 32, host.machine(), host.host(), "me", pid, started, "x").text())
    assert (await rig.imported()).state is State.DONE


async def test_that_of_another_machine_is_waited_for(rig: Rig) -> None:
    await rig.imported()
    path(rig).write_text(elsewhere().text())
    began = time.monotonic()
    view = await rig.imported()
    assert view.state is State.DONE
    assert time.monotonic() - began >= 1.0


async def test_that_of_another_machine_which_is_renewed_stays(rig: Rig) -> None:
    await rig.imported()
    path(rig).write_text(elsewhere().text())
    beginning = asyncio.create_task(rig.begun())
    # As it does it all the time: when the lock is looked at first is not known.
    beat, new = 0, rig.root / "new"
    while not beginning.done():
        await asyncio.wait([beginning], timeout=0.2)
        beat += 1
        new.write_text(elsewhere(beat).text())
        new.replace(path(rig))
    with pytest.raises(ArchiveHeldError, match="anna on studio"):
        await beginning
    assert holder(rig) == elsewhere(beat)


@pytest.mark.parametrize("text", ["", "rubbish", "{}"])
async def test_that_which_nobody_can_read_is_stale_after_a_while(rig: Rig, text: str) -> None:
    await rig.imported()
    path(rig).write_text(text)
    assert (await rig.imported()).state is State.DONE


async def test_that_which_is_lost_halts_the_import(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Transfer.bring

    async def bring(self: Transfer, batch: list[Todo]) -> None:
        await self.run.archive.lock.lost.wait()
        await asyncio.sleep(SAMPLE_INTERVAL / 2)
        await before(self, batch)

    monkeypatch.setattr(Transfer, "bring", bring)
    name = await until_held(rig)
    lock, new = rig.engine.imports.under_way[name].run.archive.lock, rig.root / "new"
    while not lock.lost.is_set():
        # A renewal that had read the lock before is put in its place once more.
        new.write_text(elsewhere().text())
        new.replace(path(rig))
        await asyncio.sleep(SAMPLE_INTERVAL)
    view = await rig.ended_unchecked(name)
    monkeypatch.setattr(Transfer, "bring", before)
    assert (view.state, view.reason) == (State.PAUSED, "another engine took the archive over")
    assert holder(rig) == elsewhere()
    path(rig).unlink()
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_an_archive_that_hangs_is_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No renewal for so long that another machine may soon think it stale; afterwards it is taken again."""
    name = await until_held(rig)
    await rig.engine.imports.pause_import(name)
    before = Worker.ask

    async def ask(
        self: Worker, request: messages.Request, wanted: type[archive_messages.LockText]
    ) -> archive_messages.LockText:
        if isinstance(request, archive_messages.Beat):
            await asyncio.Event().wait()
        return await before(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", ask)
    view = await rig.ended_unchecked(name)
    monkeypatch.undo()
    assert view.state is State.PAUSED
    (row,) = await rig.engine.catalog.imports()
    assert row.state == "paused"
    assert path(rig).exists()
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_released_while_it_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    async with pool.worker() as worker:
        facts = await worker.ask(
            archive_messages.OpenArchive(bytes(tmp_path / "archive"), True), archive_messages.ArchiveFacts
        )
    place = messages.Place(facts.root, facts.device, facts.inode, facts.way, "medium")
    monkeypatch.setattr(lock, "RENEWAL_INTERVAL", 0.001)
    try:
        for _ in range(10):
            one = lock.Lock(pool, place)
            await one.take()
            await asyncio.sleep(0.02)
            await one.release()
            assert not (tmp_path / "archive/.lading/lock").exists()
            assert not one.lost.is_set()
    finally:
        await pool.stop()
