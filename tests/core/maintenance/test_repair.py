"""Audits of a part of the archive, and healing what they find."""

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core import archive_layout
from core.archives.archive import Archive
from core.catalog import Item
from core.database import Unit
from core.engine.job_service import JobService
from core.errors import DatabaseError, SourceError
from core.maintenance.repair import Repair
from core.models import Count
from core.results import AuditScope
from core.workers import batch_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process

LARGE = 9 << 20


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


@pytest.fixture
def bags(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The locations whose bags are made anew."""
    found: list[int] = []

    async def noted(self: JobService, archive_id: int, location_id: int) -> None:
        found.append(location_id)

    monkeypatch.setattr(JobService, "bag_anew", noted)
    return found


async def filled(rig: Rig) -> dict[bytes, Path]:
    """Three small files and a large one; their payloads by name."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(rig.source / name, random_bytes(3000, ord(name[0])))
    write(rig.source / "clip.mov", random_bytes(LARGE, 1))
    view = await rig.imported()
    return {path: rig.archive / row.payload for path, row in (await rig.rows(view.id)).items()}


async def aged(rig: Rig, days: dict[str, float | None]) -> None:
    """As if files had been read back so many days ago, or never."""
    for name, age in days.items():
        await rig.engine.database.run(
            (
                "UPDATE item SET read_back = CAST(strftime('%s', 'now') AS REAL) - ? * 86400 WHERE id IN "
                "(SELECT item_id FROM file WHERE CAST(path AS TEXT) LIKE ?)",
                [(age, f"%/{name}")],
            )
        )


async def test_only_what_was_not_read_for_long_the_oldest_first(rig: Rig) -> None:
    paths = await filled(rig)
    await aged(rig, {"a.jpg": 40, "b.jpg": 20, "c.jpg": None, "clip.mov": 50})
    paths[b"clip.mov"].unlink()
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(older_than=30 * 86_400))
    assert (result.checked.files, result.well.files, result.damaged_count, result.unread) == (3, 2, 1, 0)
    assert (rig.archive / result.oldest) == paths[b"clip.mov"], "what could not be read stays the oldest"
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(older_than=30 * 86_400))
    assert (result.checked.files, result.damaged_count) == (1, 1)
    await aged(rig, {"b.jpg": None})
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(older_than=1e9))
    assert (result.checked.files, result.oldest_read is None, result.unread) == (1, False, 0)


async def test_an_audit_of_a_sample_reads_about_that_share(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.maintenance import audit

    monkeypatch.setattr(audit, "PAGE", 7)
    for number in range(400):
        write(rig.source / f"{number:03}.jpg", b"%d" % number)
    await rig.imported()
    seen: list[tuple[Count, Count]] = []
    result = await rig.engine.maintenance.audit(
        str(rig.archive), lambda done, total: seen.append((done, total)), AuditScope(sample=25)
    )
    assert 40 < result.checked.files < 180
    assert seen[-1] == (result.checked, result.checked)
    assert (
        await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(sample=100))
    ).checked.files == 400


async def test_healed_from_a_source_that_still_has_it(rig: Rig, bags: list[int], tmp_path: Path) -> None:
    paths = await filled(rig)
    before = {path: path.read_bytes() for path in paths.values()}
    rotten = before[paths[b"a.jpg"]][:-3] + b"rot"
    paths[b"a.jpg"].write_bytes(rotten)
    paths[b"b.jpg"].unlink()
    os.truncate(paths[b"clip.mov"], 100)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 3
    # One source has one of them, under another name, the next the rest.
    first, second = tmp_path / "first", tmp_path / "second"
    write(first / "other name.bin", before[paths[b"clip.mov"]])
    write(first / "of the same size.jpg", random_bytes(3000, 77))
    shutil.copytree(rig.source, second)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(first),)))
    assert (result.checked.files, result.damaged_count) == (3, 2)
    ((path, source),) = result.healed
    assert (rig.archive / path, source) == (paths[b"clip.mov"], str(first / "other name.bin"))
    result = await rig.engine.maintenance.audit(
        str(rig.archive), silent, AuditScope(heal=(str(second), str(first)))
    )
    assert (len(result.healed), result.damaged_count) == (2, 0)
    assert {path: path.read_bytes() for path in paths.values()} == before
    kept = sorted(path.read_bytes() for path in (rig.archive / ".lading/damaged").iterdir())
    assert kept == sorted([rotten, before[paths[b"clip.mov"]][:100]])
    assert len(bags) == 2
    assert rig.staged() == []
    assert set(rig.payload()) == {str(path.relative_to(rig.archive)) for path in paths.values()}
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.well.files, result.damaged_count) == (4, 0)


