"""What went in comes out again: the same tree, the same times, nothing overwritten."""

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from core.errors import ArchiveError, UsageError
from core.files import noreplace
from core.models import Count, Outcome, RestoreOptions
from core.paths import unportable
from core.restoring import restore as restoring
from core.restoring.restore import Restore, RestoreError
from core.results import RestoreResult
from core.workers import messages, restore, restore_messages, shared_memory
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, random_bytes, write
from tests.rigs import machines
from tests.rigs.cards import differences, times, whole_card
from tests.rigs.disks import memory

pytestmark = pytest.mark.process

R = TypeVar("R")


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def restored(rig: Rig, name: str, target: Path, *, by_date: bool = False) -> RestoreResult:
    found = await rig.engine.restore_check.restore(name, str(target), silent, RestoreOptions(by_date=by_date))
    assert not (target / restore.RESTORE_STAGING).exists()
    return found


async def test_a_card_comes_back_as_it_was(rig: Rig, tmp_path: Path) -> None:
    whole_card(os.fsencode(rig.source))
    view = await rig.imported()
    target = tmp_path / "deep/out"
    before = {path: (rig.archive / path).stat().st_mtime_ns for path in rig.payload()}
    seen: list[tuple[Count, Count]] = []
    found = await rig.engine.restore_check.restore(
        view.id, str(target), lambda done, total: seen.append((done, total))
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
    assert {path for path, _ in found.failed} == {"deep/e.jpg", "deep/"}
    assert (found.failed_folders, found.failed_links) == (1, 0)
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
    # It is known from then on, so that another import of the card brings it again.
    damaged = await rig.engine.database.read("SELECT path FROM item WHERE damage IS NOT NULL")
    assert {path for (path,) in damaged} == {rows[name].payload for name in (b"0.jpg", b"1.jpg", b"2.jpg")}
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
    for name, cause, advice in (
        ("IMG_1.JPG", "no import, card or location is called IMG_1.JPG", "lading restore --find WORDS DEST"),
        ("A0001", "no import, card or location is called A0001", "Did you mean A001?"),
        ("import:none", "There is no import none", "`lading imports`"),
        ("card:Basel", "there is no card Basel", "`lading cards`"),
        ("location:A001", "there is no location A001", "`lading location`"),
    ):
        with pytest.raises(UsageError) as refused:
            await restored(rig, name, tmp_path / "none")
        assert (cause in refused.value.cause, advice in refused.value.advice) == (True, True), refused.value
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
        await rig.engine.restore_check.restore(view.id, str(rig.root / where), silent)
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
        asked += isinstance(request, restore_messages.Restore)
        if asked > 2 and isinstance(request, restore_messages.Restore):
            # Two files each: at full speed it may be through before it is stopped.
            await asyncio.Event().wait()
        return await before(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", ask)
    task = asyncio.create_task(rig.engine.restore_check.restore(view.id, str(target), silent))
    since = rig.engine.pool.total(shared_memory.WRITTEN)
    await rig.until(lambda: rig.engine.pool.total(shared_memory.WRITTEN) > since + (30 << 20))
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
    found = await rig.engine.restore_check.restore(view.id, str(target), silent)
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
            await rig.engine.restore_check.restore(view.id, str(disk / "out"), silent)
        assert not (disk / "out" / restore.RESTORE_STAGING).exists()


DEEP = 1050
"""More than Python recurses; importing takes the square of it."""


def dig(folder: int, depth: int) -> int:
    """A descriptor of a folder so far below another one."""
    for _ in range(depth):
        with suppress(FileExistsError):
            os.mkdir("a", dir_fd=folder)
        below = os.open("a", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    return folder


async def test_a_tree_that_is_deeper_than_a_process_may_have_folders_open(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "z/after.jpg", b"after")
    fd = dig(os.open(rig.source, os.O_RDONLY), DEEP)
    file = os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
    os.write(file, b"deep")
    os.utime(fd, (1, 1))
    for one in (file, fd):
        os.close(one)
    view = await rig.imported()
    assert (view.archived.files, view.failed.files) == (2, 0)
    found = await restored(rig, view.id, tmp_path / "out")
    assert (found.restored.files, found.failed) == (2, ())
    fd = dig(os.open(tmp_path / "out", os.O_RDONLY), DEEP)
    file = os.open("deep.jpg", os.O_RDONLY, dir_fd=fd)
    assert (os.read(file, 9), os.fstat(fd).st_mtime) == (b"deep", 1)
    for one in (file, fd):
        os.close(one)
    assert (tmp_path / "out/z/after.jpg").read_bytes() == b"after"
    assert (await restored(rig, view.id, tmp_path / "out")).there.files == 2
    # Too deep for pytest to remove.
    removing = await asyncio.create_subprocess_exec("rm", "-rf", rig.source, tmp_path / "out")
    assert await removing.wait() == 0


ODD = (
    b"a:b.jpg",
    b"what?/x*.jpg",
    b"end./ space .jpg",
    b"CON.jpg",
    b"100%.jpg",
    b"50%25.jpg",
    b"\xe9t\xe9.jpg",
    b"a\\b",
)


async def test_portable_names_can_be_taken_back(rig: Rig, tmp_path: Path) -> None:
    for name in ODD:
        write(rig.source / os.fsdecode(name), b"is " + name)
    view = await rig.imported()
    target = tmp_path / "out"
    found = await rig.engine.restore_check.restore(view.id, str(target), silent, RestoreOptions(portable=True))
    files = {
        os.fsencode(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }
    assert {unportable(path): data for path, data in files.items()} == {name: b"is " + name for name in ODD}
    assert not any(set(path) & set(b':?*\\"<>|') or b"./" in path for path in files)
    assert (found.encoded_count, found.renamed_count, found.failed_count) == (len(ODD) - 1, 0, 0)
    assert ("a:b.jpg", "a%3Ab.jpg") in found.encoded
    # What has such a name is kept, and a second restore adds nothing.
    (target / "a%3Ab.jpg").write_bytes(b"another")
    found = await rig.engine.restore_check.restore(view.id, str(target), silent, RestoreOptions(portable=True))
    assert (target / "a%3Ab-2.jpg").read_bytes() == b"is a:b.jpg"
    assert (target / "a%3Ab.jpg").read_bytes() == b"another"
    assert (found.restored.files, found.there.files, found.renamed_count) == (1, len(ODD) - 1, 1)


async def test_links_are_made_again_when_that_is_asked_for(rig: Rig, tmp_path: Path) -> None:
    write(rig.source / "DCIM/a.jpg", b"a")
    (rig.source / "DCIM/link").symlink_to(os.fsdecode(b"../\xff gone"))
    (rig.source / "taken").symlink_to("DCIM")
    view = await rig.imported(accept=("links",))
    target = tmp_path / "out"
    write(target / "taken", b"something else")

    async def out(links: bool) -> RestoreResult:
        return await rig.engine.restore_check.restore(view.id, str(target), silent, RestoreOptions(links=links))

    assert (await out(False)).absent_count == 2
    assert not (target / "DCIM/link").is_symlink()
    found = await out(True)
    assert (found.links, found.absent_count, found.failed_count) == (2, 0, 0)
    assert os.readlink(os.fsencode(target / "DCIM/link")) == b"../\xff gone"
    assert found.renamed == (("taken", "taken-2"),)
    assert (os.readlink(target / "taken-2"), (target / "taken").read_bytes()) == ("DCIM", b"something else")
    # Again: nothing is made twice.
    again = await out(True)
    assert (again.links, sorted(os.listdir(target))) == (2, ["DCIM", "taken", "taken-2"])


async def test_what_another_import_brought_in_was_not_left_behind(rig: Rig, tmp_path: Path) -> None:
    """An import was cut short, the next one brought all of it: nothing is missing, the sums are those of one."""
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.jpg", b"b")
    first = await rig.imported(label="A001", exclude=("b.*",))
    rows = await rig.rows(first.id)
    assert rows[b"b.jpg"].outcome is Outcome.SKIPPED
    view = await rig.imported(label="A001")
    (rig.source / "c.tmp").write_bytes(b"c")
    await rig.imported(label="A001", exclude=("*.tmp",))
    totals: list[Count] = []
    found = await rig.engine.restore_check.restore(
        "A001", str(tmp_path / "out"), lambda done, total: totals.append(total)
    )
    assert (found.restored, found.absent) == (view.seen, (("c.tmp", "skipped: excluded by '*.tmp'"),))
    assert totals[-1] == view.seen


async def test_single_files_come_back_by_the_words_that_find_them(rig: Rig, tmp_path: Path) -> None:
    for name in ("DCIM/IMG_1.jpg", "DCIM/IMG_2.jpg", "other/IMG_1.jpg"):
        write(rig.source / name, name.encode())
    await rig.imported(label="A001")
    await rig.imported(label="A001")
    (rig.source / "DCIM/link_1").symlink_to("x")

    async def out(words: str, target: str) -> RestoreResult:
        return await rig.engine.restore_check.restore(words, str(tmp_path / target), silent, find=True)

    found = await out("DCIM/IMG_1", "one")
    assert (found.restored.files, found.absent_count, found.folders) == (1, 0, ())
    assert [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.jpg")] == [
        Path("DCIM/IMG_1.jpg")
    ]
    assert (await out("IMG_1 card:a001", "two")).restored.files == 2
    with pytest.raises(UsageError, match="nothing that fits"):
        await out("nowhere", "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.promise(20)
@pytest.mark.parametrize(
    ("names", "way", "most"),
    [
        (("A.jpg", "a.jpg"), noreplace.LOOK, 1),
        (("caf\u00e9.jpg", "cafe\u0301.jpg"), noreplace.LOOK, 1),
        (("A.jpg", "b.jpg"), noreplace.LOOK, 2),
        (("A.jpg", "a.jpg"), noreplace.RENAME, 2),
    ],
)
async def test_names_that_may_be_one_are_given_one_after_the_other(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str], way: str, most: int
) -> None:
    """Where a taken name is only seen by looking for it, both files would find it free at the same moment."""
    for number, name in enumerate(names):
        write(rig.source / name, random_bytes(3000, number))
    view = await rig.imported()
    ask, both, at_work = Worker.ask, asyncio.Event(), list[int]()

    async def counted(self: Worker, request: messages.Request, wanted: type[R]) -> R:
        if not isinstance(request, restore_messages.Restore):
            return await ask(self, request, wanted)
        target = msgspec.structs.replace(request.target, way=way)
        at_work.append(len(at_work) - at_work.count(-1) * 2 + 1)
        if at_work[-1] == most:
            both.set()
        await both.wait()
        try:
            return await ask(self, msgspec.structs.replace(request, target=target), wanted)
        finally:
            at_work.append(-1)

    opened = Restore._open

    async def looking(self: Restore, path: bytes) -> restore_messages.Target:
        return msgspec.structs.replace(await opened(self, path), way=way)

    monkeypatch.setattr(restoring, "TOGETHER", 1)
    monkeypatch.setattr(Restore, "_open", looking)
    monkeypatch.setattr(Worker, "ask", counted)
    found = await restored(rig, view.id, tmp_path / "out")
    assert (found.restored.files, found.failed) == (2, ())
    assert max(at_work) == most
