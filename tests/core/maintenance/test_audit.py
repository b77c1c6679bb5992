"""The audit finds what is no longer as it was archived, and the next import brings it again."""

import asyncio
import errno
import os
import time

import msgspec
import pytest

from core.archives import archive
from core.catalog import import_list
from core.catalog.card_list import cards
from core.errors import ArchiveError
from core.maintenance import audit
from core.models import Count, Side, Verdict
from core.results import AuditResult, AuditScope
from core.volumes.filesystems import StorageKind
from core.workers import archive_messages
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError, Worker
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = pytest.mark.process


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def filled(rig: Rig, count: int = 20) -> list[str]:
    """An archive of some files; their payload paths."""
    for number in range(count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()
    return sorted(rig.payload())


YEAR = 365 * 86_400.0


async def damaged_since(rig: Rig) -> tuple[list[int], list[int]]:
    """What is told beside the verdict of then: of each card, and of each import."""
    read = rig.engine.database.read
    records = await import_list.page(read, (), 0, unfinished=False)
    return [card.damaged for card in await cards(read, frozenset())], [record.damaged for record in records]


async def test_an_audit_of_sound_files_reads_all_of_them(rig: Rig) -> None:
    await filled(rig)
    write(rig.source / "clip.mov", random_bytes(9 << 20, 1))
    await rig.imported()
    seen: list[tuple[Count, Count]] = []
    result = await rig.engine.maintenance.audit(str(rig.archive), lambda done, total: seen.append((done, total)))
    assert (result.checked.files, result.well.files, result.damaged_count) == (21, 21, 0)
    assert result.well.bytes == 20 * 3000 + (9 << 20)
    assert seen[-1] == (result.checked, result.checked)
    assert result.complete
    assert not (rig.archive / ".lading/lock").exists()


async def test_damaged_and_missing(rig: Rig) -> None:
    flipped, missing, short, *_ = await filled(rig)
    data = bytearray((rig.archive / flipped).read_bytes())
    data[1000] ^= 1
    (rig.archive / flipped).write_bytes(data)
    os.unlink(rig.archive / missing)
    os.truncate(rig.archive / short, 10)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.well.files, result.damaged_count) == (20, 17, 3)
    assert dict(result.damaged) == {
        flipped: "its content is not what was archived",
        missing: "No such file or directory",
        short: "it has 10 bytes, not 3,000",
    }
    assert await damaged_since(rig) == ([3], [3])
    # The damaged ones are archived again, whatever the record says.
    view = await rig.imported(known="record")
    assert await damaged_since(rig) == ([0], [0, 0])
    assert (view.archived.files, view.duplicate.files, view.verdict) == (3, 17, Verdict.SAFE)
    assert bytes(data) == (rig.archive / flipped).read_bytes()
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.damaged_count) == (20, 0)


async def test_only_some_contents(rig: Rig) -> None:
    """What is read again for one is that one: another's damage is not found, what is well is not marked."""
    flipped, missing, well, *_ = await filled(rig)
    (rig.archive / flipped).write_bytes(random_bytes(3000, 99))
    os.unlink(rig.archive / missing)
    scope = AuditScope(contents=tuple(os.path.basename(path).partition(".")[0] for path in (flipped, well)))
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, scope)
    assert (result.checked.files, result.well.files) == (2, 1)
    assert dict(result.damaged) == {flipped: "its content is not what was archived"}


async def test_damage_that_was_mended_by_hand(rig: Rig) -> None:
    path, *_ = await filled(rig)
    os.rename(rig.archive / path, rig.root / "aside")
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 1
    os.rename(rig.root / "aside", rig.archive / path)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 0


@pytest.mark.parametrize("well", [True, False])
async def test_what_was_found_meanwhile_stays(rig: Rig, monkeypatch: pytest.MonkeyPatch, well: bool) -> None:
    """While an audit reads, a file is healed, or found to be damaged: an older reading is no newer finding."""
    path, *_ = await filled(rig)
    payload, aside = rig.archive / path, rig.root / "aside"
    if well:
        os.rename(payload, aside)
    scope = AuditScope(contents=(os.path.basename(path).partition(".")[0],))
    ask, asked = Worker.ask, 0

    async def late(self: Worker, request: object, wanted: type) -> object:
        nonlocal asked
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(request, archive_messages.Audit):
            asked += 1
            if asked == 1:
                os.rename(*((aside, payload) if well else (payload, aside)))
                await rig.engine.maintenance.audit(str(rig.archive), silent, scope)
        return answer

    monkeypatch.setattr(Worker, "ask", late)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.well.files, result.damaged_count) == (20, 19 + well, 1 - well)


@pytest.mark.promise(37)
@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("ahead", [0.0, 80 * YEAR])
async def test_interrupted_and_taken_up(rig: Rig, monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """Also where the clock was far ahead when the files were archived."""
    monkeypatch.setattr(audit, "PAGE", 5)
    await filled(rig)
    await rig.engine.database.run(("UPDATE item SET read_back = read_back + ?", [(ahead,)]))
    ((locked,),) = await rig.engine.database.read("SELECT path FROM item ORDER BY id LIMIT 1")
    pages = 0

    class EnoughError(Exception):
        pass

    def stop(done: Count, total: Count) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise EnoughError

    (rig.archive / locked).chmod(0)
    with pytest.raises(EnoughError):
        await rig.engine.maintenance.audit(str(rig.archive), stop)
    assert not (rig.archive / ".lading/lock").exists()
    await rig.restarted()
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert result.checked.files == 10
    assert [path for path, _ in result.not_read] == [locked], "what could not be read before it was stopped"
    (rig.archive / locked).chmod(0o600)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).checked.files == 20


