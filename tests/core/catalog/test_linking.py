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
            monkeypatch.setattr(linking, "TOGETHER", together)
            await linking.link(catalog, 1, b"c")
            found = await database.read(LINKS)
            assert len(found) == len(expected)
            assert set(found) == expected
            assert await catalog.has_links(1)
    finally:
        await database.close()
