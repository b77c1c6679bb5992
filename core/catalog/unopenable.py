"""Photos and films that are archived as they are, but cannot be opened: empty, truncated, overwritten.

The queues record them in the table `unopenable`. An item does not count if a complete thumbnail or proxy could be
made of it. Formats for which there is no decoder are not among them.
"""

import json
from collections.abc import Iterable, Sequence

from core.catalog.base import Table
from core.database import Read
from core.media.file_types import Kind
from core.models import Outcome, Unopenable
from core.paths import display, relative

NAMED = 3
"""The most files that a sentence names."""

EMPTY_FILE = "it is empty"

# Broken items are rare, so the query starts from them and finds their files. All empty contents have one XXH3-128,
# by which an index finds them. Whether it is a photo or a film is decided by the file, because empty files of any
# kind share one item.
_UNOPENABLE = f"""
    WITH broken (item_id, why) AS (
        SELECT t.id, '{EMPTY_FILE}' FROM archive a CROSS JOIN item t ON t.archive_id = a.id
        WHERE t.xxh128 = x'99aa06d3014798d86001c324468d497f' AND t.size = 0
        UNION ALL
        SELECT item_id, why FROM unopenable u
        WHERE NOT EXISTS (SELECT 1 FROM derivative d WHERE d.item_id = u.item_id AND d.path != '' AND d.note = '')
    )
    SELECT f.import_id, f.id, f.path, max(b.why) AS why, i.root, f.item_id
    FROM broken b CROSS JOIN file f ON f.item_id = b.item_id AND f.kind IN ('{Kind.IMAGES}', '{Kind.VIDEOS}')
         JOIN import i ON i.id = f.import_id
    WHERE +f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)})
"""  # noqa: S608

# Pending jobs of the queues that open photos and films; also those of items that an earlier import added.
_LEFT = """
    SELECT 1 FROM job j
    WHERE state IN ('waiting', 'ready', 'claimed') AND queue IN ('exiftool', 'ffprobe', 'thumbnail')
    AND (origin = ?1 OR EXISTS (SELECT 1 FROM file f WHERE f.item_id = j.item_id AND +f.import_id = ?1)) LIMIT 1
"""


async def of_imports(read: Read, imports: Sequence[int]) -> dict[int, Unopenable]:
    """By import row id. An import is missing from the result if it has no such files and no jobs pending that may
    find some."""
    given = json.dumps(list(imports))
    rows = await read(
        f"SELECT import_id, count(*) FROM ({_UNOPENABLE} AND +f.import_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
        "GROUP BY f.id) GROUP BY import_id",
        (given,),
    )
    counts: dict[int, int] = dict(rows)
    looking = await read(
        "SELECT id FROM import WHERE watched AND id IN (SELECT value FROM json_each(?))", (given,)
    )
    found: dict[int, Unopenable] = {}
    for number in {*counts, *(id for (id,) in looking)}:
        first = await _files(read, number, NAMED) if number in counts else []
        found[number] = Unopenable(
            files=counts.get(number, 0),
            names=tuple(display(path) for _, path, _ in first),
            looking=(number,) in looking,
        )
    return found


async def of_import(read: Read, import_id: int) -> list[tuple[bytes, str]]:
    """(path below the source's root, why) of an import's files that cannot be opened."""
    return [(path, why) for _, path, why in await _files(read, import_id, -1)]


async def _files(read: Read, import_id: int, most: int) -> list[tuple[int, bytes, str]]:
    rows = await read(f"{_UNOPENABLE} AND +f.import_id = ? GROUP BY f.id LIMIT ?", (import_id, most))
    return [(id, relative(root, path), why) for _, id, path, why, root, _ in rows]


class Opening(Table):
    """The state of opening files after an import, and which results receipts have reported."""

    async def unopenable(self, items: Iterable[int]) -> set[int]:
        """Those of the items that are photos or films which cannot be opened."""
        rows = await self.database.read(
            f"SELECT DISTINCT item_id FROM ({_UNOPENABLE} AND +f.item_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
            "GROUP BY f.id)",
            (json.dumps(list(items)),),
        )
        return {item for (item,) in rows}

    async def watched_imports(self) -> list[int]:
        """Row ids of imports that have ended, but whose files that cannot be opened were not all reported yet."""
        rows = await self.database.read(
            "SELECT id FROM import WHERE watched AND state IN ('done', 'cancelled') ORDER BY id"
        )
        return [id for (id,) in rows]

    async def all_opened(self, import_id: int) -> bool:
        """Whether all jobs that open files of the import are done."""
        return not await self.database.read_aside(_LEFT, (import_id,))

    async def holds_media(self, import_id: int) -> bool:
        """Whether an import has archived any photo, film or audio recording."""
        media = ", ".join(f"'{kind}'" for kind in (Kind.IMAGES, Kind.VIDEOS, Kind.AUDIO))
        return bool(
            await self.database.read(
                f"SELECT 1 FROM file WHERE import_id = ? AND outcome = ? AND kind IN ({media}) LIMIT 1",  # noqa: S608
                (import_id, Outcome.ARCHIVED),
            )
        )

    async def unreported(self, import_id: int) -> list[tuple[int, bytes, str]]:
        """(row id of the file, path below the source's root, why) of an import's files that cannot be opened and
        that no receipt has named yet."""
        told = {
            id
            for (id,) in await self.database.read(
                "SELECT t.file_id FROM unopenable_told t JOIN file f ON f.id = t.file_id WHERE f.import_id = ?",
                (import_id,),
            )
        }
        return [one for one in await _files(self.database.read, import_id, -1) if one[0] not in told]

    async def mark_reported(self, files: Iterable[int]) -> None:
        """Record that receipts have named these files."""
        await self.database.run(("INSERT OR IGNORE INTO unopenable_told VALUES (?)", [(id,) for id in files]))
