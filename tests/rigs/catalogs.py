"""Catalogs of any size, filled without files: cards of many days, made by several cameras."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import xxhash

from core import schema
from core.catalog.files import NAME
from core.media.camera import camera_name
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3

CAMERAS = (("SONY", "ILCE-7SM3"), ("Canon", "Canon EOS R5"), ("GoPro", "HERO11 Black"), ("DJI", "FC3411"))
NAMES = ("CLIP/C{:04}.MP4", "CLIP/C{:04}M01.XML", "DCIM/100MSDCF/DSC{:05}.ARW", "DCIM/100MSDCF/DSC{:05}.JPG")
KINDS = ("videos", "sidecars", "images", "images")
PER_CARD = 2000
LOCATIONS = 50
FIRST = datetime(2015, 1, 1)
BATCH = 4096
GENERATED = 1
"""The version of a catalog that makes names of cameras itself, or has none yet, and no index of files' names."""

_FILE = (
    "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
    "reason) VALUES (?, ?, 1, ?, ?, ?, ?, ?, 1, ?, NULL)"
)
_ITEM = "INSERT INTO item VALUES (?, 1, ?, ?, ?, ?, ?, ?, 'medium', 1764979200.0, NULL)"
_METADATA = "INSERT INTO metadata (item_id, captured_local, make, model, raw) VALUES (?, ?, ?, ?, x'')"

STRANGE_ITEMS = """
    WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?)
    INSERT INTO item (archive_id, location_id, xxh128, sha256, size, kind, path, level)
    SELECT i.archive_id, i.location_id, randomblob(16), randomblob(32), 1, 'text',
        'locations/' || l.folder || '/data/text/' || x, ''
    FROM n, import i JOIN location l ON l.id = i.location_id WHERE i.name = ?
"""
"""Adds so many items, which no file has, to the archive and the location of an import."""

STRANGE_FILES = """
    WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?)
    INSERT INTO file (import_id, volume_id, path, stem, size, mtime_ns, kind, outcome)
    SELECT i.id, i.volume_id, CAST('strange/' || x AS BLOB), CAST('strange/' || x AS BLOB), 1, 1, 'text', 2
    FROM n, import i WHERE i.name = ?
"""
"""Adds so many duplicates to an import."""


def day(number: int) -> datetime:
    """When file `number` was taken: one card per day, within eight years that repeat."""
    return FIRST + timedelta(days=number // PER_CARD * 6, seconds=number % PER_CARD)


def rows(count: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...] | None]]:
    """Yields the rows (file, item, metadata or None) of each file."""
    for number in range(count):
        card, id = number // PER_CARD + 1, number + 1
        name = NAMES[number % 4].format(number // 4 % 9999 + 1).encode()
        kind, taken = KINDS[number % 4], day(number)
        xxh, size = xxhash.xxh3_128(number.to_bytes(8, "big")).digest(), 1000 + number
        path = f"locations/here-{card % LOCATIONS}/data/{kind}/{xxh.hex()[:2]}/{xxh.hex()}"
        mtime_ns = int(taken.timestamp()) * 10**9
        file = (id, card, b"card/" + name, name.lower(), size, mtime_ns, kind, id)
        item = (id, card % LOCATIONS + 1, xxh, xxh + xxh[::-1], size, kind, path)
        make = CAMERAS[card % len(CAMERAS)]
        told = (id, f"{taken:%Y-%m-%dT%H:%M:%S}", *make) if kind != "sidecars" else None
        yield file, item, told


def migrate(connection: sqlite3.Connection, first: int = 0, last: int | None = None) -> None:
    """Bring a database from the version `first` to `last`, None for the newest."""
    for name, function in schema.FUNCTIONS.items():
        connection.create_function(name, 1, function)
    for migration in schema.MIGRATIONS[first:last]:
        connection.executescript(migration)


def empty(home: str) -> str:
    """Make a catalog without a row in the state folder `home`. Returns its path."""
    path = os.path.join(home, DATABASE_FILE)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
        migrate(connection)
        connection.executescript(f"PRAGMA user_version = {schema.SCHEMA_VERSION};")
    return path


def catalog(home: str, count: int) -> str:
    """Make a catalog of `count` files in the state folder `home`. Returns its path."""
    path = empty(home)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = OFF;")
        cards = range(1, count // PER_CARD + 2)
        connection.execute("INSERT INTO archive (id, uuid, path) VALUES (1, 'uuid', CAST('/archive' AS BLOB))")
        connection.execute("INSERT INTO volume VALUES (1, 'uuid:1', 'EOS_DIGITAL', 'exfat', NULL)")
        connection.executemany(
            "INSERT INTO location (id, archive_id, folder, name) VALUES (?, 1, ?, ?)",
            [(n + 1, f"here-{n}", f"Mill Creek {n}") for n in range(LOCATIONS)],
        )
        connection.executemany(
            "INSERT INTO import (id, name, archive_id, location_id, volume_id, root, source, single, options, "
            "machine, version, state, started, zone) "
            "VALUES (?, ?, 1, ?, 1, x'63617264', x'2F63617264', x'', ?, '', '', 'done', ?, '+00:00')",
            [(n, f"import-{n:06}", n % LOCATIONS + 1, f'{{"label": "A{n:03}"}}', float(n)) for n in cards],
        )
        made = rows(count)
        while batch := list(islice(made, BATCH)):
            files, items, told = zip(*batch, strict=True)
            connection.execute("BEGIN")
            connection.executemany(_ITEM, items)
            connection.executemany(_FILE, files)
            if schema.SCHEMA_VERSION > GENERATED:
                connection.execute(NAME, (json.dumps([file[0] for file in files]),))
            connection.executemany(_METADATA, [one for one in told if one])
            connection.execute("COMMIT")
        if schema.SCHEMA_VERSION > GENERATED:
            named = [(camera_name(*made), made[0]) for made in CAMERAS]
            connection.executemany("UPDATE metadata SET camera = ? WHERE make = ?", named)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path