async def test_no_source_has_it(rig: Rig, bags: list[int], tmp_path: Path) -> None:
    paths = await filled(rig)
    paths[b"a.jpg"].write_bytes(random_bytes(3000, 5))
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    write(tmp_path / "first/a.jpg", random_bytes(3000, 6))
    result = await rig.engine.maintenance.audit(
        str(rig.archive), silent, AuditScope(heal=(str(tmp_path / "first"),))
    )
    assert (result.healed, result.damaged_count, bags) == ((), 1, [])
    assert not (rig.archive / ".lading/damaged").exists()
    with pytest.raises(SourceError):
        await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(tmp_path / "nothing"),)))


async def test_killed_before_the_name_is_given(rig: Rig, bags: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    paths = await filled(rig)
    good = paths[b"a.jpg"].read_bytes()
    paths[b"a.jpg"].write_bytes(random_bytes(3000, 5))
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    with monkeypatch.context() as killing:
        ask = Worker.ask

        async def killed(self: Worker, request: object, wanted: type) -> object:
            if isinstance(request, batch_messages.Publish):
                self.process.kill()
                await self.process.wait()
            return await ask(self, request, wanted)  # type: ignore[arg-type]

        killing.setattr(Worker, "ask", killed)
        result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(rig.source),)))
    assert (result.healed, result.damaged_count) == ((), 1)
    assert not paths[b"a.jpg"].exists()
    assert len(os.listdir(rig.archive / archive_layout.DAMAGED_FOLDER)) == 1
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(rig.source),)))
    assert (len(result.healed), result.damaged_count) == (1, 0)
    assert paths[b"a.jpg"].read_bytes() == good


async def copied(rig: Rig) -> tuple[dict[bytes, Path], Path]:
    """An archive and its mirror."""
    paths = await filled(rig)
    backup = rig.root / "backup"
    name = await rig.engine.mirrors.start(str(rig.archive), str(backup), both=False)
    await rig.engine.mirrors.wait(name)
    return paths, backup


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "not recorded"])
async def test_a_healing_that_is_killed_leaves_the_bag_to_be_made(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    """The bag was made while the file was gone, and names it no more. The file is back: recorded by the engine
    that is killed then, or found by the next healing."""
    payload = (await filled(rig))[b"a.jpg"]
    payload.rename(rig.root / "kept")
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    database, sick, dead = rig.engine.database, "SELECT count(*) FROM item WHERE damage IS NOT NULL", False
    await database.run(("DELETE FROM job WHERE queue = 'bagit'", [()]))
    if not recorded:
        (rig.root / "kept").rename(payload)
    write = database.write

    async def killed(unit: Unit[Any]) -> Any:
        nonlocal dead
        if dead:
            raise DatabaseError("the engine was killed.")
        result = await write(unit)
        dead = await database.read(sick) == [(0,)]
        return result

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", killed)
        with suppress(DatabaseError):
            await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(rig.source),)))
    assert dead
    assert await database.read("SELECT state FROM job WHERE queue = 'bagit'") == [("ready",)]


@pytest.mark.parametrize("older_than", [None, -1.0], ids=["all", "some"])
@pytest.mark.parametrize("writable", [True, False], ids=["writable", "read-only"])
async def test_an_audit_that_finds_a_file_well_again_has_its_bag_made(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, older_than: float | None, writable: bool
) -> None:
    """But not in an archive that may only be read: its job would wait for ever."""
    payload, scope = (await filled(rig))[b"a.jpg"], AuditScope(older_than=older_than)
    payload.rename(rig.root / "kept")
    await rig.engine.maintenance.audit(str(rig.archive), silent, scope)
    (rig.root / "kept").rename(payload)
    await rig.engine.database.run(("DELETE FROM job WHERE queue = 'bagit'", [()]))
    if not writable:
        read_only = property(lambda archive: False, lambda archive, value: None)
        monkeypatch.setattr(Archive, "writable", read_only, raising=False)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent, scope)).damaged_count == 0
    jobs = await rig.engine.database.read("SELECT state FROM job WHERE queue = 'bagit'")
    assert jobs == ([("ready",)] if writable else [])


