"""Several archives at once: a fault of one archive never stops the others, and all get the same contents."""

import asyncio
import errno
import os
import shutil
from typing import Any

import msgspec
import pytest

from core.archives.copy_count import CopyCount
from core.catalog import Selection
from core.engine import volume_wait
from core.importing import same_source
from core.importing.following import Following
from core.importing.import_files import Todo
from core.importing.import_run import Run
from core.importing.leader import Leader
from core.importing.transfer import Transfer
from core.models import Side, State, Verdict, Waits
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError, Worker
from core.workers.source_messages import Digest
from tests.core.importing.rig import PATIENCE, Rig, expected, random_bytes, write
from tests.core.importing.together import both, counted, ended, held, holding, prepared, second, whole

pytestmark = pytest.mark.process


@pytest.fixture
def rig(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Two archives on two disks, and a card of several batches."""
    return prepared(rig, monkeypatch)


async def state(rig: Rig, name: str, wanted: State) -> None:
    """Wait until an import is in this state and no longer under way."""
    await rig.until(lambda: rig.view(name).state is wanted and name not in rig.engine.imports.under_way)


async def second_away(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Begin an import into each archive. The second archive goes away before anything was listed for its import,
    when the first one holds files already. Returns their ids."""

    async def nothing(self: Following, leader: Leader) -> None:
        """It is late."""

    with monkeypatch.context() as patch:
        patch.setattr(Following, "_list", nothing)
        names = await both(rig)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0)
        os.rename(second(rig), rig.root / "away")
        await state(rig, names[1], State.PAUSED)
    assert not rig.view(names[1]).seen.files
    return names