async def test_two_at_once_and_beside_an_import(rig: Rig) -> None:
    await filled(rig)
    write(rig.source / "new.jpg", b"new")
    results = await asyncio.gather(
        rig.engine.maintenance.audit(str(rig.archive), silent),
        rig.engine.maintenance.audit(str(rig.archive), silent),
        rig.imported(),
    )
    assert results[2].verdict is Verdict.SAFE
    assert not (rig.archive / ".lading/lock").exists()


async def test_the_archive_goes_away(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 5)
    await filled(rig)

    def unmount(done: Count, total: Count) -> None:
        if rig.archive.exists():
            os.rename(rig.archive, rig.root / "away")

    with pytest.raises(ArchiveError, match="does not answer") as caught:
        await rig.engine.maintenance.audit(str(rig.archive), unmount)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert isinstance(caught.value.__cause__.exceptions[0], TaskFailedError)
    with pytest.raises(ArchiveError):
        await rig.engine.maintenance.audit(str(rig.archive), silent)


async def test_an_empty_archive(rig: Rig) -> None:
    await rig.imported()
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.damaged_count, result.level) == (0, 0, "")


async def locked_away(rig: Rig) -> AuditResult:
    """An audit of an archive in which one file may not be read, and another that was known to be damaged."""
    locked, sick, *_ = await filled(rig)
    (rig.archive / sick).write_bytes(b"rotten")
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 1
    for path in (locked, sick):
        (rig.archive / path).chmod(0)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.well.files) == (20 - result.not_read_count, 18)
    for path in (locked, sick):
        (rig.archive / path).chmod(0o600)
    return result


@pytest.mark.promise(37)
@pytest.mark.parametrize(
    ("kind", "times", "damaged"),
    [(StorageKind.NETWORK, 1, 0), (StorageKind.NETWORK, 9, 1), (StorageKind.LOCAL, 1, 1)],
)
async def test_a_session_that_ended_while_a_file_was_read_is_no_damage(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, kind: StorageKind, times: int, damaged: int
) -> None:
    """On a network both give EIO; what is damaged there gives it again."""
    real, ask, left = archive.filesystem_of, Worker.ask, times
    monkeypatch.setattr(archive, "filesystem_of", lambda mount: msgspec.structs.replace(real(mount), kind=kind))
    path, *_ = await filled(rig)

    async def ended(self: Worker, request: object, wanted: type) -> object:
        nonlocal left
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if left and isinstance(request, archive_messages.Audit):
            assert isinstance(answer, archive_messages.Audited)
            if path in (names := [name for name, *_ in request.files]):
                left -= 1
                answer.files[names.index(path)] = ("", Fault(Side.ARCHIVE, "Input/output error", errno.EIO))
        return answer

    monkeypatch.setattr(Worker, "ask", ended)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (result.checked.files, result.well.files, result.damaged_count) == (20, 20 - damaged, damaged)
    left = times
    checked = await rig.engine.restore_check.check(str(rig.source), str(rig.archive), silent, read=True)
    assert checked.verdict == (Verdict.KEEP if damaged else Verdict.SAFE)


@pytest.mark.promise(37)
@pytest.mark.usefixtures("bound")
async def test_what_may_not_be_read_is_neither_well_nor_damaged(rig: Rig) -> None:
    result = await locked_away(rig)
    assert [why for _, why in result.not_read] == ["Permission denied"] * 2
    assert [why for _, why in result.damaged] == ["it has 6 bytes, not 3,000"], "what was known of one stays"
    # Nothing of it is kept: a card whose copy may just not be read is not archived anew, nor shown as damaged.
    read = rig.engine.database.read
    assert await read("SELECT count(*) FROM item WHERE damage IS NOT NULL") == [(1,)]
    after = await rig.engine.maintenance.audit(str(rig.archive), silent)
    assert (after.well.files, after.not_read_count, after.damaged_count) == (19, 0, 1)


@pytest.mark.control(37)
@pytest.mark.usefixtures("bound")
async def test_an_audit_that_takes_that_for_damage_is_seen(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "not_read", lambda fault: False)
    result = await locked_away(rig)
    assert result.damaged_count == 2


@pytest.mark.usefixtures("bound")
async def test_a_limited_audit_passes_over_what_may_not_be_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 3)
    for path in (await filled(rig))[:4]:
        (rig.archive / path).chmod(0)
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(older_than=0))
    assert (result.well.files, result.not_read_count, result.damaged_count) == (16, 4, 0)


async def test_what_was_read_while_the_clock_was_ahead_is_due(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once, also when the clock is set back meanwhile."""
    await filled(rig)
    year = 365 * 86_400.0
    await rig.engine.database.run(("UPDATE item SET read_back = read_back + ? WHERE id % 2", [(80 * year,)]))
    scope = AuditScope(older_than=86_400.0)
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])

    def set_back(done: Count, total: Count) -> None:
        ahead[0] -= year

    monkeypatch.setattr(audit, "PAGE", 3)
    result = await rig.engine.maintenance.audit(str(rig.archive), set_back, scope)
    assert (result.checked.files, result.well.files) == (10, 10)
    ahead[0] = 0.0
    result = await rig.engine.maintenance.audit(str(rig.archive), silent, scope)
    assert result.checked.files == 0
