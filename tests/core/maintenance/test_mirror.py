"""A mirror brings a copy of an archive all that another copy has, and says what it cannot bring."""

import asyncio
import errno
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveAwayError, ArchiveCopyError, ArchiveError, ArchiveHeldError, UsageError
from core.journal.journal_format import sealed
from core.maintenance import mirror_bag, mirror_payload, mirror_records
from core.models import Count, Side, State
from core.results import AuditScope, MirrorResult
from core.workers import archive_messages, batch_messages, compare_trees, source_messages, text_messages
from core.workers.archive_listing import what_is
from core.workers.messages import Fault, Place
from core.workers.pool import TaskFailedError, Worker
from tests.core.importing.rig import Rig, at_work, digest, random_bytes, write

pytestmark = pytest.mark.process

LARGE = 9 << 20


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def mirrored(engine: Engine, source: Path, target: Path, *, both: bool = False) -> MirrorResult:
    """Mirror to the end; what the last direction came to."""
    name = await engine.mirrors.start(str(source), str(target), both=both)
    await engine.mirrors.wait(name)
    return (await engine.mirrors.results(name))[-1]


async def filled(rig: Rig, first: int = 0, count: int = 4) -> None:
    """So many files more in the archive."""
    for number in range(first, first + count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()


def payload(archive: Path) -> dict[str, str]:
    """SHA-256 of all payload, by its path."""
    return {
        str(path.relative_to(archive)): digest(path)
        for path in archive.glob("locations/*/data/**/*")
        if path.is_file()
    }


def tree(archive: Path) -> dict[str, bytes]:
    """All files of an archive but those of a running engine."""
    return {
        str(path.relative_to(archive)): path.read_bytes()
        for path in archive.rglob("*")
        if path.is_file() and not str(path.relative_to(archive)).startswith((".lading/lock", ".lading/staging"))
    }


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


@contextmanager
def asked_of_workers() -> Iterator[Counter[type]]:
    """How many requests of each type workers get inside the block."""
    asked, ask = Counter[type](), Worker.ask

    async def noted(self: Worker, request: object, wanted: type) -> object:
        asked[type(request)] += 1
        return await ask(self, request, wanted)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "ask", noted)
        yield asked


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


def made_anew(bag: Path, number: int) -> None:
    """Another receipt, another report, and the bag's tag files with them, as the engine makes them."""
    write(bag / f"lading/one.added-{number}.txt", b"ADDED")
    write(bag / "lading/one.html", random_bytes(100, number))
    write(bag / "bag-info.txt", f"Note: {number}\n".encode())
    tags = [path for path in bag.rglob("*") if path.is_file() and "data" not in path.parts]
    named = sorted(path for path in tags if not path.name.startswith("tagmanifest-"))
    lines = [f"{digest(path)}  {path.relative_to(bag)}\n" for path in named]
    write(bag / "tagmanifest-sha256.txt", "".join(lines).encode())


@contextmanager
def made_anew_before(name: str, times: int = 1) -> Iterator[None]:
    """So many times, the bag in the source is made anew just before a mirror reads the bag's file `name` there."""
    bring, left = mirror_records.RecordCopier.bring, times

    async def late(
        self: mirror_records.RecordCopier, path: str, sha256: bytes | None = None, *, there: bool = False
    ) -> bool:
        nonlocal left
        if path.endswith(f"/{name}") and left:
            left -= 1
            made_anew(Path(self._run.source.path, path.removesuffix(f"/{name}")), left)
        return await bring(self, path, sha256, there=there)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror_records.RecordCopier, "bring", late)
        yield


