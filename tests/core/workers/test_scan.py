import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from core.files.dataless import dataless
from core.files.open_beneath import LostError, Tree
from core.workers import listing, scan, source_messages
from core.workers.messages import Source
from core.workers.pool import TaskFailedError
from core.workers.scan import ENTRIES, SORTED, Listing
from core.workers.shared_memory import COMMAND, PAUSE, PAUSED, RUN, STATE, Control
from core.workers.source_messages import Entry, ListTree
from tests.core.workers.rig import LINUX, Rig, open_below, until
from tests.rigs import machines
from tests.rigs.disks import disk
from tests.rigs.trees import hostile_tree

pytestmark = pytest.mark.process


def by_path(entries: list[Entry]) -> dict[bytes, Entry]:
    found = {entry.path: entry for entry in entries}
    assert len(found) == len(entries), "an entry was listed twice"
    return found


def walk(root: Path, **options: object) -> list[Entry]:
    """List in this process."""
    slot = Control.create().slot(0)
    request = ListTree(Source(os.fsencode(root)), **options)  # type: ignore[arg-type]
    with Tree(os.fsencode(root)) as tree:
        return [entry for part in Listing(request, tree, slot).entries() for entry in part]


def wide(rig: Rig, count: int) -> None:
    """A folder of so many names, all of one file: those are made much faster than files."""
    rig.put("wide/00000.jpg", b"")
    for number in range(1, count):
        os.link(rig.source / "wide/00000.jpg", rig.source / f"wide/{number:05}.jpg")


async def test_every_entry_of_a_hostile_tree(rig: Rig) -> None:
    manifest = hostile_tree(os.fsencode(rig.source / "card"))
    async with rig.pool.worker() as worker:
        found = by_path(await rig.listed(worker))
        assert not LINUX or open_below(worker, rig.source) == []
    for path, expected in manifest.items():
        entry = found.pop(b"card/" + path)
        if expected.outcome == "regular":
            assert (entry.what, entry.size, entry.mtime_ns) == ("file", expected.size, expected.mtime_ns)
            assert entry.reason == ""
        else:
            assert entry.what == {"litter": "litter", "special": "skipped"}[expected.outcome]
            assert entry.reason
    assert {entry.what for entry in found.values()} == {"folder"}


async def test_empty_source(rig: Rig) -> None:
    async with rig.pool.worker() as worker:
        assert await rig.listed(worker) == []


async def test_one_file_only(rig: Rig) -> None:
    for name in ("a.jpg", "b.jpg", "folder/a.jpg"):
        rig.put(name, b"x")
    async with rig.pool.worker() as worker:
        assert [entry.path for entry in await rig.listed(worker, only=b"a.jpg")] == [b"a.jpg"]
        (gone,) = await rig.listed(worker, only=b"gone.jpg")
    assert gone.what == "failed"
    assert "No such file" in gone.reason


async def test_look_at_a_file_names_its_folder(rig: Rig) -> None:
    rig.put("folder/a.jpg", b"x")
    link = rig.source / "link"
    link.symlink_to("folder/a.jpg")
    async with rig.pool.worker() as worker:
        looked = await worker.ask(source_messages.LookAtPath(os.fsencode(link)), source_messages.Looked)
    facts = (rig.source / "folder").stat()
    assert looked.only == b"a.jpg"
    assert looked.source == Source(os.fsencode(rig.source.resolve() / "folder"), facts.st_dev, facts.st_ino)
    assert looked.above[0] == (facts.st_dev, facts.st_ino)
    assert (rig.origin.device, rig.origin.inode) in looked.above


async def test_fifo_never_blocks(rig: Rig) -> None:
    os.mkfifo(rig.source / "._pipe.jpg")
    async with rig.pool.worker() as worker:
        (entry,) = await rig.listed(worker)
        assert (entry.what, entry.reason) == ("skipped", "named pipe")
        (digest,) = await rig.read(worker, "._pipe.jpg")
        with pytest.raises(TaskFailedError):
            await worker.ask(
                source_messages.LookAtPath(os.fsencode(rig.source / "._pipe.jpg")), source_messages.Looked
            )
    assert digest.fault is not None
    assert "regular" in digest.fault.text


async def test_exclusions_and_the_archive_itself(rig: Rig) -> None:
    for name in ("a.jpg", "a.tmp", "cache/b.jpg", "sub/archive/c.jpg", "sub/d.jpg"):
        rig.put(name, b"x")
    facts = (rig.source / "sub/archive").stat()
    async with rig.pool.worker() as worker:
        entries = await rig.listed(worker, exclude=("*.tmp", "cache"), avoid=((facts.st_dev, facts.st_ino),))
    found = {path: (entry.what, entry.reason) for path, entry in by_path(entries).items()}
    assert found == {
        b"a.jpg": ("file", ""),
        b"a.tmp": ("skipped", "excluded by '*.tmp'"),
        b"cache": ("skipped", "excluded by 'cache'"),
        b"sub": ("folder", ""),
        b"sub/archive": ("skipped", "the archive itself"),
        b"sub/d.jpg": ("file", ""),
    }