async def test_healed_from_another_copy(rig: Rig, bags: list[int]) -> None:
    """Without the card. What is rotten in both stays so until one of them is well."""
    paths, backup = await copied(rig)
    before = {path: path.read_bytes() for path in paths.values()}
    paths[b"a.jpg"].write_bytes(random_bytes(3000, 5))
    paths[b"clip.mov"].unlink()
    paths[b"b.jpg"].write_bytes(random_bytes(3000, 6))
    (backup / paths[b"b.jpg"].relative_to(rig.archive)).write_bytes(random_bytes(3000, 7))
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 3
    scope = AuditScope(copies=True)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, scope)
    assert (len(result.healed), result.damaged_count, len(bags)) == (2, 1, 1)
    assert all(source.startswith(str(backup)) for _, source in result.healed)
    assert paths[b"b.jpg"].read_bytes() == random_bytes(3000, 6)
    both = AuditScope(copies=True, heal=(str(rig.source),))
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent, both)).damaged_count == 0
    assert {path: path.read_bytes() for path in paths.values()} == before
    assert rig.staged() == []


async def test_a_copy_is_healed_from_the_archive(rig: Rig, bags: list[int]) -> None:
    """What is known of the archive in use stays as it is; what was in the way is put aside."""
    paths, backup = await copied(rig)
    victim = backup / paths[b"a.jpg"].relative_to(rig.archive)
    victim.write_bytes(b"of somebody else")
    assert (await rig.engine.maintenance.audit(str(backup), silent)).damaged_count == 1
    result = await rig.engine.maintenance.audit(str(backup), silent, AuditScope(copies=True))
    assert (len(result.healed), result.damaged_count, bags) == (1, 0, [])
    assert victim.read_bytes() == paths[b"a.jpg"].read_bytes()
    (kept,) = (backup / ".lading/damaged").iterdir()
    assert kept.read_bytes() == b"of somebody else"
    assert not (rig.archive / ".lading/damaged").exists()
    assert list((backup / ".lading/staging").iterdir()) == []
    audit = await rig.engine.maintenance.audit(str(backup), silent, AuditScope(older_than=0.0))
    assert (audit.well.files, audit.damaged_count) == (4, 0)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 0


@pytest.mark.parametrize("of_copy", [False, True])
async def test_what_the_same_reading_finds_is_healed(rig: Rig, bags: list[int], *, of_copy: bool) -> None:
    """Nothing was known of it when the audit began: rotten, gone, and in a file that was never read back there."""
    paths, backup = await copied(rig)
    root = backup if of_copy else rig.archive
    before = {path: path.read_bytes() for path in paths.values()}
    there = {name: root / path.relative_to(rig.archive) for name, path in paths.items()}
    there[b"a.jpg"].write_bytes(random_bytes(3000, 5))
    there[b"clip.mov"].unlink()
    result = await rig.engine.maintenance.audit(str(root), silent, AuditScope(copies=True, older_than=0.0))
    assert (len(result.healed), result.damaged_count) == (2, 0)
    assert {path: (root / path.relative_to(rig.archive)).read_bytes() for path in before} == before


async def test_of_a_copy_that_nobody_has_read_all_is_read(rig: Rig, bags: list[int]) -> None:
    """Made by other means than a mirror: nothing is known to be damaged, and healing finds it once."""
    paths = await filled(rig)
    backup = rig.root / "backup"
    shutil.copytree(rig.archive, backup)
    victim = backup / paths[b"a.jpg"].relative_to(rig.archive)
    victim.write_bytes(random_bytes(3000, 5))
    result = await rig.engine.maintenance.audit(str(backup), silent, AuditScope(copies=True))
    assert (result.checked.files, len(result.healed), result.damaged_count) == (4, 1, 0)
    assert victim.read_bytes() == paths[b"a.jpg"].read_bytes()
    again = await rig.engine.maintenance.audit(str(backup), silent, AuditScope(copies=True))
    assert (again.checked.files, again.healed) == (0, ())


async def test_two_healings_at_the_same_moment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has brought is not put aside by the other."""
    paths = await filled(rig)
    paths[b"a.jpg"].write_bytes(b"rotten")
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    replace, began = Repair._replace, asyncio.Event()

    async def late(self: Repair, worker: Worker, item: Item, aside: str, level: str) -> None:
        if not began.is_set():
            began.set()
            await asyncio.sleep(1)  # for the other one
        await replace(self, worker, item, aside, level)

    monkeypatch.setattr(Repair, "_replace", late)
    scope = AuditScope(heal=(str(rig.source),))
    heals = [rig.engine.maintenance.audit(str(rig.archive), silent, scope) for _ in range(2)]
    results = await asyncio.gather(*heals)
    assert [result.damaged_count for result in results] == [0, 0]
    assert sum(len(result.healed) for result in results) == 1
    aside = [path.read_bytes() for path in (rig.archive / archive_layout.DAMAGED_FOLDER).iterdir()]
    assert aside == [b"rotten"]
    assert paths[b"a.jpg"].read_bytes() == (rig.source / "a.jpg").read_bytes()
