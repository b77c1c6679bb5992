"""Links are the same however the files of an import are split into pages, and when they are made again."""

from pathlib import Path

import pytest

from core.catalog import Catalog, linking
from core.database import Database
from core.media.stems import stem_key
from tests.rigs.layouts import LAYOUTS, lines

CARD = (
    ("INSERT INTO archive (id, uuid, path) VALUES (1, 'uuid', x'2f61')", [()]),
    ("INSERT INTO volume VALUES (1, 'uuid:1', 'A001', 'exfat', NULL)", [()]),
    ("INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'here', 'Here')", [()]),
    (
        "INSERT INTO import (id, name, archive_id, location_id, volume_id, root, source, single, options, "
        "machine, version, state, started, zone) "
        "VALUES (1, 'a', 1, 1, 1, x'63', x'2f63', x'', '{}', '', '', 'running', 1.0, '+00:00')",
        [()],
    ),
)
FILE = (
    "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome) "
    "VALUES (?, 1, 1, ?, ?, 1, 1, 'other', 0)"
)
LINKS = "SELECT f.path, o.path, role FROM link JOIN file f ON f.id = file_id JOIN file o ON o.id = owner_id"


async def test_pages_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected: set[tuple[bytes, bytes, str]] = set()
    paths: set[bytes] = set()
    for layout in LAYOUTS:
        for path, role, owner in {line for take in (1, 2, 3) for line in lines(layout, take)}:
            paths.add(f"{layout}/{path}".encode())
            if role:
                expected.add((f"c/{layout}/{path}".encode(), f"c/{layout}/{owner}".encode(), role))
    database = await Database.open(str(tmp_path))
    try:
        catalog = Catalog(database)
        # Not in the order of a listing.
        rows = [
            (id, b"c/" + path, stem_key(path))
            for id, path in enumerate(sorted(paths, key=lambda path: path[::-1]), 1)
        ]
        await database.run(*CARD, (FILE, rows))
        assert not await catalog.has_links(1)
        for page, together in ((2000, 8192), (7, 5), (1, 1)):
            monkeypatch.setattr(linking, "PAGE", page)
            monkeypatch.setattr(linking, "LINKS_TOGETHER", together)
            await linking.link(catalog, 1, b"c")
            found = await database.read(LINKS)
            assert len(found) == len(expected)
            assert set(found) == expected
            assert await catalog.has_links(1)
    finally:
        await database.close()


@pytest.mark.parametrize("page", [2000, 2, 1])
async def test_the_time_tells_which_of_two_cameras_films_is_meant(
    page: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Folder by folder: what there is, and what belongs to what. Times in seconds.
    two = {"GX010012.MP4": 100, "GH010012.MP4": 900}
    cards = {
        "alone": ({"GX010012.MP4": 100, "GL010012.LRV": 500}, "GX010012.MP4"),
        "first": ({**two, "GL010012.LRV": 102}, "GX010012.MP4"),
        "other": ({**two, "GL010012.LRV": 898}, "GH010012.MP4"),
        "neither": ({**two, "GL010012.LRV": 500}, None),
        "both": ({"GX010012.MP4": 100, "GH010012.MP4": 100, "GL010012.LRV": 100}, None),
    }
    monkeypatch.setattr(linking, "PAGE", page)
    database = await Database.open(str(tmp_path))
    try:
        files = [
            (f"{card}/{name}".encode(), time) for card, (all, _) in cards.items() for name, time in all.items()
        ]
        rows = [(id, b"c/" + path, stem_key(path)) for id, (path, _) in enumerate(files, 1)]
        times = [(time * 10**9, id) for id, (_, time) in enumerate(files, 1)]
        await database.run(*CARD, (FILE, rows), ("UPDATE file SET mtime_ns = ? WHERE id = ?", times))
        await linking.link(Catalog(database), 1, b"c")
        found = {(file, owner) for file, owner, _ in await database.read(LINKS)}
    finally:
        await database.close()
    owned = {card: owner for card, (_, owner) in cards.items() if owner}
    assert found == {
        (f"c/{card}/GL010012.LRV".encode(), f"c/{card}/{owner}".encode()) for card, owner in owned.items()
    }
