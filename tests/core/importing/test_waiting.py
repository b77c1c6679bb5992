"""An import whose source goes away waits for it; real mounts are in tests/faults/test_volumes_away.py."""

import os
from pathlib import Path

import pytest

from core.engine.volume_wait import FRUITLESS
from core.errors import SourceAwayError
from core.models import Outcome, State, Verdict, Waits
from core.snapshot import ImportView
from core.workers.health_check import answers, plugged_in
from core.workers.messages import Source
from core.workers.source_messages import Answers
from tests.core.importing.rig import Rig, expected, photos, write

pytestmark = pytest.mark.process


async def left(rig: Rig) -> ImportView:
    """An import that has lost its source in the middle."""
    photos(rig.source, 600)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    os.rename(rig.source, rig.root / "away")
    view = await rig.ended(name)
    assert (view.state, view.waits, view.failed.files) == (State.PAUSED, Waits.SOURCE, 0)
    return view


async def test_it_goes_on_by_itself(rig: Rig) -> None:
    view = await left(rig)
    assert "does not answer any more" in view.reason
    assert f"lading cancel {view.id}" in view.advice
    assert rig.engine.busy, "waiting is not idle"
    write(rig.root / "away" / "new.jpg", b"put there meanwhile")
    os.rename(rig.root / "away", rig.source)
    await rig.until(lambda: rig.view(view.id).state is State.DONE)
    assert (await rig.ended(view.id)).verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)
    assert (rig.engine.imports.running, len(rig.engine.imports.waiting)) == (0, 0)


async def test_a_person_can_go_on_with_it_at_once(rig: Rig) -> None:
    view = await left(rig)
    with pytest.raises(SourceAwayError):
        await rig.engine.imports.resume_import(view.id)
    assert view.id in rig.engine.imports.waiting
    os.rename(rig.root / "away", rig.source)
    assert (await rig.resumed(view.id)).verdict is Verdict.SAFE
    assert view.id not in rig.engine.imports.waiting


async def test_once_a_person_has_paused_it_it_waits_no_more(rig: Rig) -> None:
    view = await left(rig)
    await rig.engine.imports.pause_import(view.id)
    assert view.id not in rig.engine.imports.waiting
    assert (rig.engine.imports.running, len(rig.engine.imports.waiting)) == (0, 0), "paused by a person is idle"
    row = await rig.engine.catalog.import_named(view.id)
    assert row is not None
    assert (row.state, row.reason, row.waits) == (State.PAUSED, "by the user", "")


async def test_it_is_closed_without_its_source(rig: Rig) -> None:
    view = await left(rig)
    await rig.engine.imports.cancel_import(view.id)
    closed = await rig.ended(view.id)
    assert (closed.state, closed.verdict) == (State.CANCELLED, Verdict.KEEP)
    assert closed.archived.files + closed.todo.files == closed.seen.files
    assert closed.archived.files >= view.archived.files
    (receipt,) = rig.receipts()
    assert "KEEP" in receipt.read_text()
    rows = await rig.rows(view.id)
    assert len(rig.payload()) == sum(row.outcome is Outcome.ARCHIVED for row in rows.values())
    assert (rig.engine.imports.running, len(rig.engine.imports.waiting)) == (0, 0)


async def test_an_import_that_gets_no_further_waits_for_a_person(rig: Rig) -> None:
    view = await left(rig)
    row = await rig.engine.catalog.import_named(view.id)
    assert row is not None
    for _ in range(FRUITLESS):
        assert view.id in rig.engine.imports.waiting
        await rig.engine.imports.waiting.add(row)
    assert view.id not in rig.engine.imports.waiting
    row = await rig.engine.catalog.import_named(view.id)
    assert row is not None
    assert (row.state, row.waits) == (State.PAUSED, "")
    assert "without getting any further" in row.reason


def test_a_disk_that_was_pulled_out_is_told_by_sysfs(tmp_path: Path) -> None:
    block = tmp_path / "dev/block"
    write(block / "8:1" / "size", b"1000\n")
    write(block / "8:17" / "size", b"0\n")
    told = {minor: plugged_in(os.makedev(8, minor), str(tmp_path)) for minor in (1, 17, 33)}
    assert told == {1: True, 17: False, 33: False}
    assert plugged_in(os.makedev(0, 42), str(tmp_path)), "what is on no disk cannot be pulled out"
    assert plugged_in(os.makedev(8, 33), str(tmp_path / "no sysfs"))


def test_a_volume_answers_with_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a/b.jpg", b"b")
    root = Source(os.fsencode(tmp_path))
    answers(Answers(root, b"a/b.jpg"))
    answers(Answers(root, b"gone.jpg"))  # a file can go, and the volume be well
    with pytest.raises(OSError, match="regular"):
        answers(Answers(root, b"a"))
