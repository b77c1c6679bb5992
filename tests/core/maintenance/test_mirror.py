"""A mirror brings a copy of an archive all that another copy has, and says what it cannot bring."""

import asyncio
import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveAwayError, ArchiveCopyError, ArchiveHeldError, UsageError
from core.maintenance import mirror_bag, mirror_payload
from core.models import Side, State
from core.results import AuditScope
from core.workers import archive_messages, batch_messages, source_messages, text_messages
from core.workers.messages import Fault
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, at_work, random_bytes, write
from tests.core.maintenance.mirroring import (
    asked_of_workers,
    filled,
    mirrored,
    mirrored_both,
    payload,
    silent,
    tree,
)

pytestmark = pytest.mark.process

LARGE = 9 << 20


async def test_an_empty_folder_becomes_a_copy(rig: Rig) -> None:
    write(rig.source / "clip.mov", random_bytes(LARGE, 1))
    await filled(rig)
    copy = rig.root / "backup/archive"
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.held, result.lacking_count) == (5, result.total, 0)
    assert tree(copy) == tree(rig.archive)
    assert not (copy / ".lading/lock").exists()
    # It is known as a copy, each file of which was read back there.
    audit = await rig.engine.maintenance.audit(str(copy), silent, AuditScope(older_than=1e9))
    assert (audit.copy_of, audit.unread, audit.checked.files) == (str(rig.archive), 0, 0)
    with pytest.raises(ArchiveCopyError):
        await rig.begun(archive=str(copy))


async def test_one_digest_is_computed_of_what_is_known(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is compared by size and XXH3-128, as what is read back is; its SHA-256 is the catalog's."""
    write(rig.source / "clip.mov", random_bytes(LARGE, 1))
    await filled(rig)
    ask, wanted = Worker.ask, list[source_messages.ToRead]()
    found: list[source_messages.Digest] = []

    async def noted(self: Worker, request: object, reply: type) -> object:
        answer: object = await ask(self, request, reply)  # type: ignore[arg-type]
        if isinstance(request, source_messages.ReadBatch):
            wanted.extend(request.files)
        if isinstance(request, batch_messages.CopyLarge):
            wanted.append(request.file)
        if isinstance(answer, source_messages.Digests):
            found.extend(answer.files)
        return answer

    monkeypatch.setattr(Worker, "ask", noted)
    copy = rig.root / "backup"
    assert (await mirrored(rig.engine, rig.archive, copy)).brought.files == 5
    assert len(wanted) == len(found) == 5
    assert all(one.taken is not None and not one.also for one in wanted)
    assert {one.sha256.hex() for one in found} == set(payload(copy).values())


async def test_only_what_is_new(rig: Rig) -> None:
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    with asked_of_workers() as asked:
        result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.others, result.held) == (0, 0, result.total)
    reading = {
        source_messages.ReadBatch,
        batch_messages.CopyLarge,
        archive_messages.Audit,
        batch_messages.StageBatch,
        text_messages.Put,
    }
    assert reading.isdisjoint(asked), "it lists, and reads no file"
    await filled(rig, 4, 3)
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.held.files) == (3, 7)
    assert tree(copy) == tree(rig.archive)


@pytest.mark.promise(45)
async def test_what_is_gone_or_cut_off_there_is_not_called_complete(rig: Rig) -> None:
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    gone, cut_off, *_ = sorted(payload(copy))
    for archive in (rig.archive, copy):
        os.unlink(archive / gone)
    os.truncate(copy / cut_off, 10)
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.held.files, result.total.files, result.lacking_count) == (2, 4, 2)
    assert dict(result.lacking) == {gone: "No such file or directory", cut_off: "it has 10 bytes, not 3,000"}
    assert (copy / cut_off).stat().st_size == 10, "nothing is replaced"


@pytest.mark.promise(37)
async def test_what_may_not_be_read_is_not_called_damaged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig)
    ask = Worker.ask

    async def refused(self: Worker, request: object, wanted: type) -> object:
        found: Any = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(found, source_messages.Digests) and found.files:
            fault = Fault(Side.SOURCE, "Permission denied", errno.EACCES)
            found = msgspec.structs.replace(found, files=[msgspec.structs.replace(found.files[0], fault=fault)])
        elif isinstance(request, archive_messages.Audit) and request.place.root == os.fsencode(rig.archive):
            found = archive_messages.Audited([("", Fault(Side.ARCHIVE, "Permission denied", errno.EACCES))])
        return found

    async def damaged() -> int:
        rows = await rig.engine.database.read("SELECT count(*) FROM item WHERE damage IS NOT NULL")
        return int(rows[0][0])

    with monkeypatch.context() as patched:
        patched.setattr(mirror_payload, "FILES_PER_BATCH", 1)
        patched.setattr(Worker, "ask", refused)
        result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert (result.brought.files, result.lacking_count, await damaged()) == (0, 4, 0)
    path = sorted(payload(rig.archive))[0]
    (rig.archive / path).write_bytes(random_bytes(3000, 99))
    result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert (result.brought.files, result.lacking_count, await damaged()) == (3, 1, 1)


