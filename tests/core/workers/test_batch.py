import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from core.files import noreplace
from core.files.checksummed_lines import unsealed
from core.models import Side
from core.paths import decode
from core.workers import batch_messages, messages
from core.workers.batch_messages import ToStage
from core.workers.pool import TaskFailedError, Worker
from core.workers.read_source import ARENA
from core.workers.source_messages import Digest
from tests.core.workers.rig import JOURNAL, LINUX, STAGING, Rig, open_below, payload

pytestmark = pytest.mark.process

WAYS = (noreplace.RENAME, noreplace.LINK, noreplace.LOOK)


def rows(rig: Rig) -> list[dict[str, object]]:
    """The sound rows of the journal."""
    found = [unsealed(line) for line in (rig.archive / JOURNAL).read_bytes().splitlines(keepends=True)]
    return [row for row in found if row is not None]


async def whole_way(rig: Rig, worker: Worker, *names: str) -> tuple[list[Digest], batch_messages.Published]:
    digests = await rig.read(worker, *names)
    await rig.stage(worker, digests)
    assert (await rig.verify(worker)).faults == []
    return digests, await rig.publish(worker)


@pytest.mark.parametrize("way", WAYS)
async def test_batch_arrives_under_its_names(rig: Rig, way: str) -> None:
    rig.way(way)
    data = {f"{number}.jpg": os.urandom(number * 1000) for number in range(40)}
    for name, content in data.items():
        rig.put(name, content)
    os.utime(rig.source / "7.jpg", ns=(10**18, 10**18 + 123_456_789))
    (rig.source / "7.jpg").chmod(0o400)
    async with rig.pool.worker() as worker:
        digests, arrived = await whole_way(rig, worker, *data)
        assert rig.staged() == []
        assert (arrived.taken, arrived.faults) == ([], [])
        await worker.ask(batch_messages.Drop(), messages.Done)
        assert not LINUX or open_below(worker, rig.archive) == []
    assert arrived.published == [(digest.number, payload(digest)) for digest in digests]
    assert sorted(rig.payload().values()) == sorted(data.values())
    facts = (rig.archive / payload(digests[7])).stat()
    assert facts.st_mtime_ns == 10**18 + 123_456_789
    assert facts.st_nlink == 1
    row = rows(rig)[7]
    assert row["payload"] == payload(digests[7])
    assert (row["file"], row["outcome"], row["size"], row["mode"]) == ("7.jpg", "archived", 7000, 0o400)
    assert row["sha256"] == hashlib.sha256(data["7.jpg"]).hexdigest()


async def test_large_file_arrives(rig: Rig) -> None:
    data = os.urandom(ARENA + 54_321)
    rig.put("a.mov", data)
    async with rig.pool.worker() as worker:
        digest = await rig.copy(worker, "a.mov")
        assert digest.sha256 == hashlib.sha256(data).digest()
        await rig.stage(worker, [digest])
        checked = await rig.verify(worker, "source")
        assert [number for number, _ in checked.levels] == [1]
        assert (await rig.publish(worker)).published == [(1, payload(digest))]
    assert list(rig.payload().values()) == [data]
    assert rig.staged() == []


async def test_duplicates_are_journaled_and_not_written(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    rig.put("b.jpg", b"b")
    async with rig.pool.worker() as worker:
        first, second = await rig.read(worker, "a.jpg", "b.jpg")
        orders = [ToStage(1, "", "duplicate")]
        await worker.ask(batch_messages.StageBatch(rig.place, STAGING, orders), batch_messages.Checked)
        await rig.journal(worker)
        assert (await rig.verify(worker)).levels == []
        assert (await rig.publish(worker)).published == []
    assert rig.payload() == {}
    (row,) = rows(rig)
    assert (row["file"], row["outcome"], "payload" in row) == ("a.jpg", "duplicate", False)
    assert first.xxh128 != second.xxh128


async def test_wrong_byte_in_staging_is_caught(rig: Rig) -> None:
    rig.put("good.jpg", b"good")
    rig.put("bad.jpg", b"bad" * 1000)
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "good.jpg", "bad.jpg")
        await rig.stage(worker, digests)
        (bad,) = [path for path in rig.staged() if path.stat().st_size == 3000]
        with bad.open("r+b") as file:
            file.seek(1500)
            file.write(b"!")
        checked = await rig.verify(worker)
        assert [(number, fault.again) for number, fault in checked.faults] == [(2, True)]
        assert [number for number, _ in checked.levels] == [1]
        assert (await rig.publish(worker)).published == [(1, payload(digests[0]))]
    assert rig.staged() == []
    assert list(rig.payload().values()) == [b"good"]


