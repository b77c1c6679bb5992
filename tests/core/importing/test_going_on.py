"""Interrupted imports go on, in another engine, with another source, with what has moved."""

import asyncio
import os

import pytest

from core.errors import ArchiveError, SourceError
from core.models import Outcome, State, Verdict
from tests.core.importing.rig import PACE, Rig, digest, expected, middle, photos, random_bytes, videos, write

pytestmark = pytest.mark.process


async def test_halt_and_go_on_in_another_engine(rig: Rig) -> None:
    photos(rig.source / "DCIM")
    size = videos(rig) + 400 * 20_000
    name = await rig.begun()
    await middle(rig, size)
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason, row.receipt) == ("paused", "Lading was stopped", "")
    assert rig.staged() == []
    view = await rig.resumed(name)
    assert (view.state, view.verdict) == (State.DONE, Verdict.SAFE)
    assert (view.seen.files, view.todo.files) == (404, 0)
    assert rig.contents() == expected(rig.source)
    # As if it had never been interrupted.
    name = await rig.begun(archive=str(rig.root / "whole"))
    whole = await rig.ended(name)
    assert (whole.seen, whole.archived, whole.duplicate) == (view.seen, view.archived, view.duplicate)
    ((size_read,), _) = await rig.engine.database.read("SELECT bytes_read FROM import ORDER BY id")
    assert size_read >= view.seen.bytes


async def test_many_interruptions(rig: Rig) -> None:
    photos(rig.source, 600)
    for number in range(3):
        write(rig.source / f"clip {number}.mov", random_bytes(9 << 20, number % 2))
    name = await rig.begun()
    for number in range(6):
        await asyncio.sleep(0.05 * number)
        await rig.restarted()
        (row,) = await rig.engine.catalog.imports()
        if row.state == State.DONE:
            break
        await rig.engine.imports.resume_import(name)
    else:
        await rig.ended(name)
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.verdict) == ("done", "SAFE")
    assert rig.contents() == expected(rig.source)
    rows = await rig.rows(name)
    assert len(rows) == 603
    assert sum(row.outcome is Outcome.DUPLICATE for row in rows.values()) >= 1
    items = await rig.engine.database.read("SELECT path FROM item")
    assert sorted(path for (path,) in items) == sorted(rig.payload())


async def test_the_source_changes_between_two_runs(rig: Rig) -> None:
    photos(rig.source, 200)
    videos(rig, 8, 8 << 20)
    # So slow that most of the videos are still to come when the first file has arrived.
    rig.engine.factory.read_limit = PACE // 8
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    await rig.restarted()
    rows = await rig.rows(name)
    # What was archived, recorded or not, is still there as it was; all else may be another by now.
    arrived = rig.contents()
    left = [
        path
        for path, row in rows.items()
        if row.outcome is Outcome.TODO and digest(rig.source / os.fsdecode(path)) not in arrived
    ]
    changed, gone = left[:2]
    (rig.source / os.fsdecode(changed)).write_bytes(random_bytes(30_000, 1000))
    (rig.source / os.fsdecode(gone)).unlink()
    write(rig.source / "new.jpg", b"new")
    view = await rig.resumed(name)
    assert view.state is State.DONE
    assert expected(rig.source) <= set(rig.payload().values())
    after = await rig.rows(name)
    assert {path for path, row in after.items() if row.outcome is Outcome.FAILED} == {gone}
    assert view.verdict is Verdict.KEEP


async def test_another_card_in_its_place(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    os.rename(rig.source, rig.root / "away")
    with pytest.raises(SourceError):
        await rig.engine.imports.resume_import(name)
    os.symlink(rig.root / "away", rig.source)
    with pytest.raises(SourceError, match="is not here"):
        await rig.engine.imports.resume_import(name)
    os.unlink(rig.source)
    os.rename(rig.root / "away", rig.source)
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_the_archive_has_moved(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    old, new = rig.archive, rig.root / "moved"
    os.rename(old, new)
    with pytest.raises(ArchiveError, match="there is no archive"):
        await rig.engine.imports.resume_import(name)
    assert not old.exists()
    # Another one in its place is not taken for it.
    rig.archive = rig.root / "second"
    await rig.imported(write(rig.root / "x/x.jpg", b"x").parent)
    os.rename(rig.archive, old)
    with pytest.raises(ArchiveError, match="is another archive now"):
        await rig.engine.imports.resume_import(name)
    assert len(list(old.glob("locations/*/data/*/*/*"))) == 1
    # Seen once at its new place it goes on there.
    rig.archive = new
    await rig.imported(rig.root / "x")
    assert (await rig.resumed(name)).verdict is Verdict.SAFE
    assert expected(rig.source) <= rig.contents()


async def test_the_archive_is_replaced_in_the_middle(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    os.rename(rig.archive, rig.root / "unmounted")
    rig.archive.mkdir()
    view = await rig.ended_unchecked(name)
    assert (view.state, view.verdict) == (State.PAUSED, Verdict.OPEN)
    assert "does not answer any more" in view.reason
    assert list(rig.archive.iterdir()) == []
    rig.archive.rmdir()
    os.rename(rig.root / "unmounted", rig.archive)
    view = await rig.resumed(name)
    assert view.verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)


async def test_the_source_goes_away_in_the_middle(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    os.rename(rig.source, rig.root / "unplugged")
    view = await rig.ended(name)
    assert (view.state, view.failed.files) == (State.PAUSED, 0)
    assert str(rig.source) in view.reason
    os.rename(rig.root / "unplugged", rig.source)
    assert (await rig.resumed(name)).verdict is Verdict.SAFE
