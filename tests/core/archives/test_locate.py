"""Which archive is where."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core.archives.locate import Locate, formerly_at, seen_at
from core.catalog import Catalog
from core.catalog.rows import CopyRow
from core.database import Database
from core.errors import ArchiveAwayError, ArchiveError, ArchiveHeldError


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    """An empty one."""
    database = await Database.open(str(tmp_path))
    try:
        yield await Catalog.open(database)
    finally:
        await database.close()


async def test_two_archives_at_one_place_in_turn(catalog: Catalog) -> None:
    first = await catalog.archive("first", b"/place", "one volume", b"archive")
    second = await catalog.archive("second", b"/place", "another volume", b"archive")
    assert await catalog.archive_at(b"/place") == second
    assert await catalog.archive("first", b"/place", "one volume", b"archive") == first
    assert await catalog.archive_at(b"/place") == first
    assert await catalog.archive_on(first) == ("one volume", b"archive")
    assert await catalog.archive_on(second) == ("another volume", b"archive")
    assert await Locate(catalog).elsewhere(second, b"/place") == []
    assert await Locate(catalog).elsewhere(99, b"/place") == []


@pytest.mark.parametrize("mounted", [False, True])
async def test_where_an_archive_was_none_is_made_while_its_volume_is_away(
    mounted: bool, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its volume there it was moved on that, and the old name is free."""
    monkeypatch.setattr(
        "core.archives.locate.VolumeFinder.places",
        lambda *_: [b"/mnt/archive", b"/mnt/elsewhere"] if mounted else [],
    )
    id = await catalog.archive("first", b"/mnt/archive", "its volume", b"archive")
    assert await seen_at(b"/mnt/archive", catalog)
    assert await formerly_at(b"/mnt/archive", catalog) is None
    assert await catalog.archive("first", b"/mnt/elsewhere", "its volume", b"elsewhere") == id
    assert await seen_at(b"/mnt/elsewhere", catalog)
    assert await formerly_at(b"/mnt/archive", catalog) == (None if mounted else id)
    assert await seen_at(b"/mnt/archive", catalog) == (not mounted)
    assert not await seen_at(b"/mnt/never", catalog)


async def test_two_mount_points_in_turn(catalog: Catalog) -> None:
    """A disk is mounted at Archive, at Archive 1 while another has that name, and so on. Each former place is kept
    as the archive was there last."""
    places = b"/mnt/archive", b"/mnt/archive 1"
    for turn in range(6):
        here, other = places[turn % 2], places[(turn + 1) % 2]
        id = await catalog.archive("first", here, "its volume", b"%d" % turn)
        assert await catalog.archive_at(here) == id
        if turn:
            assert await catalog.formerly_at(other) == [(id, "its volume", b"%d" % (turn - 1))]
    copy = CopyRow(0, id, b"/backup", "another volume", b"backup", "", "")
    number = await catalog.copy_seen(copy)
    for place in (b"/backup 1", b"/backup") * 2:
        assert await catalog.copy_seen(msgspec.structs.replace(copy, number=number, path=place)) == number


async def test_a_volume_that_was_not_identified_may_be_away(catalog: Catalog, tmp_path: Path) -> None:
    was = os.fsencode(tmp_path / "was")
    id = await catalog.archive("first", was)
    await catalog.archive("first", b"/mnt/elsewhere")
    assert await formerly_at(was, catalog) == id


@pytest.mark.parametrize(
    ("refused", "tried"),
    [
        (ArchiveHeldError("held", ""), [b"/mnt/archive"]),
        (ArchiveAwayError("away", ""), [b"/mnt/archive", b"/mnt/other/archive"]),
    ],
)
async def test_an_archive_that_is_held_is_not_looked_for_elsewhere(
    refused: ArchiveError, tried: list[bytes], catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another mount of its volume may show the same archive, with the same lock."""
    places = [b"/mnt/archive", b"/mnt/other/archive"]
    monkeypatch.setattr("core.archives.locate.VolumeFinder.places", lambda *_: places)
    await catalog.archive("first", b"/mnt/archive", "its volume", b"archive")
    asked: list[bytes] = []

    async def use(path: str, _: int | None) -> None:
        asked.append(os.fsencode(path))
        raise refused

    with pytest.raises(type(refused)):
        await Locate(catalog).find("/mnt/archive", None, use)
    assert asked == tried
