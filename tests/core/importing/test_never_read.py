"""SAFE is not said of archived files that were never read back: an import reads those that it relies on."""

import shutil
from collections.abc import Sequence

import pytest

from core.catalog import Item
from core.importing import archive_reading
from core.importing.import_run import Run
from core.models import Verdict
from core.snapshot import ImportView
from core.workers.messages import Fault
from tests.core.importing.rig import Rig, photos

pytestmark = pytest.mark.process

COUNT = 3


async def not_read_back(rig: Rig) -> None:
    """A card that was imported without reading its copies back."""
    photos(rig.source, COUNT)
    view = await rig.imported(verify="none")
    assert (view.verdict, view.verdict_reason) == (Verdict.KEEP, "the copies were not read back, as you chose")


def rot(rig: Rig) -> None:
    """One of the archived files changes, and keeps its size."""
    path = min(rig.archive.glob("locations/*/data/images/*/*"))
    path.write_bytes(bytes(path.stat().st_size))


async def again(rig: Rig) -> ImportView:
    """The card is imported once more; all is in the archive."""
    view = await rig.imported()
    assert view.duplicate.files == COUNT
    return view


@pytest.mark.promise(7)
async def test_what_an_import_did_not_read_back_is_read_by_the_next_one(rig: Rig) -> None:
    await not_read_back(rig)
    rot(rig)
    view = await again(rig)
    assert (view.verdict, view.verdict_reason.split(" (")[0]) == (
        Verdict.KEEP,
        "1 is no longer in the archive, or damaged there",
    )
    view = await rig.imported()
    assert (view.verdict, view.archived.files, view.duplicate.files) == (Verdict.SAFE, 1, COUNT - 1)


@pytest.mark.control(7)
async def test_it_would_be_called_safe_if_it_was_not_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(run: Run, items: Sequence[Item]) -> dict[int, Fault]:
        return {}

    monkeypatch.setattr(archive_reading, "read_unread", nothing)
    await not_read_back(rig)
    rot(rig)
    assert (await again(rig)).verdict is Verdict.SAFE


async def test_it_is_read_once(rig: Rig) -> None:
    await not_read_back(rig)
    view = await again(rig)
    assert (view.verdict, view.verified) == (Verdict.SAFE, view.seen.bytes)
    view = await again(rig)
    assert (view.verdict, view.verified) == (Verdict.SAFE, 0)


@pytest.mark.promise(7)
async def test_what_no_record_says_was_read_back_is_read(rig: Rig) -> None:
    """The catalog was built anew, and the receipts are lost."""
    photos(rig.source, COUNT)
    assert (await rig.imported()).verdict is Verdict.SAFE
    for folder in rig.archive.glob("locations/*/lading"):
        shutil.rmtree(folder)
    rot(rig)
    await rig.restarted("another")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert (await again(rig)).verdict is Verdict.KEEP