async def test_staged_file_cut_or_gone_fails_alone(rig: Rig) -> None:
    for name, size in (("a.jpg", 1000), ("b.jpg", 2000), ("c.jpg", 3000)):
        rig.put(name, os.urandom(size))
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "a.jpg", "b.jpg", "c.jpg")
        await rig.stage(worker, digests)
        by_size = {path.stat().st_size: path for path in rig.staged()}
        os.truncate(by_size[1000], 500)
        by_size[2000].unlink()
        assert [number for number, _ in (await rig.verify(worker)).faults] == [2, 1]
        assert [number for number, _ in (await rig.publish(worker)).published] == [3]


async def test_source_read_again_must_give_the_same(rig: Rig) -> None:
    rig.put("a.jpg", b"first")
    rig.put("b.jpg", b"same")
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "a.jpg", "b.jpg")
        await rig.stage(worker, digests)
        rig.put("a.jpg", b"other")
        checked = await rig.verify(worker, "source")
        assert [(number, fault.side) for number, fault in checked.faults] == [(1, "source")]
        assert not LINUX or open_below(worker, rig.source) == []


async def test_only_what_was_verified_is_published(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    async with rig.pool.worker() as worker:
        await rig.stage(worker, await rig.read(worker, "a.jpg"))
        arrived = await rig.publish(worker)
        assert [number for number, _ in arrived.faults] == [1]
        await rig.stage(worker, await rig.read(worker, "a.jpg"))
        assert (await rig.verify(worker, "none")).levels == []
        assert len((await rig.publish(worker)).published) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_equal_file_under_the_name_is_adopted(rig: Rig, way: str) -> None:
    rig.way(way)
    rig.put("a.jpg", b"content")
    async with rig.pool.worker() as worker:
        digests, _ = await whole_way(rig, worker, "a.jpg")
        inode = (rig.archive / payload(digests[0])).stat().st_ino
        _, arrived = await whole_way(rig, worker, "a.jpg")
    assert arrived.published == [(1, payload(digests[0]))]
    assert (rig.archive / payload(digests[0])).stat().st_ino == inode
    assert rig.staged() == []


def plant(path: Path, what: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if what == "file":
        path.write_bytes(b"somebody else's")
    elif what == "equal size":
        path.write_bytes(b"CONTENT")
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("nowhere")
    else:
        os.mkfifo(path)


@pytest.mark.parametrize("what", ["file", "equal size", "folder", "link", "fifo"])
@pytest.mark.parametrize("way", WAYS)
async def test_whatever_has_the_name_is_kept(rig: Rig, way: str, what: str) -> None:
    rig.way(way)
    rig.put("a.jpg", b"content")
    rig.put("b.jpg", b"other")
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "a.jpg", "b.jpg")
        await rig.stage(worker, digests)
        await rig.verify(worker)
        taken = rig.archive / payload(digests[0])
        plant(taken, what)
        before = taken.lstat()
        first = await rig.publish(worker)
        other = payload(digests[0]).replace(".jpg", "-2.jpg")
        assert (first.published, first.taken) == ([(2, payload(digests[1]))], [(1, other)])
        lines = len(rows(rig))
        await rig.journal(worker)
        assert [row["payload"] for row in rows(rig)[lines:]] == [other]
        second = await rig.publish(worker)
        assert (second.published, second.taken, second.faults) == ([(1, other)], [], [])
        assert (rig.archive / other).read_bytes() == b"content"
        assert (taken.lstat().st_ino, taken.lstat().st_mode) == (before.st_ino, before.st_mode)
        # Again, as after a crash before the commit: the second name is found.
        digests = await rig.read(worker, "a.jpg")
        await rig.stage(worker, digests)
        await rig.verify(worker)
        assert (await rig.publish(worker)).taken == [(1, other)]
        await rig.journal(worker)
        assert (await rig.publish(worker)).published == [(1, other)]
    assert not taken.with_name(taken.name.replace(".jpg", "-3.jpg")).exists()
    assert rig.staged() == []


async def test_empty_file_is_not_taken_for_a_fifo(rig: Rig) -> None:
    rig.put("a.jpg", b"")
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "a.jpg")
        await rig.stage(worker, digests)
        await rig.verify(worker)
        plant(rig.archive / payload(digests[0]), "fifo")
        assert (await rig.publish(worker)).published == []
    assert stat.S_ISFIFO((rig.archive / payload(digests[0])).stat().st_mode)