async def test_a_copy_made_otherwise_is_read_once(rig: Rig) -> None:
    await filled(rig)
    copy = Path(shutil.copytree(rig.archive, rig.root / "backup"))
    (damaged, *_) = sorted(payload(copy))
    (copy / damaged).write_bytes(random_bytes(3000, 99))
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.held.files, result.lacking_count) == (0, 3, 1)
    assert result.lacking == ((damaged, "its content is not what was archived"),)
    assert (copy / damaged).read_bytes() == random_bytes(3000, 99), "nothing is replaced"


async def test_what_is_archived_anew_is_not_in_the_copy_yet(rig: Rig) -> None:
    """It has another name than what is damaged, and the copy has that one."""
    await filled(rig, count=2)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (damaged, _) = sorted(payload(rig.archive))
    (rig.archive / damaged).write_bytes(random_bytes(3000, 99))
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    await rig.imported()
    claimed = "SELECT i.path FROM copy_item c JOIN item i ON i.id = c.item_id WHERE c.read_back IS NOT NULL"
    paths = [path for (path,) in await rig.engine.database.read(claimed)]
    assert len(paths) == 1
    assert (copy / paths[0]).exists(), "no copy is claimed that is not there"
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.held.files, result.lacking_count) == (1, 2, 0)
    assert len(payload(copy)) == 3


async def test_deletions_are_not_mirrored(rig: Rig) -> None:
    """The bag of the copy names what only the copy has still."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    before = payload(copy)
    (gone, *_) = sorted(before)
    (rig.archive / gone).unlink()
    await filled(rig, 4, 1)
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.brought.files, result.lacking_count) == (1, 0)
    assert payload(copy).items() > before.items()


async def test_a_copy_mirrors_back(rig: Rig) -> None:
    """What the archive in use has lost comes from the copy."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    before = payload(rig.archive)
    for path in list(before)[:2]:
        (rig.archive / path).unlink()
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 2
    result = await mirrored(rig.engine, copy, rig.archive)
    assert (result.brought.files, result.held.files, result.lacking_count) == (2, 4, 0)
    assert payload(rig.archive) == before
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 0


async def test_mirrors_that_make_no_sense_are_refused(rig: Rig, tmp_path: Path) -> None:
    await filled(rig)
    for target in (rig.archive, rig.archive / "locations/inside", rig.root):
        with pytest.raises(UsageError, match="lie in each other"):
            await rig.engine.mirrors.start(str(rig.archive), str(target), both=False)
    assert not (rig.archive / "locations/inside").exists()
    await rig.imported(archive=str(rig.root / "another"))
    with pytest.raises(UsageError, match="another archive"):
        await rig.engine.mirrors.start(str(rig.archive), str(rig.root / "another"), both=False)
    with pytest.raises(ArchiveAwayError):
        await rig.engine.mirrors.start(str(rig.root / "nowhere"), str(rig.root / "backup"), both=False)
    assert not (rig.root / "backup").exists()
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    shutil.rmtree(copy)
    # Where a copy was, none is made: its volume is not mounted.
    with pytest.raises(ArchiveAwayError):
        await rig.engine.mirrors.start(str(rig.archive), str(copy), both=False)
    assert not copy.exists()


async def test_locks_are_respected(rig: Rig) -> None:
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    other = Engine(rig.config("other"))
    await other.start()
    try:
        for source, target in ((rig.archive, copy), (copy, rig.archive)):
            async with other.archives.used(str(target), mirror=True):
                with pytest.raises(ArchiveHeldError):
                    await rig.engine.mirrors.start(str(source), str(target), both=False)
    finally:
        await other.stop()
    assert (await mirrored(rig.engine, rig.archive, copy)).lacking_count == 0