async def test_photo_library_is_entered_only_when_asked(rig: Rig) -> None:
    rig.put("Mine.PhotosLibrary/originals/a.jpg", b"x")
    async with rig.pool.worker() as worker:
        (entry,) = await rig.listed(worker)
        assert (entry.what, "--libraries" in entry.reason) == ("skipped", True)
        assert b"Mine.PhotosLibrary/originals/a.jpg" in by_path(await rig.listed(worker, libraries=True))


@pytest.mark.parametrize(
    ("flags", "away"),
    [
        (0, False),
        (0x40000000, True),  # SF_DATALESS
        (0x40000060, True),  # with UF_COMPRESSED and UF_TRACKED, as iCloud Drive has them
        (0x00000020, False),  # UF_COMPRESSED
        (0x00080000, False),  # SF_RESTRICTED
    ],
)
def test_files_in_icloud_only_are_told_by_their_flags(flags: int, away: bool) -> None:
    assert dataless(flags) is away


async def test_folder_replaced_by_a_link_during_the_walk(rig: Rig, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "private.jpg").write_bytes(b"not yours")
    for number in range(ENTRIES + 10):
        rig.put(f"a/{number:04}.jpg", b"x")
    rig.put("b/inside.jpg", b"x")
    async with rig.pool.worker() as worker:
        first = await worker.ask(ListTree(rig.origin), source_messages.Listed)
        (rig.source / "b").rename(tmp_path / "away")
        (rig.source / "b").symlink_to(secret)
        entries, reply = first.entries, first
        while reply.more:
            reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
            entries += reply.entries
    assert not any(b"private" in entry.path for entry in entries)
    (failed,) = [entry for entry in entries if entry.what == "failed"]
    assert failed.path == b"b"


async def test_file_replaced_by_a_link_is_not_read(rig: Rig, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"not yours")
    rig.put("a.jpg", b"mine")
    wanted = rig.to_read("a.jpg")
    (rig.source / "a.jpg").unlink()
    (rig.source / "a.jpg").symlink_to(secret)
    async with rig.pool.worker() as worker:
        (digest,) = (
            await worker.ask(source_messages.ReadBatch(rig.origin, wanted, True), source_messages.Digests)
        ).files
    assert digest.fault is not None
    assert not digest.fault.lost


async def test_root_that_is_another_folder_now_is_lost(rig: Rig, tmp_path: Path) -> None:
    rig.put("a.jpg", b"x")
    wanted = rig.to_read("a.jpg", "a.jpg")
    rig.source.rename(tmp_path / "unplugged")
    async with rig.pool.worker() as worker:
        with pytest.raises(TaskFailedError) as caught:
            await rig.listed(worker)
        assert caught.value.fault.lost
        rig.put("a.jpg", b"another card")
        request = source_messages.ReadBatch(rig.origin, wanted, True)
        digests = (await worker.ask(request, source_messages.Digests)).files
    assert [digest.fault.lost for digest in digests if digest.fault] == [True, True]


async def test_root_that_goes_during_the_walk_is_lost_not_empty(rig: Rig, tmp_path: Path) -> None:
    for number in range(ENTRIES + 10):
        rig.put(f"a/{number:04}.jpg", b"x")
    rig.put("b/c.jpg", b"x")
    async with rig.pool.worker() as worker:
        await worker.ask(ListTree(rig.origin), source_messages.Listed)
        if LINUX:
            await until(lambda: open_below(worker, rig.source) == [])
        else:
            await asyncio.sleep(1)
        rig.source.rename(tmp_path / "unplugged")
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(source_messages.ListMore(), source_messages.Listed)
        assert caught.value.fault.lost
        with pytest.raises(TaskFailedError, match="no listing"):
            await worker.ask(source_messages.ListMore(), source_messages.Listed)


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user whom permissions bind, also when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_folder_fails_alone() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "closed").mkdir()
        (root / "closed/a.jpg").write_bytes(b"x")
        (root / "open").mkdir()
        (root / "open/b.jpg").write_bytes(b"x")
        (root / "closed").chmod(0)
        try:
            with nobody():
                entries = walk(root)
        finally:
            (root / "closed").chmod(0o700)
    failed = [entry for entry in entries if entry.what == "failed"]
    assert [(entry.path, "Permission denied" in entry.reason) for entry in failed] == [(b"closed", True)]
    assert b"open/b.jpg" in {entry.path for entry in entries}


