"""Which archive is where."""

from pathlib import Path

from core.archives.locate import Locate
from core.catalog import Catalog
from core.database import Database


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