@pytest.mark.promise(54)
async def test_a_slow_archive_holds_up_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first import ends, and the source can be removed, before the second one has written a byte."""
    contents = expected(rig.source)
    told: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        rig.engine.hooks, "ended", lambda row: told.append((row.name, row.verdict, row.verdict_reason))
    )
    with holding(second(rig)) as gate:
        names = await both(rig, copies=2)
        first = await rig.ended_unchecked(names[0])
        assert (first.verdict, first.archived.files) == (Verdict.KEEP, 63)
        assert first.verdict_reason == f"63 are in 1 of 2 copies; not all was read back in {second(rig)} yet"
        await rig.until(lambda: rig.view(names[1]).source_free)
        view = rig.view(names[1])
        assert (view.state, view.taken_from) == (State.RUNNING, str(rig.archive))
        assert (first.label, view.label) == ("card > archive", "card > second")
        shutil.rmtree(rig.source)
        gate.set()
        other = await rig.ended_unchecked(names[1])
    assert (other.state, other.verdict, other.archived.files) == (State.DONE, Verdict.SAFE, 63)
    whole(rig, contents)
    # The first import was judged again.
    assert rig.view(names[0]).verdict is Verdict.SAFE
    (added,) = rig.archive.glob("locations/*/lading/*.added-*.txt")
    assert "SAFE" in added.read_text()
    assert len(told) == len(set(told)), "a hook is told of a verdict once"


@pytest.mark.promise(54)
async def test_the_second_archive_is_pulled(rig: Rig) -> None:
    await pulled(rig)


async def pulled(rig: Rig) -> None:
    """The second archive is unmounted during the import, and returns after the first import has ended and the card
    is removed."""
    contents = expected(rig.source)
    with holding(rig.archive, 1) as gate, holding(second(rig)) as other_gate:
        names = await both(rig, copies=2)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0)
        os.rename(second(rig), rig.root / "away")
        other_gate.set()
        await state(rig, names[1], State.PAUSED)
        assert rig.view(names[1]).waits is Waits.ARCHIVE
        gate.set()
        first = await rig.ended_unchecked(names[0])
    assert (first.state, first.verdict) == (State.DONE, Verdict.KEEP)
    assert first.verdict_reason == f"63 are in 1 of 2 copies; {second(rig)} is away"
    shutil.rmtree(rig.source)
    os.rename(rig.root / "away", second(rig))
    await state(rig, names[1], State.DONE)
    await rig.until(lambda: all(rig.view(name).verdict is Verdict.SAFE for name in names))
    whole(rig, contents)


@pytest.mark.promise(54)
async def test_the_first_archive_is_pulled(rig: Rig) -> None:
    """The second archive is filled from the source, and the first one from the second once it is back."""
    contents = expected(rig.source)
    with holding(rig.archive, 1) as gate:
        names = await both(rig, copies=2)
        await rig.until(lambda: rig.view(names[1]).archived.files > 0)
        os.rename(rig.archive, rig.root / "away")
        gate.set()
        await state(rig, names[0], State.PAUSED)
        other = await rig.ended_unchecked(names[1])
    assert (other.state, other.verdict, other.archived.files) == (State.DONE, Verdict.KEEP, 63)
    assert other.verdict_reason == f"63 are in 1 of 2 copies; {rig.archive} is away"
    assert held(second(rig)) == contents
    shutil.rmtree(rig.source)
    os.rename(rig.root / "away", rig.archive)
    await state(rig, names[0], State.DONE)
    await rig.until(lambda: all(rig.view(name).verdict is Verdict.SAFE for name in names))
    whole(rig, contents)


@pytest.mark.promise(54)
async def test_the_first_archive_is_away_when_the_second_one_ends(rig: Rig) -> None:
    """The first import was done before: its archive is only looked for again, also by the next engine."""
    with holding(second(rig)) as gate:
        names = await both(rig, copies=2)
        await rig.ended_unchecked(names[0])
        os.rename(rig.archive, rig.root / "away")
        gate.set()
        other = await rig.ended_unchecked(names[1])
    assert (other.state, other.verdict) == (State.DONE, Verdict.KEEP)
    assert other.verdict_reason == f"63 are in 1 of 2 copies; {rig.archive} is away"
    await rig.restarted()
    os.rename(rig.root / "away", rig.archive)
    for name in names:
        async with asyncio.timeout(PATIENCE):
            while (  # noqa: ASYNC110 - the catalog tells nobody
                await rig.engine.catalog.import_named(name)
            ).verdict != "SAFE":  # type: ignore[union-attr]
                await asyncio.sleep(0.05)
    whole(rig, expected(rig.source))


@pytest.mark.promise(54)
async def test_the_first_archive_is_full(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ = Transfer.write
    full = True

    async def write(self: Transfer, *given: Any) -> Any:
        if full and self.run.archive.path == str(rig.archive):
            raise TaskFailedError(Fault(Side.ARCHIVE, "No space left on device", errno.ENOSPC))
        return await write_(self, *given)

    monkeypatch.setattr(Transfer, "write", write)
    names = await both(rig)
    first, other = await ended(rig, *names)
    assert (first.state, first.waits) == (State.PAUSED, Waits.NOTHING)
    assert "the archive is full" in first.reason
    assert (other.state, other.verdict, other.archived.files) == (State.DONE, Verdict.SAFE, 63)
    full = False
    with counted() as read:
        first = await rig.resumed(names[0])
    assert (first.state, first.verdict) == (State.DONE, Verdict.SAFE)
    # It was filled from the other archive.
    assert list(read) == [os.fsencode(second(rig))]
    whole(rig, expected(rig.source))


@pytest.mark.promise(53)
async def test_damage_in_the_first_archive_goes_no_further(rig: Rig) -> None:
    """A file that differs from the digests that were read of the source is read from the source."""
    with holding(second(rig)) as gate:
        names = await both(rig)
        await rig.ended_unchecked(names[0])
        victim = next(rig.archive.glob("locations/*/data/videos/*/*.mov"))
        victim.write_bytes(random_bytes(9 << 20, 5))
        gate.set()
        other = await rig.ended_unchecked(names[1])
    assert (other.state, other.verdict, other.archived.files) == (State.DONE, Verdict.SAFE, 63)
    assert held(second(rig)) == expected(rig.source)
    # It is recorded where it was found, as by an audit, and said.
    damaged = await rig.engine.database.read("SELECT path, damage FROM item WHERE damage IS NOT NULL")
    assert damaged == [(str(victim.relative_to(rig.archive)), "its content is not what was archived")]
    told = f"Files in {rig.archive} that were to be copied from there are damaged"
    assert any(warning.startswith(told) for warning in other.warnings)


@pytest.mark.control(54)
async def test_control_a_copy_that_is_not_there_would_count(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def enough(*_: Any) -> dict[int, int]:
        return {}

    monkeypatch.setattr(CopyCount, "lacking", enough)
    with pytest.raises(AssertionError):
        await pulled(rig)


async def waits_for_one_film(rig: Rig) -> str:
    """Import into both archives; of one film the second archive has nothing yet, the first one not any more, and
    the card is away. Returns the id of the second import, which waits for it."""
    with holding(second(rig)) as gate:
        names = await both(rig)
        await rig.ended_unchecked(names[0])
        next(rig.archive.glob("locations/*/data/videos/*/*.mov")).unlink()
        os.rename(rig.source, rig.root / "away")
        gate.set()
        await state(rig, names[1], State.PAUSED)
    return names[1]


async def test_what_no_other_archive_has_waits_for_the_source(rig: Rig) -> None:
    name = await waits_for_one_film(rig)
    view = rig.view(name)
    assert (view.waits, view.archived.files, view.todo.files) == (Waits.SOURCE, 62, 1)
    os.rename(rig.root / "away", rig.source)
    await state(rig, name, State.DONE)
    assert rig.view(name).verdict is Verdict.SAFE
    assert held(second(rig)) == expected(rig.source)


@pytest.mark.promise(26)
@pytest.mark.parametrize("late", [False, True])
async def test_no_import_of_a_group_goes_on_with_another_source(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """The second import has listed nothing when the source is replaced by another one, whose files would be handed
    on to the first. late: the source is compared late, so that the second import has entered what the first one
    listed of the right source, and could read that from the other one."""
    check = same_source.check

    with holding(rig.archive, 1) as gate:
        names = await second_away(rig, monkeypatch)
        os.rename(rig.source, rig.root / "first card")
        gate.set()
        await state(rig, names[0], State.PAUSED)
    before = await rig.rows(names[0])
    contents = expected(rig.root / "first card")
    for path in before:
        write(rig.source / os.fsdecode(path), b"of another card: " + path)

    async def checked_late(run: Run, *, paused: bool = False) -> None:
        if run.row.name == names[0]:
            await rig.until(lambda: rig.view(names[1]).seen.files == len(before))
        await asyncio.sleep(0.5)
        await check(run, paused=paused)

    if late:
        monkeypatch.setattr(same_source, "check", checked_late)
        # The first one reads the source again, the second one follows it.
        for name in names:
            rig.engine.imports.waiting.forget(name)
    os.rename(rig.root / "away", second(rig))
    if late:
        await rig.engine.imports.resume_import(names[0])
    await rig.until(lambda: all("began with" in rig.view(name).reason for name in names))
    await ended(rig, *names)
    assert await rig.rows(names[0]) == before
    assert not any(row.size < 100 for row in (await rig.rows(names[1])).values())
    monkeypatch.setattr(same_source, "check", check)
    shutil.rmtree(rig.source)
    os.rename(rig.root / "first card", rig.source)
    await rig.engine.imports.resume_import(names[0])
    views = await ended(rig, *names)
    assert [view.verdict for view in views] == [Verdict.SAFE, Verdict.SAFE]
    whole(rig, contents)


async def test_what_is_damaged_in_the_other_archive_does_not_end_the_wait_for_the_source(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other archive answers, but cannot hand on what is still to do: that is no attempt in vain."""
    monkeypatch.setattr(volume_wait, "POLL_INTERVAL", 0.05)
    name = await waits_for_one_film(rig)
    await asyncio.sleep(4)
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert (row.state, row.waits, row.runs) == (State.PAUSED, Waits.SOURCE, 1)
    os.rename(rig.root / "away", rig.source)
    await state(rig, name, State.DONE)
    assert rig.view(name).verdict is Verdict.SAFE