@pytest.mark.skipif(not LINUX, reason="reads /proc")
async def test_nothing_stays_open_between_two_requests(rig: Rig) -> None:
    count = SORTED + 1000
    wide(rig, count)
    async with rig.pool.worker() as worker:
        reply = await worker.ask(ListTree(rig.origin), source_messages.Listed)
        entries = list(reply.entries)
        await until(lambda: open_below(worker, rig.source) == [])
        while reply.more:
            reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
            entries += reply.entries
    assert len(by_path(entries)) == count + 1
    assert {entry.what for entry in entries} == {"file", "folder"}


@pytest.mark.skipif(not LINUX, reason="reads /proc")
async def test_wide_folder_that_changes_while_closed_is_not_guessed(rig: Rig) -> None:
    wide(rig, SORTED + 10)
    async with rig.pool.worker() as worker:
        reply = await worker.ask(ListTree(rig.origin), source_messages.Listed)
        entries = list(reply.entries)
        await until(lambda: open_below(worker, rig.source) == [])
        rig.put("wide/new.jpg", b"")
        while reply.more:
            reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
            entries += reply.entries
    (failed,) = [entry for entry in entries if entry.what == "failed"]
    assert (failed.path, failed.reason) == (b"wide", "it changed while it was listed")


@pytest.mark.parametrize("count", [3, ENTRIES + 3])
async def test_the_worker_is_free_while_the_last_page_is_looked_at(rig: Rig, count: int) -> None:
    wide(rig, count)
    async with aclosing(listing.pages(rig.pool, "list", ListTree(rig.origin))) as pages:
        found = [(len(entries), len(rig.pool.busy())) async for entries in pages]
    # The folder itself is an entry, too.
    assert found == [*([(ENTRIES, 1)] if count > ENTRIES else []), ((count + 1) % ENTRIES, 0)]


async def test_paused_listing_goes_on(rig: Rig) -> None:
    wide(rig, 3 * ENTRIES)
    async with rig.pool.worker() as worker:
        reply = await worker.ask(ListTree(rig.origin), source_messages.Listed)
        entries = list(reply.entries)
        worker.slot.set(COMMAND, PAUSE)
        asking = asyncio.create_task(worker.ask(source_messages.ListMore(), source_messages.Listed))
        await until(lambda: worker.slot.get(STATE) == PAUSED)
        if sys.platform == "linux":
            assert open_below(worker, rig.source) == []
        worker.slot.set(COMMAND, RUN)
        reply = await asking
        entries += reply.entries
        while reply.more:
            reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
            entries += reply.entries
    assert len(by_path(entries)) == 3 * ENTRIES + 1


def test_lost_root_in_this_process(tmp_path: Path) -> None:
    with pytest.raises(LostError):
        walk(tmp_path / "nothing")


@contextmanager
def formatted() -> Iterator[Path]:
    """A disk that was just formatted, which everybody may use."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with disk(Path(name), "ext4", 16 << 20) as made:
            made.path.chmod(0o777)
            yield made.path


@machines.root
@pytest.mark.promise(42)
def test_lost_and_found_is_the_file_systems_own_where_it_made_it() -> None:
    with formatted() as top:
        (top / "a.jpg").write_bytes(b"x")

        def seen(root: Path = top, path: bytes = b"lost+found") -> tuple[str, str]:
            with nobody():
                entries = {entry.path: entry for entry in walk(root)}
            return entries[path].what, entries[path].reason

        assert seen() == ("litter", "lost+found of the file system, which only root may read")
        # What a check of the disk found there may be somebody's.
        (top / "lost+found").chmod(0o755)
        (top / "lost+found/#12").write_bytes(b"recovered")
        assert seen() == ("folder", "")
        assert seen(path=b"lost+found/#12") == ("file", "")
        # Anywhere else it is a folder like others, also when it cannot be read.
        (top / "card/lost+found").mkdir(parents=True)
        (top / "card/lost+found").chmod(0o700)
        assert seen(top / "card")[0] == "failed"
        assert seen(path=b"card/lost+found")[0] == "failed"
        (top / "lost+found").chmod(0o700)
        os.chown(top / "lost+found", 1234, -1)
        assert seen()[0] == "failed", "not made by mkfs"


@machines.root
@pytest.mark.control(42)
def test_a_file_system_whose_own_folder_is_not_known_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LOST_AND_FOUND", b"")
    with formatted() as top:
        with nobody():
            entries = walk(top)
        assert "failed" in {entry.what for entry in entries}
