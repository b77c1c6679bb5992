"""What an import leaves to be done, and what an archive lacks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.catalog import Catalog, Item
from core.catalog.linking import link
from core.database import Database
from core.hardware import OVERRIDABLE
from core.media.file_types import Kind
from core.media.frames import frame
from core.media.metadata import RULES
from core.media.stems import stem_key
from core.models import Outcome
from core.queue import backfill, barriers, frame_jobs
from core.queue.backfill import HAS, derive, outdated, read_again
from core.queue.barriers import of_import
from core.queue.enqueue import of_items
from core.queue.queue_defs import QUEUES

ARCHIVE, LOCATION = 1, 1


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    """A catalog with one archive and one location."""
    database = await Database.open(str(tmp_path))
    made = await Catalog.open(database)
    await made.archive("a", b"/a")
    await made.location(ARCHIVE, "basel-1", "Basel")
    yield made
    await database.close()


def item(id: int, kind: Kind) -> Item:
    """One archived item."""
    return Item(id, LOCATION, bytes([id]) * 16, bytes([id]) * 32, 10, kind, f"p/{id}", "medium", 1.0)


async def rows(catalog: Catalog) -> list[tuple[str, int, str, int]]:
    """Queue, subject, state and barrier of every job."""
    found = await catalog.database.read(
        "SELECT queue, item_id + location_id + import_id, state, barrier FROM job ORDER BY id"
    )
    return [(queue, subject, state, barrier) for queue, subject, state, barrier in found]


async def settle(catalog: Catalog, *items: Item, origin: int = 7) -> None:
    """Commit items as an import does."""
    new = [(ARCHIVE, one) for one in items]
    await catalog.settle(new, [], of_items(new, origin))


def test_the_queues_are_those_of_the_hardware_profile() -> None:
    assert {queue.name for queue in QUEUES} <= set(OVERRIDABLE)
    assert [(queue.name, queue.priority, queue.follows, queue.required) for queue in QUEUES] == [
        ("exiftool", 50, "", False),
        ("ffprobe", 50, "", False),
        ("thumbnail", 10, "exiftool", False),
        ("live_photo", 10, "", False),
        ("video_proxy", 1, "ffprobe", True),
        ("location_stats", 0, "", False),
        ("bagit", 0, "", False),
    ]
    names = [queue.name for queue in QUEUES]
    assert all(not queue.follows or names.index(queue.follows) < names.index(queue.name) for queue in QUEUES)


async def test_an_archived_item_has_its_jobs(catalog: Catalog) -> None:
    await settle(catalog, item(1, Kind.IMAGES), item(2, Kind.VIDEOS), item(3, Kind.AUDIO), item(4, Kind.SIDECARS))
    assert await rows(catalog) == [
        ("exiftool", 1, "ready", 0),
        ("thumbnail", 1, "waiting", 0),
        ("exiftool", 2, "ready", 0),
        ("ffprobe", 2, "ready", 0),
        ("thumbnail", 2, "waiting", 0),
        ("video_proxy", 2, "waiting", 0),
        ("exiftool", 3, "ready", 0),
        ("ffprobe", 3, "ready", 0),
        ("exiftool", 4, "ready", 0),
    ]


async def test_items_and_jobs_are_written_together_or_not_at_all(catalog: Catalog) -> None:
    new = [(ARCHIVE, item(1, Kind.IMAGES))]
    with pytest.raises(Exception, match="nowhere"):
        await catalog.settle(new, [], [*of_items(new, 7), ("INSERT INTO nowhere VALUES (?)", [(1,)])])
    assert await rows(catalog) == []
    assert await catalog.items([1], ARCHIVE) == {}


def test_no_items_are_no_statement() -> None:
    assert of_items([], 7) == []


async def test_what_needs_all_of_an_import_waits_behind_its_barrier(catalog: Catalog) -> None:
    await catalog.database.run(*of_import(ARCHIVE, 7, LOCATION))
    await settle(catalog, item(1, Kind.IMAGES))
    # Resumed: the same once more.
    await catalog.database.run(*of_import(ARCHIVE, 7, LOCATION))
    behind = [("live_photo", 7, "waiting", 7), ("location_stats", 1, "waiting", 7), ("bagit", 1, "waiting", 7)]
    assert [row for row in await rows(catalog) if row[0] not in ("exiftool", "thumbnail")] == behind
    await barriers.open_one(catalog.database, 7)
    # The bag needs no metadata; what does waits on.
    assert await rows(catalog) == [
        *behind[:2],
        ("exiftool", 1, "ready", 0),
        ("thumbnail", 1, "waiting", 0),
        ("bagit", 1, "ready", 0),
    ]


async def test_an_import_that_brought_nothing_waits_for_nothing(catalog: Catalog) -> None:
    await catalog.database.run(*of_import(ARCHIVE, 7, LOCATION))
    await barriers.open_one(catalog.database, 7)
    await barriers.open_one(catalog.database, 7)
    assert {row[2:] for row in await rows(catalog)} == {("ready", 0)}
    assert await catalog.database.read("SELECT * FROM barrier") == []


async def test_two_imports_into_one_location_are_one_bag(catalog: Catalog) -> None:
    for name in (7, 8):
        await catalog.database.run(*of_import(ARCHIVE, name, LOCATION))
    await barriers.open_one(catalog.database, 7)
    # One that is paused for ever holds up no other.
    assert ("bagit", 1, "ready", 0) in await rows(catalog)
    await barriers.open_one(catalog.database, 8)
    assert [row[0] for row in await rows(catalog)].count("bagit") == 1


async def test_only_ended_imports_are_let_go_when_the_engine_starts(catalog: Catalog) -> None:
    values = "1, 1, ?, x'', x'', x'', '', '', '', 0, ''"
    volume = await catalog.volume("v", "", "", None)
    for number, (name, state) in enumerate({"a": "done", "b": "paused", "c": "cancelled"}.items(), 1):
        await catalog.database.run(
            (
                "INSERT INTO import (id, name, state, archive_id, location_id, volume_id, root, source, single, "  # noqa: S608
                f"options, machine, version, started, zone) VALUES (?, ?, ?, {values})",
                [(number, name, state, volume)],
            ),
            *of_import(ARCHIVE, number, LOCATION),
        )
    await barriers.open_ended(catalog.database)
    assert await catalog.database.read("SELECT import_id, remaining FROM barrier") == [(2, None)]


async def test_deriving_adds_what_is_missing_and_nothing_twice(catalog: Catalog) -> None:
    items = [item(1, Kind.IMAGES), item(2, Kind.VIDEOS), item(3, Kind.DOCUMENTS)]
    await catalog.settle([(ARCHIVE, one) for one in items], [])
    await catalog.database.run(
        ("INSERT INTO metadata (item_id, raw) VALUES (?, x'')", [(1,)]),
        ("INSERT INTO derivative VALUES (?, '400', '', 0, 0, 0, '')", [(2,)]),
    )
    assert await derive(catalog.database, ARCHIVE) == 5 + 2
    assert await rows(catalog) == [
        ("exiftool", 2, "ready", 0),
        ("exiftool", 3, "ready", 0),
        ("ffprobe", 2, "ready", 0),
        # Its metadata is known: it waits for nothing.
        ("thumbnail", 1, "ready", 0),
        ("video_proxy", 2, "waiting", 0),
        ("location_stats", 1, "waiting", -1),
        ("bagit", 1, "ready", 0),
    ]
    assert await derive(catalog.database, ARCHIVE) == 2
    assert len(await rows(catalog)) == 7


async def test_deriving_leaves_dead_jobs_to_be_retried(catalog: Catalog) -> None:
    await settle(catalog, item(1, Kind.VIDEOS))
    await catalog.database.run(
        ("UPDATE job SET state = 'dead', ended = 1 WHERE queue = ?", [("ffprobe",)]),
        ("UPDATE job SET state = 'cancelled', ended = 1 WHERE queue = ?", [("video_proxy",)]),
    )
    before = await rows(catalog)
    await derive(catalog.database, ARCHIVE)
    assert (await rows(catalog))[: len(before)] == before


async def test_metadata_by_older_rules_is_read_again_behind_all_else(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await outdated(catalog.database) == []
    monkeypatch.setattr(backfill, "RULES", RULES + 1)
    monkeypatch.setattr(backfill, "PAGE", 2)
    await settle(catalog, *(item(id, Kind.IMAGES) for id in range(1, 7)))
    await catalog.database.run(
        ("INSERT INTO metadata (item_id, raw) VALUES (?, x'')", [(id,) for id in (1, 2, 4, 6)]),
        (
            "UPDATE job SET state = ?, ended = 1 WHERE item_id = ? AND queue = 'exiftool'",
            [("done", 1), ("dead", 3)],
        ),
        # Of jobs that are done only the latest are kept.
        ("DELETE FROM job WHERE item_id = ? AND queue = 'exiftool'", [(2,), (6,)]),
    )
    assert await outdated(catalog.database) == [ARCHIVE]
    # That of 4 is under way.
    assert await read_again(catalog.database, ARCHIVE) == 3
    found = await catalog.database.read(
        "SELECT item_id, state, priority FROM job WHERE queue = 'exiftool' ORDER BY item_id"
    )
    assert found == [
        (1, "ready", 0),
        (2, "ready", 0),
        (3, "dead", 50),
        (4, "ready", 50),
        (5, "ready", 50),
        (6, "ready", 0),
    ]
    # What is counted of locations follows, when all is read.
    behind = "SELECT queue, state FROM job WHERE barrier = ?"
    assert await catalog.database.read(behind, (-ARCHIVE,)) == [("location_stats", "waiting")]
    assert await outdated(catalog.database) == []


def test_it_is_known_how_to_see_what_an_item_lacks() -> None:
    assert set(HAS) == {queue.name for queue in QUEUES if queue.subject == "item"}
    assert {queue.name for queue in barriers.BEHIND} == {queue.name for queue in QUEUES} - set(HAS)


FRAMES = 86_400
"""An hour at 24 a second."""


async def test_an_hour_of_frames_makes_few_jobs(catalog: Catalog) -> None:
    volume = await catalog.volume("v", "", "", None)
    folder = b"A001R1AB/A001C001_250801_R1AB/2880x1620"
    paths = [b"%b/A001C001_250801_R1AB.%07d.ari" % (folder, number) for number in range(FRAMES)]
    assert all(frame(path) for path in paths[::1000])
    await catalog.database.run(
        (
            "INSERT INTO import (id, name, state, archive_id, location_id, volume_id, root, source, single, "
            "options, machine, version, started, zone) "
            "VALUES (1, 'a', 'done', 1, 1, ?, x'', x'', x'', '', '', '', 0, '')",
            [(volume,)],
        ),
        (
            "INSERT INTO item VALUES (?, 1, 1, ?, ?, 1, 'images', '', 'medium', 0, NULL)",
            [(id, id.to_bytes(16, "big"), id.to_bytes(32, "big")) for id in range(1, FRAMES + 1)],
        ),
        (
            "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id) "
            "VALUES (?, 1, ?, ?, ?, 1, 1, 'images', ?, ?)",
            [(id, volume, path, stem_key(path), int(Outcome.ARCHIVED), id) for id, path in enumerate(paths, 1)],
        ),
        *of_import(ARCHIVE, 1, LOCATION),
    )
    row = await catalog.import_named("a")
    assert row is not None
    await link(catalog, 1, b"")
    await frame_jobs.add(catalog, row)
    await barriers.open_ended(catalog.database)
    await derive(catalog.database, ARCHIVE)
    assert [(queue, subject) for queue, subject, _, _ in await rows(catalog)] == [
        ("live_photo", 1),
        ("location_stats", 1),
        ("exiftool", 1),
        ("thumbnail", 1),
        ("bagit", 1),
        ("location_stats", 1),  # of the look at what is missing; one with the other once they begin
    ]
    assert await catalog.database.read("SELECT file_id, frames, told FROM sequence") == [
        (1, FRAMES, f"frames 0–{FRAMES - 1:,}")
    ]
