"""What can be a source, beside the archive and beside other sources."""

import os

import pytest

from core.errors import SourceError, UsageError
from core.models import Outcome, Verdict
from tests.core.importing.rig import Rig, state, write


async def test_the_archive_itself_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    before = state(rig.source)
    for archive in (rig.source, rig.source / "."):
        with pytest.raises(SourceError, match="is the archive itself"):
            await rig.begun(archive=str(archive))
    # A source is never written to, not even to make an archive that is refused.
    assert state(rig.source) == before
    assert not rig.gates()
    assert await rig.engine.catalog.imports() == []


async def test_a_folder_of_the_archive_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    for path in (rig.archive, rig.archive / "locations", next(rig.archive.glob("locations/*/data"))):
        with pytest.raises(SourceError, match="or lies in it"):
            await rig.begun(path)
    os.symlink(rig.archive, rig.root / "link")
    with pytest.raises(SourceError, match="or lies in it"):
        await rig.begun(rig.root / "link/locations")
    # Nothing is held: another engine may use the archive.
    assert not (rig.archive / ".lading/lock").exists()


async def test_none_begins_when_one_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    requests = [rig.request(), rig.request(rig.root / "nowhere")]
    with pytest.raises(SourceError, match="nowhere"):
        await rig.engine.start_imports(requests)
    assert not rig.archive.exists()
    assert not rig.engine.under_way
    with pytest.raises(UsageError):
        await rig.begun(location=" ")
    with pytest.raises(UsageError):
        await rig.engine.start_imports([])


async def test_a_source_that_holds_the_archive(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    rig.archive = rig.source / "archive"
    view = await rig.imported()
    rows = await rig.rows(view.id)
    assert rows[b"a.jpg"].outcome is Outcome.ARCHIVED
    assert (rows[b"archive"].outcome, rows[b"archive"].reason) == (Outcome.SKIPPED, "the archive itself")
    assert len(rows) == 2
    assert view.verdict is Verdict.KEEP
    assert (await rig.imported()).duplicate.files == 1


async def test_sources_that_overlap_are_seen_once(rig: Rig) -> None:
    inner = write(rig.source / "DCIM/a.jpg", b"a")
    write(rig.source / "b.jpg", b"b")
    os.symlink(rig.source, rig.root / "again")
    sources = [inner, inner.parent, rig.source, rig.source, rig.root / "again"]
    names = await rig.engine.start_imports([rig.request(source) for source in sources])
    assert len(names) == 1
    view = await rig.ended(names[0])
    assert (view.seen.files, view.archived.files, view.verdict) == (2, 2, Verdict.SAFE)


async def test_sources_that_overlap_but_go_elsewhere(rig: Rig) -> None:
    inner = write(rig.source / "DCIM/a.jpg", b"a").parent
    requests = [rig.request(), rig.request(inner, location="Bern", duplicates="location")]
    views = [await rig.ended(name) for name in await rig.engine.start_imports(requests)]
    assert [view.archived.files for view in views] == [1, 1]


async def test_a_survey_writes_nothing(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "a.cr3", b"raw")
    before = state(rig.source)
    (survey,) = await rig.engine.survey([rig.request()])
    assert (survey.new.files, survey.known.files, survey.pairs, survey.free) == (2, 0, 1, None)
    assert not rig.archive.exists()
    await rig.imported()
    (survey,) = await rig.engine.survey([rig.request()])
    assert (survey.new.files, survey.known.files, survey.needed) == (0, 2, 0)
    assert survey.free
    (survey,) = await rig.engine.survey([rig.request(archive=str(rig.root / "other"))])
    assert (survey.new.files, survey.known.files) == (2, 0)
    assert state(rig.source) == before


async def test_the_volume_has_a_capacity(rig: Rig) -> None:
    await rig.imported()
    ((capacity,),) = await rig.engine.database.read("SELECT capacity FROM volume")
    found = os.statvfs(rig.source)
    assert capacity == found.f_blocks * found.f_frsize
