"""What went in comes out again: the same tree, the same times, nothing overwritten."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import TypeVar

import pytest

from core.errors import ArchiveError, UsageError
from core.models import Count
from core.restoring.restore import RestoreError
from core.results import RestoreResult
from core.workers import control, messages, restoring
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, random_bytes, write
from tests.rigs import machines
from tests.rigs.cards import differences, times, whole_card
from tests.rigs.disks import memory

R = TypeVar("R")


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def restored(rig: Rig, name: str, target: Path, *, by_date: bool = False) -> RestoreResult:
    found = await rig.engine.outward.restore(name, str(target), silent, by_date=by_date)
    assert not (target / restoring.STAGING).exists()
    return found


async def test_a_card_comes_back_as_it_was(rig: Rig, tmp_path: Path) -> None:
    whole_card(os.fsencode(rig.source))
    view = await rig.imported()
    target = tmp_path / "deep/out"
    before = {path: (rig.archive / path).stat().st_mtime_ns for path in rig.payload()}
    seen: list[tuple[Count, Count]] = []
    found = await rig.engine.outward.restore(
        view.id, str(target), lambda done, total: seen.append((done, total)), by_date=False
    )
    assert differences(str(rig.source), str(target)) == ""
    assert times(str(target)) == times(str(rig.source))
    assert (found.restored, found.there, found.failed, found.renamed, found.absent) == (
        view.seen,
        Count(),
        (),
        (),
        (),
    )
    assert seen[-1] == (view.seen, view.seen)
    assert before == {path: (rig.archive / path).stat().st_mtime_ns for path in rig.payload()}
    assert not (rig.archive / ".lading/lock").exists()
    # Again: all of it is there.
    found = await restored(rig, view.id[:-1], target)
    assert (found.restored.files, found.there) == (0, view.seen)
    assert times(str(target)) == times(str(rig.source))


async def test_nothing_is_overwritten(rig: Rig, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg", "d", "deep/e.jpg"):
        write(rig.source / name, b"original " + name.encode())
    view = await rig.imported()
    target = tmp_path / "out"
    write(target / "a.jpg", b"edited a.jpg is another")
    write(target / "b.jpg", b"original b.jpg")
    write(target / "c.jpg", b"x" * len(b"original c.jpg"))
    (target / "d").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (target / "deep").symlink_to(elsewhere)
    found = await restored(rig, view.id, target)
    assert sorted(found.renamed) == [("a.jpg", "a-2.jpg"), ("c.jpg", "c-2.jpg"), ("d", "d-2")]
    assert (found.restored.files, found.there.files, found.failed_count) == (3, 1, 2)
    assert {path for path, _ in found.failed} == {"deep/e.jpg", "deep"}
    assert not any(elsewhere.iterdir())
    assert (target / "a.jpg").read_bytes() == b"edited a.jpg is another"
    assert (target / "a-2.jpg").read_bytes() == b"original a.jpg"
    found = await restored(rig, view.id, target)
    assert (found.restored.files, found.there.files) == (0, 4)


async def test_what_is_damaged_gone_or_was_never_archived_is_named(rig: Rig, tmp_path: Path) -> None:
    for number in range(4):
        write(rig.source / f"{number}.jpg", random_bytes(3000, number))
    write(rig.source / "left out.tmp", b"x")
    (rig.source / "link.jpg").symlink_to("0.jpg")
    view = await rig.imported(exclude=("*.tmp",))
    rows = await rig.rows(view.id)
    (rig.archive / rows[b"0.jpg"].payload).write_bytes(random_bytes(3000, 99))
    os.unlink(rig.archive / rows[b"1.jpg"].payload)
    os.truncate(rig.archive / rows[b"2.jpg"].payload, 7)
    found = await restored(rig, view.id, tmp_path / "out")
    assert dict(found.failed) == {
        "0.jpg": "archive: its content is not what was archived",
        "1.jpg": "archive: No such file or directory",
        "2.jpg": "archive: it has 7 bytes, not 3,000",
    }
    assert dict(found.absent) == {
        "left out.tmp": "skipped: excluded by '*.tmp'",
        "link.jpg": "skipped: symbolic link to '0.jpg'",
    }
    assert sorted(os.listdir(tmp_path / "out")) == ["3.jpg"]


async def test_a_location_with_several_cards_and_a_card_brought_in_twice(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "DCIM/a.jpg", b"a of the first card")
    first = await rig.imported(label="A001")
    write(rig.source / "DCIM/b.jpg", b"b, taken later")
    write(rig.source / "DCIM/a.jpg", b"a, taken anew")
    await rig.imported(label="A001")
    other = tmp_path / "other"
    write(other / "DCIM/a.jpg", b"a of the second card")
    await rig.imported(other, label="B/2")
    found = await restored(rig, "basel", tmp_path / "all")
    assert found.folders == ("B_2", "A001")
    names = {"A001/DCIM/a-2.jpg": b"a of the first card", "A001/DCIM/a.jpg": b"a, taken anew"}
    names |= {"A001/DCIM/b.jpg": b"b, taken later", "B_2/DCIM/a.jpg": b"a of the second card"}
    for name, content in names.items():
        assert (tmp_path / "all" / name).read_bytes() == content
    found = await restored(rig, "card:a001", tmp_path / "one")
    assert (found.folders, found.restored.files) == ((), 3)
    found = await restored(rig, first.id, tmp_path / "first")
    assert (tmp_path / "first/DCIM/a.jpg").read_bytes() == b"a of the first card"
    for name in ("nothing", "card:Basel", "location:A001"):
        with pytest.raises(UsageError):
            await restored(rig, name, tmp_path / "none")
    assert not (tmp_path / "none").exists()


async def test_by_date(rig: Rig, tmp_path: Path) -> None:
    noon = 1_700_000_000_000_000_000
    for name, days in (("DCIM/100/a.jpg", 0), ("DCIM/101/a.jpg", 0), ("DCIM/100/b.mov", 1), ("DCIM/100/b.xmp", 9)):
        path = write(rig.source / name, name.encode())
        os.utime(path, ns=(noon, noon + days * 86_400 * 10**9))
    write(rig.source / "PRIVATE/AVCHD/BDMV/STREAM/00000.MTS", b"stream")
    write(rig.source / "PRIVATE/AVCHD/BDMV/INDEX.BDM", b"index")
    view = await rig.imported()
    await rig.engine.database.run(
        (
            "INSERT INTO metadata (item_id, captured_local, raw) SELECT item_id, '2020-05-06T07:08:09', x'' "
            "FROM file WHERE CAST(path AS TEXT) LIKE '%/101/a.jpg'",
            [()],
        )
    )
    found = await restored(rig, view.id, tmp_path / "out", by_date=True)
    assert found.failed == ()
    names = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert names == [
        "2020/2020-05-06/a.jpg",
        "2023/2023-11-14/a.jpg",
        "2023/2023-11-15/b.mov",
        "2023/2023-11-15/b.xmp",
        "PRIVATE/AVCHD/BDMV/INDEX.BDM",
        "PRIVATE/AVCHD/BDMV/STREAM/00000.MTS",
    ]


@pytest.mark.parametrize("where", ["archive", "archive/locations/mine", "link", "."])
async def test_never_into_an_archive(rig: Rig, tmp_path: Path, where: str) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    (rig.root / "link").symlink_to(rig.archive / "locations")
    before = sorted(rig.archive.rglob("*"))
    with pytest.raises(UsageError, match="archive"):
        await rig.engine.outward.restore(view.id, str(rig.root / where), silent, by_date=False)
    assert sorted(rig.archive.rglob("*")) == before


@pytest.mark.parametrize("times", [1, 9], ids=["once", "again and again"])
async def test_stopped_it_leaves_whole_files_only_and_goes_on(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    for number in range(6):
        write(rig.source / f"{number}.mov", random_bytes(24 << 20, number))
    view = await rig.imported()
    target = tmp_path / "out"
    before, asked = Worker.ask, 0

    async def ask(self: Worker, request: messages.Request, wanted: type[R]) -> R:
        nonlocal asked
        asked += isinstance(request, messages.Restore)
        if asked > 2 and isinstance(request, messages.Restore):
            # Two files each: at full speed it may be through before it is stopped.
            await asyncio.Event().wait()
        return await before(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", ask)
    task = asyncio.create_task(rig.engine.outward.restore(view.id, str(target), silent, by_date=False))
    since = rig.engine.pool.total(control.WRITTEN)
    await rig.until(lambda: rig.engine.pool.total(control.WRITTEN) > since + (30 << 20))
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.setattr(Worker, "ask", before)
    assert not (target / ".lading-restore").exists()
    whole = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
    assert len(whole) < 6
    assert all(data == (rig.source / name).read_bytes() for name, data in whole.items())
    found = await restored(rig, view.id, target)
    assert (found.restored.files, found.there.files) == (6 - len(whole), len(whole))
    assert differences(str(rig.source), str(target)) == ""


async def test_what_a_killed_restore_left_in_its_staging_goes(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / ".lading-restore/run-mine/kept.jpg", b"an original with an unlucky name")
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    target = tmp_path / "out"
    write(target / ".lading-restore/run-0123456789ab/0123456789abcdef", b"half")
    found = await rig.engine.outward.restore(view.id, str(target), silent, by_date=False)
    assert found.failed == ()
    assert differences(str(rig.source), str(target)) == ""


async def test_a_journal_that_somebody_made_up_leads_nowhere(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    await rig.engine.database.run(
        ("UPDATE file SET path = CAST((SELECT root FROM import) || '/../../out.jpg' AS BLOB)", [()])
    )
    found = await restored(rig, view.id, tmp_path / "out")
    assert [why for _, why in found.failed] == ["target: no path below a folder"]


async def test_an_archive_that_is_not_there(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    shutil.move(rig.archive, rig.root / "away")
    with pytest.raises(ArchiveError):
        await restored(rig, view.id, tmp_path / "out")


@machines.root
async def test_a_full_destination_ends_it(rig: Rig, tmp_path: Path) -> None:
    for number in range(3):
        write(rig.source / f"{number}.mov", random_bytes(3 << 20, number))
    view = await rig.imported()
    with memory(tmp_path / "disk", "size=5m") as disk:
        with pytest.raises(RestoreError, match="No space"):
            await rig.engine.outward.restore(view.id, str(disk / "out"), silent, by_date=False)
        assert not (disk / "out" / restoring.STAGING).exists()
