"""What an import leaves to be done, and what an archive lacks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.catalog import Catalog, Item
from core.database import Database
from core.hardware import NUMBERS
from core.media.kinds import Kind
from core.queue import barriers, plan
from core.queue.derive import HAS, derive
from core.queue.kinds import QUEUES
from core.queue.plan import of_import, of_items

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
    assert {queue.name for queue in QUEUES} <= set(NUMBERS)
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
    await barriers.open_barrier(catalog.database, 7)
    # The bag needs no metadata; what does waits on.
    assert await rows(catalog) == [
        *behind[:2],
        ("exiftool", 1, "ready", 0),
        ("thumbnail", 1, "waiting", 0),
        ("bagit", 1, "ready", 0),
    ]


async def test_an_import_that_brought_nothing_waits_for_nothing(catalog: Catalog) -> None:
    await catalog.database.run(*of_import(ARCHIVE, 7, LOCATION))
    await barriers.open_barrier(catalog.database, 7)
    await barriers.open_barrier(catalog.database, 7)
    assert {row[2:] for row in await rows(catalog)} == {("ready", 0)}
    assert await catalog.database.read("SELECT * FROM barrier") == []


async def test_two_imports_into_one_location_are_one_bag(catalog: Catalog) -> None:
    for name in (7, 8):
        await catalog.database.run(*of_import(ARCHIVE, name, LOCATION))
    await barriers.open_barrier(catalog.database, 7)
    # One that is paused for ever holds up no other.
    assert ("bagit", 1, "ready", 0) in await rows(catalog)
    await barriers.open_barrier(catalog.database, 8)
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


def test_it_is_known_how_to_see_what_an_item_lacks() -> None:
    assert set(HAS) == {queue.name for queue in QUEUES if queue.subject == "item"}
    assert {queue.name for queue in plan.BEHIND} == {queue.name for queue in QUEUES} - set(HAS)