async def test_link_in_place_of_a_payload_folder_is_not_followed(rig: Rig, tmp_path: Path) -> None:
    rig.put("a.jpg", b"a")
    (tmp_path / "elsewhere").mkdir()
    (rig.archive / "locations/place").mkdir()
    (rig.archive / "locations/place/data").symlink_to(tmp_path / "elsewhere")
    async with rig.pool.worker() as worker:
        _, arrived = await whole_way(rig, worker, "a.jpg")
    assert [number for number, _ in arrived.faults] == [1]
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_torn_end_of_the_journal_costs_no_other_row(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    rig.put("b.jpg", b"b")
    async with rig.pool.worker() as worker:
        await whole_way(rig, worker, "a.jpg")
        journal = rig.archive / JOURNAL
        journal.write_bytes(journal.read_bytes() + journal.read_bytes()[:40])
        await whole_way(rig, worker, "b.jpg")
    lines = journal.read_bytes().splitlines(keepends=True)
    assert [unsealed(line) is None for line in lines] == [False, True, False]
    assert [row["file"] for row in rows(rig)] == ["a.jpg", "b.jpg"]


async def test_rows_are_written_once_unless_they_change(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    async with rig.pool.worker() as worker:
        await rig.stage(worker, await rig.read(worker, "a.jpg"))
        await rig.journal(worker)
        await rig.journal(worker)
    assert len(rows(rig)) == 1


@pytest.mark.skipif(not LINUX, reason="macOS refuses such names and has no os.setxattr")
async def test_names_and_attributes_come_back_from_the_journal(rig: Rig) -> None:
    name = os.fsdecode(b"caf\xe9 100%\n\xff.jpg")
    rig.put(name, b"a")
    try:
        os.setxattr(rig.source / name, "user.comment", b"\x00\xff text")
    except OSError:
        pytest.skip("no extended attributes here")
    async with rig.pool.worker() as worker:
        await whole_way(rig, worker, name)
    (row,) = rows(rig)
    assert decode(str(row["file"])) == os.fsencode(name)
    assert row["xattrs"] == {"user.comment": "AP8gdGV4dA=="}
    assert json.loads((rig.archive / JOURNAL).read_text("ascii"))["outcome"] == "archived"


async def test_archive_that_is_another_folder_now_gets_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.put("a.jpg", b"a")
    rig.archive.rename(tmp_path / "unmounted")
    shutil.copytree(tmp_path / "unmounted", rig.archive)
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, "a.jpg")
        orders = [ToStage(1, payload(digests[0]), "archived")]
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(batch_messages.StageBatch(rig.place, STAGING, orders), batch_messages.Checked)
    assert caught.value.fault.lost
    assert caught.value.fault.side == Side.ARCHIVE
    assert rig.staged() == []