@pytest.mark.promise(26)
async def test_what_another_import_has_archived_is_the_source_of_one_that_has_seen_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first import is done, and its archive away, when the second one begins to read the source: which is
    another card by now."""

    with holding(rig.archive, 1) as gate:
        names = await second_away(rig, monkeypatch)
        rig.engine.imports.waiting.forget(names[1])
        gate.set()
        first = await rig.ended_unchecked(names[0])
    assert first.verdict is Verdict.SAFE
    contents = expected(rig.source)
    os.rename(rig.archive, rig.root / "first away")
    os.rename(rig.source, rig.root / "first card")
    write(rig.source / "0001.jpg", b"of another card")
    os.rename(rig.root / "away", second(rig))
    await rig.engine.imports.resume_import(names[1])
    (view,) = await ended(rig, names[1])
    assert (view.state, view.seen.files) == (State.PAUSED, 0)
    assert "began with" in view.reason
    os.rename(rig.root / "first away", rig.archive)
    await rig.engine.imports.resume_import(names[1])
    (view,) = await ended(rig, names[1])
    assert view.verdict is Verdict.SAFE
    whole(rig, contents)


async def test_what_the_first_archive_gets_after_a_retry_the_second_one_gets_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file cannot be read at first; a person retries it while both imports run."""
    read, unread, last = Transfer.read, [b"0003.jpg"], asyncio.Event()

    async def failing(self: Transfer, batch: list[Todo], worker: Worker) -> list[Digest]:
        if batch[0].path == b"2.mov" and self.run.row.first:
            await last.wait()
        paths = {todo.id: todo.path for todo in batch}
        fault = Fault(Side.SOURCE, "Permission denied", errno.EACCES)
        return [
            msgspec.structs.replace(digest, fault=fault) if paths[digest.number] in unread else digest
            for digest in await read(self, batch, worker)
        ]

    monkeypatch.setattr(Transfer, "read", failing)
    names = await both(rig)
    await rig.until(lambda: rig.view(names[0]).failed.files == 1 and rig.view(names[1]).archived.files >= 61)
    await asyncio.sleep(0.3)
    unread.clear()
    assert await rig.engine.imports.retry_import(names[0], Selection()) == 1
    await rig.until(lambda: not rig.view(names[0]).failed.files)
    last.set()
    views = await ended(rig, *names)
    assert [(view.verdict, view.failed.files) for view in views] == [(Verdict.SAFE, 0), (Verdict.SAFE, 0)]
    whole(rig, expected(rig.source))