@pytest.mark.parametrize("name", ["tagmanifest-sha256.txt", "bag-info.txt", "lading/one.html"])
async def test_a_bag_that_is_made_anew_meanwhile(tmp_path: Path, name: str) -> None:
    """What is brought of it belongs together, and nothing of it is called wrong."""
    async with at_work(tmp_path) as rig:
        write(rig.source / "0.txt", random_bytes(3000, 0))
        await rig.imported()
        await rig.still()
        (bag,) = rig.archive.glob("locations/*")
        made_anew(bag, 10)
        copy = tmp_path / "backup"
        with made_anew_before(name):
            result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.lacking, result.open_bags) == ((), ())
        assert rig.invalid(copy) == []
        assert tree(copy) == tree(rig.archive)
        # A bag that never stands still is named.
        made_anew(bag, 11)
        with made_anew_before("tagmanifest-sha256.txt", 10):
            result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.lacking, len(result.open_bags)) == ((), 1)


async def test_a_bag_that_does_not_name_what_was_brought_yet(rig: Rig) -> None:
    """An import has ended, and the engine has not made its bag yet."""
    await filled(rig)
    for _ in range(2):
        result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
        assert (result.held.files, result.lacking, len(result.open_bags)) == (4, (), 1)
    await rig.engine.database.run(("DELETE FROM job", [()]))
    assert (await mirrored(rig.engine, rig.archive, rig.root / "backup")).open_bags == ()


async def test_a_report_that_its_bag_does_not_name_yet(rig: Rig) -> None:
    """The engine writes a report first, and makes the bag after that. Only where it has not changed anything is a
    report that differs called wrong."""
    await filled(rig)
    (bag,) = rig.archive.glob("locations/*")
    made_anew(bag, 1)
    write(bag / "lading/one.html", b"MORE")
    result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert (result.lacking, len(result.open_bags)) == ((), 1)
    await rig.engine.database.run(("DELETE FROM job", [()]))
    result = await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert [path.split("/")[-1] for path, _ in result.lacking] == ["one.html"]


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (text_messages.ReadText, "archive/locations/{} cannot be read: Input/output error."),
        (text_messages.Put, "backup/locations/{} cannot be written: Input/output error."),
        (archive_messages.Audit, "backup/locations/{} cannot be read back: Input/output error."),
    ],
)
async def test_an_error_names_the_one_of_the_two_that_had_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, refused: type, told: str
) -> None:
    await filled(rig)
    (receipt,) = rig.archive.glob("locations/*/lading/*.tsv")
    path, ask = str(receipt.relative_to(rig.archive)), Worker.ask
    fault = Fault(Side.ARCHIVE, "Input/output error", errno.EIO)

    async def failing(self: Worker, request: Any, wanted: Any) -> Any:
        if isinstance(request, refused):
            if isinstance(request, archive_messages.Audit) and request.files[0][0] == path:
                return archive_messages.Audited([("", fault)])
            if path in (getattr(request, "path", ""), getattr(request, "target", "")):
                raise TaskFailedError(fault, "OSError")
        return await ask(self, request, wanted)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "ask", failing)
        with pytest.raises(ArchiveError, match=re.escape(told.format(path.removeprefix("locations/")))) as caught:
            await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert caught.value.advice == (
        "See to its disk, or its server and the network; the same command goes on where it stopped."
    )
    assert (await mirrored(rig.engine, rig.archive, rig.root / "backup")).held.files == 4


