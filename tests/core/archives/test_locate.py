"""Which archive is where."""

import os
from pathlib import Path

import pytest

from core.archives.locate import Locate, left, seen_at
from core.catalog import Catalog, CopyRow
from core.database import Database
from core.errors import ArchiveAwayError, ArchiveError, ArchiveHeldError


async def test_two_archives_at_one_place_in_turn(tmp_path: Path) -> None:
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    first = await catalog.archive("first", b"/place", "one volume", b"archive")
    second = await catalog.archive("second", b"/place", "another volume", b"archive")
    assert await catalog.archive_at(b"/place") == second
    assert await catalog.archive("first", b"/place", "one volume", b"archive") == first
    assert await catalog.archive_at(b"/place") == first
    assert await catalog.archive_on(first) == ("one volume", b"archive")
    assert await catalog.archive_on(second) == ("another volume", b"archive")
    assert await Locate(catalog).elsewhere(second, b"/place") == []
    assert await Locate(catalog).elsewhere(99, b"/place") == []
    await database.close()


async def test_an_archive_that_changes_between_two_places(tmp_path: Path) -> None:
    """As a share that Finder mounts as NAS and as NAS-1 in turn; and a copy of it."""
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    try:
        for turn in range(3):
            for place in (b"/Volumes/NAS", b"/Volumes/NAS-1"):
                id = await catalog.archive("one", place, "its volume", b"%d" % turn)
        assert await catalog.formerly_at(b"/Volumes/NAS") == [(id, "its volume", b"2")]
        assert await catalog.formerly_at(b"/Volumes/NAS-1") == [(id, "its volume", b"1")]
        await database.run(
            ("INSERT INTO copy SELECT 1, id, path, volume, root, fsid, mark, seen FROM archive", [()])
        )
        for place in (b"/a", b"/b", b"/a", b"/b"):
            await catalog.copy_seen(CopyRow(1, id, place, "another volume", b"", "", ""))
        assert await catalog.formerly_at(b"/a") == [(id, "another volume", b"")]
    finally:
        await database.close()


@pytest.mark.parametrize("mounted", [False, True])
async def test_where_an_archive_was_none_is_made_while_its_volume_is_away(
    mounted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its volume there it was moved on that, and the old name is free."""
    monkeypatch.setattr(
        "core.archives.locate.Known.places", lambda *_: [b"/mnt/archive", b"/mnt/elsewhere"] if mounted else []
    )
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    id = await catalog.archive("first", b"/mnt/archive", "its volume", b"archive")
    assert await seen_at(b"/mnt/archive", catalog)
    assert await left(b"/mnt/archive", catalog) is None
    assert await catalog.archive("first", b"/mnt/elsewhere", "its volume", b"elsewhere") == id
    assert await seen_at(b"/mnt/elsewhere", catalog)
    assert await left(b"/mnt/archive", catalog) == (None if mounted else id)
    assert await seen_at(b"/mnt/archive", catalog) == (not mounted)
    assert not await seen_at(b"/mnt/never", catalog)
    await database.close()


async def test_a_volume_that_was_not_identified_may_be_away(tmp_path: Path) -> None:
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    was = os.fsencode(tmp_path / "was")
    id = await catalog.archive("first", was)
    await catalog.archive("first", b"/mnt/elsewhere")
    assert await left(was, catalog) == id
    await database.close()


@pytest.mark.parametrize(
    ("refused", "tried"),
    [
        (ArchiveHeldError("held", ""), [b"/mnt/archive"]),
        (ArchiveAwayError("away", ""), [b"/mnt/archive", b"/mnt/other/archive"]),
    ],
)
async def test_an_archive_that_is_held_is_not_looked_for_elsewhere(
    refused: ArchiveError, tried: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another mount of its volume may show the same archive, with the same lock."""
    places = [b"/mnt/archive", b"/mnt/other/archive"]
    monkeypatch.setattr("core.archives.locate.Known.places", lambda *_: places)
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    await catalog.archive("first", b"/mnt/archive", "its volume", b"archive")
    asked: list[bytes] = []

    async def use(path: str, _: int | None) -> None:
        asked.append(os.fsencode(path))
        raise refused

    with pytest.raises(type(refused)):
        await Locate(catalog).find("/mnt/archive", None, use)
    await database.close()
    assert asked == tried