async def test_what_is_new_when_another_import_begins_to_read_is_entered_by_all(rig: Rig) -> None:
    """Three archives: the first one is pulled, and of the other imports, which had the first one's whole listing,
    one reads the source and the other follows it."""
    third = rig.root / "third"
    os.symlink("0001.jpg", rig.source / "link.jpg")
    with holding(rig.archive, 1) as gate, holding(second(rig), 1) as other_gate, holding(third, 1) as third_gate:
        request = rig.request(also=(str(second(rig)), str(third)), accept=("links",))
        names = await rig.engine.imports.start_imports([request])
        await rig.until(lambda: all(rig.view(name).archived.files > 0 and rig.view(name).listed for name in names))
        write(rig.source / "new/clip.mp4", random_bytes(5000, 2001))
        write(rig.source / "new/clip.srt", random_bytes(500, 2002))
        os.rename(rig.archive, rig.root / "away")
        gate.set()
        await state(rig, names[0], State.PAUSED)
        other_gate.set()
        third_gate.set()
        await ended(rig, *names[1:])
    assert [rig.view(name).verdict for name in names[1:]] == [Verdict.SAFE, Verdict.SAFE]
    assert held(second(rig)) == held(third) == expected(rig.source)
    read = rig.engine.database.read
    folders = await read(
        "SELECT f.path FROM folder f JOIN import i ON i.id = f.import_id WHERE i.name IN (?, ?)", names[1:]
    )
    assert folders == [(b"new",), (b"new",)]
    links = await read(
        "SELECT 1 FROM link l JOIN file f ON f.id = l.file_id JOIN import i ON i.id = f.import_id "
        "WHERE i.name IN (?, ?)",
        names[1:],
    )
    assert len(links) == 2


@pytest.mark.promise(26)
@pytest.mark.parametrize("done", [False, True])
async def test_another_card_with_equal_names_sizes_and_times_is_told_by_what_the_first_archive_got(
    rig: Rig, done: bool
) -> None:
    """The second import has archived nothing yet with which it could compare the card, and the first archive is
    away."""
    with holding(rig.archive, 1) as gate, holding(second(rig)) as other_gate:
        names = await both(rig)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0 and rig.view(names[1]).seen.files == 63)
        for name in names[1:] if done else names:
            rig.engine.imports.under_way[name].halt("by a test")
        gate.set()
        other_gate.set()
        await ended(rig, *names)
    contents = expected(rig.source)
    os.rename(rig.source, rig.root / "first card")
    for number, path in enumerate((rig.root / "first card").iterdir(), 5000):
        twin = write(rig.source / path.name, random_bytes(path.stat().st_size, number))
        shutil.copystat(path, twin)
    os.rename(rig.archive, rig.root / "away")
    await rig.engine.imports.resume_import(names[1])
    (view,) = await ended(rig, names[1])
    assert (view.state, view.archived.files) == (State.PAUSED, 0)
    assert "with other content, although size and time are the same" in view.reason
    os.rename(rig.root / "away", rig.archive)
    shutil.rmtree(rig.source)
    os.rename(rig.root / "first card", rig.source)
    await rig.engine.imports.resume_import(names[1])
    views = await ended(rig, *names)
    assert [view.verdict for view in views] == [Verdict.SAFE, Verdict.SAFE]
    whole(rig, contents)
