"""The audit finds what is no longer as it was archived, and the next import brings it again."""

import asyncio
import os

import pytest

from core.errors import ArchiveError
from core.importing import audit
from core.models import Count, Verdict
from core.workers.pool import TaskFailedError
from tests.core.importing.rig import Rig, random_bytes, write


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def filled(rig: Rig, count: int = 20) -> list[str]:
    """An archive of some files; their payload paths."""
    for number in range(count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()
    return sorted(rig.payload())


async def test_well(rig: Rig) -> None:
    await filled(rig)
    write(rig.source / "clip.mov", random_bytes(9 << 20, 1))
    await rig.imported()
    seen: list[tuple[Count, Count]] = []
    result = await rig.engine.upkeep.audit(str(rig.archive), lambda done, total: seen.append((done, total)))
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
    result = await rig.engine.upkeep.audit(str(rig.archive), silent)
    assert (result.checked.files, result.well.files, result.damaged_count) == (20, 17, 3)
    assert dict(result.damaged) == {
        flipped: "its content is not what was archived",
        missing: "No such file or directory",
        short: "it has 10 bytes, not 3,000",
    }
    # The damaged ones are archived again, whatever the record says.
    view = await rig.imported(known="record")
    assert (view.archived.files, view.duplicate.files, view.verdict) == (3, 17, Verdict.SAFE)
    assert bytes(data) == (rig.archive / flipped).read_bytes()
    result = await rig.engine.upkeep.audit(str(rig.archive), silent)
    assert (result.checked.files, result.damaged_count) == (20, 0)


async def test_damage_that_was_mended_by_hand(rig: Rig) -> None:
    path, *_ = await filled(rig)
    os.rename(rig.archive / path, rig.root / "aside")
    assert (await rig.engine.upkeep.audit(str(rig.archive), silent)).damaged_count == 1
    os.rename(rig.root / "aside", rig.archive / path)
    assert (await rig.engine.upkeep.audit(str(rig.archive), silent)).damaged_count == 0


async def test_interrupted_and_taken_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 5)
    await filled(rig)
    pages = 0

    class EnoughError(Exception):
        pass

    def stop(done: Count, total: Count) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        await rig.engine.upkeep.audit(str(rig.archive), stop)
    assert not (rig.archive / ".lading/lock").exists()
    await rig.restarted()
    result = await rig.engine.upkeep.audit(str(rig.archive), silent)
    assert result.checked.files == 10
    assert (await rig.engine.upkeep.audit(str(rig.archive), silent)).checked.files == 20


async def test_two_at_once_and_beside_an_import(rig: Rig) -> None:
    await filled(rig)
    write(rig.source / "new.jpg", b"new")
    results = await asyncio.gather(
        rig.engine.upkeep.audit(str(rig.archive), silent),
        rig.engine.upkeep.audit(str(rig.archive), silent),
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
        await rig.engine.upkeep.audit(str(rig.archive), unmount)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert isinstance(caught.value.__cause__.exceptions[0], TaskFailedError)
    with pytest.raises(ArchiveError):
        await rig.engine.upkeep.audit(str(rig.archive), silent)


async def test_an_empty_archive(rig: Rig) -> None:
    await rig.imported()
    result = await rig.engine.upkeep.audit(str(rig.archive), silent)
    assert (result.checked.files, result.damaged_count, result.level) == (0, 0, "")