async def test_a_record_that_is_gone_by_then_is_not_brought_empty(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(rig)
    (bag,) = rig.archive.glob("locations/*")
    report, ask = write(bag / "lading/one.html", b"ONE"), Worker.ask

    async def late(self: Worker, request: Any, wanted: Any) -> Any:
        if isinstance(request, text_messages.ReadText) and request.path.endswith(report.name):
            report.unlink(missing_ok=True)
        return await ask(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", late)
    await mirrored(rig.engine, rig.archive, rig.root / "backup")
    assert not report.exists()
    assert list((rig.root / "backup").rglob(report.name)) == []


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


async def test_refused(rig: Rig, tmp_path: Path) -> None:
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
        back, forth = await _both(rig.engine, rig.archive, copy)
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


async def _both(engine: Engine, source: Path, target: Path) -> tuple[MirrorResult, ...]:
    name = await engine.mirrors.start(str(source), str(target), both=True)
    await engine.mirrors.wait(name)
    return await engine.mirrors.results(name)


async def test_into_the_archive_that_is_imported_into(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an import has published, and not yet committed, is left to it."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    reached, gate, ask = asyncio.Event(), asyncio.Event(), Worker.ask

    async def late(self: Worker, request: object, wanted: type) -> object:
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(request, batch_messages.Publish) and not reached.is_set():
            reached.set()
            await gate.wait()
        return answer

    monkeypatch.setattr(Worker, "ask", late)
    write(rig.source / "new.jpg", random_bytes(3000, 50))
    name = await rig.begun()
    await reached.wait()
    back, forth = await _both(rig.engine, rig.archive, copy)
    gate.set()
    assert (await rig.ended(name)).archived.files == 1
    assert await rig.engine.database.read("SELECT path FROM item GROUP BY path HAVING count(*) > 1") == []
    assert (back.lacking, forth.lacking) == ((), ())
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.held, result.total.files, result.lacking) == (result.total, 5, ())


async def test_two_mirrors_into_one_copy_at_the_same_moment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other: neither appends to a journal what the other one does."""
    await filled(rig)
    third, copy, link = rig.root / "third", rig.root / "backup", rig.root / "link"
    await mirrored(rig.engine, rig.archive, third)
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    for archive in (rig.archive, third):
        with (archive / journal.relative_to(rig.archive)).open("ab") as file:
            file.write(sealed({"accepted": 1.0, "by": "me"}))
    link.symlink_to(copy)
    append, appending = mirror_records.RecordCopier._append, asyncio.Event()

    async def late(self: mirror_records.RecordCopier, path: str, lines: AsyncIterator[bytes]) -> None:
        if not appending.is_set():
            appending.set()
            await asyncio.sleep(1)  # for the other one
        await append(self, path, lines)

    monkeypatch.setattr(mirror_records.RecordCopier, "_append", late)
    pairs = (rig.archive, copy), (rig.archive, link), (third, copy)
    results = await asyncio.gather(*(mirrored(rig.engine, *pair) for pair in pairs))
    assert [result.lacking for result in results] == [(), (), ()]
    assert (copy / journal.relative_to(rig.archive)).read_bytes() == journal.read_bytes()


async def test_journals_grow_and_part(rig: Rig) -> None:
    """What was added to one is added to the copy's; where both went on apart, it is named, and both stay."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    with journal.open("ab") as file:
        file.write(sealed({"accepted": 1.0, "by": "me"}) + b"torn")
    result = await mirrored(rig.engine, rig.archive, copy)
    assert (result.others, result.lacking_count) == (1, 0)
    assert journal.read_bytes() == there.read_bytes() + b"torn", "only whole lines"
    with there.open("ab") as file:
        file.write(sealed({"accepted": 2.0, "by": "you"}))
    before = there.read_bytes()
    with journal.open("ab") as file:
        file.write(b"\n" + sealed({"accepted": 3.0, "by": "me"}))
    result = await mirrored(rig.engine, rig.archive, copy)
    assert "another journal" in result.lacking[0][1]
    assert there.read_bytes() == before


@pytest.mark.parametrize("fault", ["torn", "doubled", "joined twice", "doubled in pieces"])
async def test_a_journal_that_a_power_cut_has_left_in_the_copy(rig: Rig, fault: str) -> None:
    """What is torn there, or there twice, is no other journal: what lacks is added behind it."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 5
    left = {
        "torn": [*lines[:-2], lines[-2][:-7]],
        "doubled": [*lines, *lines],
        "joined twice": [*lines, *lines[2:]],
        "doubled in pieces": [*lines[:3], *lines[:3], *lines[3:-1], *lines[3:-1]],
    }
    there.write_bytes(b"".join(left[fault]))
    for number in range(2):
        for brought in (1, 0):
            before = there.read_bytes()
            result = await mirrored(rig.engine, rig.archive, copy)
            assert result.lacking == ()
            assert (there.read_bytes() != before) is (
                brought == 1 and (number == 1 or lines[-1] not in left[fault])
            )
        with journal.open("ab") as file:
            file.write(sealed({"accepted": float(number), "by": "me"}))
    await mirrored(rig.engine, rig.archive, copy)
    (row,) = await rig.engine.catalog.imports()
    await rig.restarted("new home")
    await rig.engine.maintenance.rebuild(str(copy))
    (again,) = await rig.engine.catalog.imports()
    assert (again.name, again.state, again.verdict) == (row.name, row.state, row.verdict)
    assert set(there.read_bytes().splitlines()) >= set(journal.read_bytes().splitlines())
    # A line of another import is one all the same, wherever it stands.
    there.write_bytes(b"".join([*lines[:2], sealed({"accepted": 9.0, "by": "you"}), *lines[2:]]))
    await rig.restarted("third home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert "another journal" in (await mirrored(rig.engine, rig.archive, copy)).lacking[0][1]


async def test_a_torn_line_that_the_other_copy_never_had(rig: Rig) -> None:
    """As in a copy that was brought from another one."""
    await filled(rig)
    copy = rig.root / "backup"
    await mirrored(rig.engine, rig.archive, copy)
    (journal,) = rig.journals()
    there = copy / journal.relative_to(rig.archive)
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    torn, more = lines[3][:-9] + b"\n", sealed({"accepted": 1.0, "by": "me"})
    journal.write_bytes(b"".join([*lines[:3], torn, *lines[3:], last, more]))
    for brought in (1, 0):
        result = await mirrored(rig.engine, rig.archive, copy)
        assert (result.others, result.lacking) == (brought, ())
    assert there.read_bytes() == b"".join([*lines, last, more])
    # A line that is damaged is not torn: the copy's is another one.
    journal.write_bytes(b"".join([*lines[:3], torn, *lines[4:], last, more]))
    result = await mirrored(rig.engine, rig.archive, copy)
    assert "another journal" in result.lacking[0][1]


def test_trees_are_compared_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In folders with names that sort before their neighbours only as bytes; also a folder where a file was."""
    one, other = tmp_path / "one", tmp_path / "other"
    names = ("a/1", "a/2", "a-b/3", "a/b/4", "z", "b", "same/5", ".DS_Store", "c/6")
    for name in names:
        write(one / "top" / name, b"1")
    for name in ("same/5", "b/is a folder", "only/here", "c"):
        write(other / "top" / name, b"1")
    here, there = (Place(bytes(root), root.stat().st_dev, root.stat().st_ino, "", "") for root in (one, other))
    asked: list[str] = []

    def noted(entry: os.DirEntry[str], folder: int) -> str:
        asked.append(entry.name)
        return what_is(entry, folder)

    monkeypatch.setattr(compare_trees, "what_is", noted)
    whole = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "top"))
    wanted = {f"top/{name}".encode() for name in names} - {b"top/same/5", b"top/.DS_Store"}
    assert (set(whole.lacking), whole.extra, whole.after) == (wanted, 3, b"")
    assert "5" not in asked, "what both have is not looked into"
    assert {"1", "here", ".DS_Store"} <= set(asked)
    monkeypatch.setattr(compare_trees, "FILES_PER_REPLY", 1)
    found: list[bytes] = []
    extra, pages, after = 0, 0, b""
    while after or not pages:
        page = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "top", after))
        found, extra, after, pages = found + page.lacking, extra + page.extra, page.after, pages + 1
    assert (sorted(found), extra) == (sorted(wanted), 3)
    assert pages > 3
    nothing = compare_trees.compare_trees(archive_messages.CompareTrees(here, there, "not there"))
    assert (nothing.lacking, nothing.extra) == ([], 0)
