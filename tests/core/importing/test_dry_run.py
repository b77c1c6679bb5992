"""The survey: what it tells of real cards before anything is read."""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from core.errors import ArchiveAwayError
from core.models import ImportRequest, Side
from core.workers import listing
from core.workers.messages import Fault
from core.workers.pool import Pool, TaskFailedError
from core.workers.source_messages import Entry, ListTree
from tests.core.importing.rig import Rig, state, write
from tests.rigs.cards import Maker, card_tree

pytestmark = pytest.mark.process

TOLD: dict[Maker, tuple[str, int, int, int]] = {
    "sony": ("Sony", 1, 0, 5),
    "avchd": ("AVCHD", 0, 0, 2),
    "gopro": ("GoPro", 1, 1, 2),
    "canon": ("Canon", 3, 0, 2),
    "dji": ("DJI", 1, 0, 0),
    "apple": ("Apple", 0, 0, 0),
}
"""Cameras, RAW + JPEG pairs, takes in several chapters, files about the card itself."""


async def test_what_a_card_is_told_by_its_names(rig: Rig) -> None:
    for maker in TOLD:
        card_tree(os.fsencode(rig.root / maker), maker)
    surveys = await rig.engine.imports.survey([rig.request(rig.root / maker) for maker in TOLD])
    for maker, survey in zip(TOLD, surveys, strict=True):
        assert (survey.cameras, survey.pairs, survey.takes, survey.indexes) == TOLD[maker], maker
        assert survey.seconds is None, "nothing was measured yet"


async def test_a_name_with_other_content_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(rig.source / "DCIM/100CANON/IMG_0001.JPG", b"first")
    write(rig.source / "DCIM/100CANON/IMG_0002.JPG", b"stays")
    await rig.imported()
    write(first, b"quite another")
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.new.files, survey.duplicate.files, survey.reused.files, survey.reused.bytes) == (1, 1, 1, 13)
    assert any(warning.startswith("1 name was imported before") for warning in survey.warnings)
    assert survey.broken_off == ""

    async def one_page(pool: Pool, what: str, request: ListTree) -> AsyncGenerator[list[Entry], None]:
        async with aclosing(pages(pool, what, request)) as found:
            yield await anext(found)
        raise TaskFailedError(Fault(Side.SOURCE, "it is gone", lost=True))

    pages = listing.pages
    monkeypatch.setattr(listing, "pages", one_page)
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.files.files, survey.broken_off) == (2, "it is gone")
    assert survey.warnings[0] == "The listing broke off: it is gone."


async def test_what_is_accepted_is_no_reason_against_safe(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    (rig.source / "link").symlink_to("a.jpg")
    for accept, told in (((), "2 entries"), (("links",), "1 entry"), (("links", "excluded"), "")):
        (survey,) = await rig.engine.imports.survey([rig.request(exclude=("*.tmp",), accept=accept)])
        warnings = (f"{told} would not be archived: the verdict cannot be SAFE.",) if told else ()
        assert survey.warnings == warnings


async def test_new_files_are_told_apart_from_those_that_were_archived(rig: Rig) -> None:
    old = write(rig.source / "DCIM/old.jpg", b"old")
    os.utime(old, (1000, 1000))
    await rig.imported()
    new = write(rig.source / "DCIM/new.jpg", b"new")
    os.utime(new, (5000, 5000))
    files = [
        (os.fsencode(f"DCIM/{path.name}"), path.stat().st_size, path.stat().st_mtime_ns)
        for path in (old, new, old)
    ]
    files[2] = (files[2][0], files[2][1] + 1, files[2][2])
    recognise = rig.engine.imports.recognise
    assert await recognise(str(rig.source), str(rig.archive), files) == [True, False, False]
    assert await recognise(str(rig.source), str(rig.root / "another"), files) == [False, False, False]
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.earliest, survey.latest) == (1000, 5000)


async def test_the_time_is_that_of_earlier_imports(rig: Rig) -> None:
    write(rig.source / "a.jpg", bytes(40_000))
    await rig.imported()
    await rig.engine.database.run(("UPDATE import SET started = 1000, ended = 1010, bytes_read = 40000", [()]))
    write(rig.source / "b.jpg", bytes(360_001))
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert survey.seconds == pytest.approx(400_001 / 4000)
    (survey,) = await rig.engine.imports.survey([rig.request(known="record")])
    assert survey.seconds == pytest.approx(360_001 / 4000)
    await rig.engine.database.run(("UPDATE import SET runs = 2", [()]))
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert survey.seconds is None, "it may have lain still between its runs"


async def test_a_photo_library_is_asked_about(rig: Rig) -> None:
    write(rig.source / "Ours.photoslibrary/originals/a.heic", b"a")
    write(rig.source / "b.jpg", b"b")
    before = state(rig.source)
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.libraries, survey.new.files, survey.skipped.files) == (1, 1, 1)
    asked: ImportRequest = rig.request(libraries=True)
    (survey,) = await rig.engine.imports.survey([asked])
    assert (survey.libraries, survey.new.files, survey.skipped.files) == (0, 2, 0)
    assert state(rig.source) == before


async def test_an_archive_that_was_there_and_is_away_refuses_the_import(rig: Rig) -> None:
    """The import would be refused, too; what the archive holds is known from the catalog all the same."""
    write(rig.source / "DCIM/a.jpg", b"first")
    await rig.imported()
    write(rig.source / "DCIM/b.jpg", b"second")
    away = rig.archive.rename(rig.root / "away")
    for made in (False, True):
        # An empty mount point is no archive either, nor its free room that of the archive.
        if made:
            rig.archive.mkdir()
        (survey,) = await rig.engine.imports.survey([rig.request()])
        assert survey.refused.startswith(f"there is no archive at {rig.archive}. Check the path")
        assert survey.away
        assert survey.warnings[0] == f"It cannot be imported: {survey.refused}"
        assert (survey.new.files, survey.duplicate.files, survey.free) == (1, 1, None)
        assert await rig.engine.imports.recognise(
            str(rig.source), str(rig.archive), [(b"DCIM/a.jpg", 5, (rig.source / "DCIM/a.jpg").stat().st_mtime_ns)]
        ) == [True]
        with pytest.raises(ArchiveAwayError):
            await rig.engine.imports.start_imports([rig.request()])
    rig.archive.rmdir()
    away.rename(rig.archive)
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.refused, survey.new.files) == ("", 1)
    assert survey.free


async def test_an_archive_that_was_never_there_is_made(rig: Rig) -> None:
    write(rig.source / "DCIM/a.jpg", b"first")
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.refused, survey.new.files) == ("", 1)