async def test_paused_cancelled_and_gone_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_payload, "FILES_PER_BATCH", 4)
    await filled(rig, 0, 60)
    copy = rig.root / "backup"
    name = await rig.engine.mirrors.start(str(rig.archive), str(copy), both=False)
    await rig.until(lambda: rig.engine.snapshot().mirrors[0].brought.files > 0)
    await rig.engine.mirrors.pause(name)
    (view,) = rig.engine.snapshot().mirrors
    assert (view.state, view.ended) == (State.PAUSED, None)
    assert not (copy / ".lading/lock").exists(), "the disk can be taken out"
    assert list((copy / ".lading/staging").iterdir()) == []
    assert not rig.engine.busy
    await rig.engine.mirrors.resume(name)
    await rig.engine.mirrors.wait(name)
    (view,) = rig.engine.snapshot().mirrors
    assert (view.state, view.held, view.lacking) == (State.DONE, view.total, 0)
    assert payload(copy) == payload(rig.archive)
    again = await rig.engine.mirrors.start(str(rig.archive), str(rig.root / "second"), both=False)
    await rig.engine.mirrors.cancel(again)
    await rig.engine.mirrors.wait(again)
    assert rig.engine.snapshot().mirrors[-1].state is State.CANCELLED
    with pytest.raises(UsageError):
        await rig.engine.mirrors.resume(again)


async def alone(rig: Rig) -> None:
    """All from the mirror alone: the archive and the database are gone."""
    for number in range(6):
        write(rig.source / f"DCIM/{number}.txt", random_bytes(3000, number))
    name = (await rig.imported()).id
    await rig.imported(location="Another place")
    await rig.still()
    copy = rig.root / "backup"
    assert (await mirrored(rig.engine, rig.archive, copy)).lacking_count == 0
    shutil.rmtree(rig.archive)
    rig.archive = copy
    assert rig.invalid() == []
    await rig.restarted("new home")
    found = await rig.engine.maintenance.rebuild(str(copy))
    assert (found.imports, found.items, found.damaged, found.unrecorded_count) == (2, 6, 0, 0)
    assert (found.problems, found.unfinished) == ((), 0)
    await rig.engine.restore_check.restore(name, str(rig.root / "out"), silent)
    command = ["diff", "-r", str(rig.source), str(rig.root / "out")]
    compared = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert (compared.stdout, compared.returncode) == (b"", 0)


@pytest.mark.promise(47)
async def test_bags_rebuild_and_restore_of_a_mirror_alone(tmp_path: Path) -> None:
    async with at_work(tmp_path) as rig:
        await alone(rig)


@pytest.mark.control(47)
@pytest.mark.parametrize("left_out", ["payload", "records"])
async def test_control_what_is_left_out_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    async def nothing(*_: object) -> list[str]:
        """Nothing is brought."""
        return []

    if left_out == "payload":
        monkeypatch.setattr(mirror_payload.PayloadCopier, "_start", nothing)
    else:
        monkeypatch.setattr(mirror_bag.BagMirror, "_tags", nothing)
    async with at_work(tmp_path) as rig:
        with pytest.raises(AssertionError):
            await alone(rig)


async def test_two_that_were_filled_apart(tmp_path: Path) -> None:
    """The same archive on two machines, each of which has imported into its own copy."""
    async with at_work(tmp_path) as rig:
        for number in range(3):
            write(rig.source / f"{number}.txt", random_bytes(3000, number))
        await rig.imported()
        await rig.still()
        copy = tmp_path / "backup"
        await mirrored(rig.engine, rig.archive, copy)
        other = Engine(rig.config("other"))
        await other.start()
        try:
            card = write(tmp_path / "second card/x.txt", random_bytes(4000, 50)).parent
            (theirs,) = await other.imports.start_imports([rig.request(card, archive=str(copy))])
            await other.imports.wait([theirs])
            await other.imports.finish([theirs])
        finally:
            await other.stop()
        write(rig.source / "9.txt", random_bytes(3000, 9))
        await rig.imported()
        await rig.still()
        back, forth = await mirrored_both(rig.engine, rig.archive, copy)
        assert (back.brought.files, forth.brought.files) == (1, 1)
        assert (back.lacking_count, forth.lacking_count, forth.held.files) == (0, 0, 5)
        assert payload(copy) == payload(rig.archive)
        await rig.still()
        assert rig.invalid() == []
        rig.archive, archive = copy, rig.archive
        assert rig.invalid() == []
        with asked_of_workers() as asked:
            again = await mirrored(rig.engine, archive, copy)
        assert (again.brought.files, again.lacking_count) == (0, 0)
        # Of a location that is as it was: its tag manifest and its access notes here and there, and one listing.
        locations = len(list(copy.glob("locations/*")))
        assert asked[text_messages.ReadText] == 4 * locations
        assert asked[archive_messages.CompareTrees] == locations + 2
        restored = await rig.engine.restore_check.restore(theirs, str(tmp_path / "out"), silent)
        assert (restored.restored.files, os.listdir(tmp_path / "out")) == (1, ["x.txt"])
