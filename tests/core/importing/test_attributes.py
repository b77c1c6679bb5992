"""Extended attributes that cannot be kept are counted and named, and it is never SAFE without them."""

import json
import os
import sys
from pathlib import Path

import pytest

from core.journal.replay import attributes
from core.models import State, Verdict
from core.results import CheckResult
from tests.core.importing.rig import Rig, photos
from tests.rigs import sabotage

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform != "linux", reason="os.setxattr is Linux only")]

LONG = bytes(range(256)) * 4


@pytest.fixture
def card(rig: Rig) -> Path:
    """Three pictures, one with a long extended attribute and a short one."""
    photos(rig.source, 3)
    try:
        os.setxattr(rig.source / "0001.jpg", "user.fork", LONG)
        os.setxattr(rig.source / "0001.jpg", "user.short", b"s")
    except OSError:
        pytest.skip("no extended attributes here")
    return rig.source


def rows(rig: Rig) -> list[dict[str, object]]:
    """What the newest journal says of the picture."""
    lines = [json.loads(line) for line in rig.journals()[-1].read_text().splitlines()]
    return [line for line in lines if line.get("file") == "0001.jpg"]


async def checked(rig: Rig, *, read: bool) -> CheckResult:
    """The card, by the record or read."""
    return await rig.engine.restore_check.check(str(rig.source), str(rig.archive), lambda _, __: None, read=read)


@pytest.mark.promise(33)
async def test_one_that_is_not_kept_is_named_and_never_safe(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "keeps short attributes"):
        first = await rig.imported()
        again = await rig.imported()
        by_record = await rig.imported(known="record")
        for read in (False, True):
            result = await checked(rig, read=read)
            assert result.verdict is Verdict.KEEP
            assert result.files[0][0] == "0001.jpg"
    for view in (first, again, by_record):
        assert (view.state, view.verdict) == (State.DONE, Verdict.KEEP)
        assert view.verdict_reason == (
            "1 has extended attributes that could not be kept (--accept attributes) (such as 0001.jpg)"
        )
    assert (first.archived.files, again.duplicate.files) == (3, 3)
    assert "(extended attributes not kept: user.fork)" in rig.receipts()[0].read_text()
    (row,) = rows(rig)
    assert row["xattrs_unkept"] == "user.fork"
    assert attributes(row)[b"user.short"] == b"s"


@pytest.mark.promise(33)
async def test_the_archive_itself_knows_it(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "keeps short attributes"):
        await rig.imported()
        await rig.restarted("another home")
        await rig.engine.maintenance.rebuild(str(rig.archive))
        assert (await checked(rig, read=False)).verdict is Verdict.KEEP


@pytest.mark.promise(33)
@pytest.mark.usefixtures("numbered")
async def test_kept_by_a_later_import_it_is_safe(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "keeps short attributes"):
        assert (await rig.imported()).verdict is Verdict.KEEP
    await rig.restarted()
    assert (await rig.imported(known="record")).verdict is Verdict.SAFE
    (row,) = rows(rig)
    assert attributes(row) == {b"user.fork": LONG, b"user.short": b"s"}
    assert (await checked(rig, read=False)).verdict is Verdict.SAFE


@pytest.mark.promise(33)
@pytest.mark.usefixtures("numbered")
async def test_accepted_it_is_safe_and_said_beside_that(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "keeps short attributes"):
        assert (await rig.imported(accept=("links", "special", "excluded"))).verdict is Verdict.KEEP
        view = await rig.imported(accept=("attributes",))
        told = "1 is whole but for extended attributes that could not be kept, as you chose"
        assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, told)
        receipt = next(path for path in rig.receipts() if view.id in path.name).read_text()
        for part in ("accepting attributes", told, "(extended attributes not kept: user.fork)"):
            assert part in receipt
        await rig.restarted("another home")
        await rig.engine.maintenance.rebuild(str(rig.archive))
        for read in (False, True):
            assert (await checked(rig, read=read)).verdict is Verdict.SAFE
        # What is not as it was accepted is not accepted.
        (card / "0001.jpg").write_bytes(b"other content")
        for read in (False, True):
            assert (await checked(rig, read=read)).verdict is Verdict.KEEP
        # Nor is it in an import that does not accept it.
        assert (await rig.imported()).verdict is Verdict.KEEP


@pytest.mark.control(33)
async def test_accepted_attributes_make_no_lost_payload_safe(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "keeps short attributes"):
        assert (await rig.imported(accept=("attributes",))).verdict is Verdict.SAFE
        ((payload,),) = await rig.engine.database.read(
            "SELECT m.path FROM file f JOIN item m ON m.id = f.item_id WHERE f.path LIKE '%0001.jpg'"
        )
        (rig.archive / payload).unlink()
        for read in (False, True):
            result = await checked(rig, read=read)
            assert (result.verdict, result.files[0][0]) == (Verdict.KEEP, "0001.jpg")


@pytest.mark.control(33)
async def test_dropped_without_a_word_it_would_be_called_safe(rig: Rig, card: Path, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "drops attributes"):
        assert (await rig.imported()).verdict is Verdict.SAFE
    assert attributes(rows(rig)[0])[b"user.fork"] == b""
