"""Pairs stills of Live Photos with their movies: by ContentIdentifier across the archive, else by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models import Outcome
from core.tasks.task import Beat, Context, Job, Result

LONGEST = 3.5
"""Seconds of a movie that a name alone makes part of a Live Photo. Apple records 1.5 s before and 1.5 s after the
picture (support.apple.com: "Take and edit Live Photos"): 3 s, and a few frames."""

COPIES = 100
"""Items with one identifier at most: what more share identifies nothing."""

PAGE = 2000
"""Files of the import handled together."""

IDENTIFIER, NAME = "identifier", "name"
"""How a pair was found."""


def _kept(file: str) -> str:
    outcomes = f"{int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)}"
    return f"{file}.outcome IN ({outcomes}) AND {file}.item_id IS NOT NULL"


def _ending(file: str, length: int) -> str:
    return f"lower(CAST(substr({file}.path, -{length}) AS TEXT))"


_PAGE = f"""
    SELECT max(id) FROM (
        SELECT f.id FROM file f WHERE f.import_id = ?1 AND f.id > ?2 AND {_kept("f")} ORDER BY f.id LIMIT {PAGE}
    )
"""  # noqa: S608 - names and numbers of our own

# The stills of all identifiers in a page of the import, wherever they and their movies lie; the movie is NULL when
# there is none, `before` the one that is recorded. `near`: 0 in one folder of one import, 1 in one import.
_BY_IDENTIFIER = f"""
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT m.content_identifier AS identifier
        FROM file f JOIN metadata m ON m.item_id = f.item_id
        WHERE f.import_id = ?1 AND f.id > ?2 AND f.id <= ?3 AND {_kept("f")}
            AND m.content_identifier != ''
    ),
    still AS MATERIALIZED (
        SELECT t.identifier, i.id, m.captured
        FROM touched t CROSS JOIN metadata m ON m.content_identifier = t.identifier
            CROSS JOIN item i ON i.id = m.item_id AND i.kind = 'images' AND i.archive_id = ?4
        WHERE (SELECT count(*) FROM metadata c WHERE c.content_identifier = t.identifier) <= {COPIES}
    ),
    candidate AS (
        SELECT s.id AS still, v.id AS movie, abs(s.captured - m.captured) AS apart,
            coalesce((
                SELECT min(rtrim(a.path, replace(a.path, '/', '')) != rtrim(b.path, replace(b.path, '/', '')))
                FROM file a CROSS JOIN file b ON b.item_id = v.id AND +b.import_id = a.import_id AND {_kept("b")}
                WHERE a.item_id = s.id AND {_kept("a")}
            ), 2) AS near
        FROM still s LEFT JOIN metadata m ON m.content_identifier = s.identifier
            LEFT JOIN item v ON v.id = m.item_id AND v.kind = 'videos' AND v.archive_id = ?4
    ),
    ranked AS (
        SELECT still, movie, row_number() OVER (
            PARTITION BY still ORDER BY movie IS NULL, near, apart IS NULL, apart, movie
        ) AS place
        FROM candidate
    )
    SELECT r.still, r.movie, p.movie_id, p.found
    FROM ranked r LEFT JOIN live_pair p ON p.still_id = r.still
    WHERE r.place = 1
"""  # noqa: S608 - names and numbers of our own

# Stills and movies of one stem in one folder of the import, neither with an identifier, nor by another maker.
_BY_NAME = f"""
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT f.stem FROM file f
        WHERE f.import_id = ?1 AND f.id > ?2 AND f.id <= ?3 AND {_kept("f")}
    ),
    candidate AS (
        SELECT DISTINCT s.item_id AS still, v.item_id AS movie,
            abs(sm.captured - vm.captured) AS apart
        FROM touched t
            CROSS JOIN file s ON s.import_id = ?1 AND s.stem = t.stem AND {_kept("s")}
            CROSS JOIN file v ON v.import_id = ?1 AND v.stem = t.stem AND {_kept("v")}
            LEFT JOIN metadata sm ON sm.item_id = s.item_id LEFT JOIN metadata vm ON vm.item_id = v.item_id
            LEFT JOIN probe p ON p.item_id = v.item_id
        WHERE s.kind = 'images' AND v.kind = 'videos' AND {_ending("v", 4)} = '.mov'
            AND ({_ending("s", 4)} = '.jpg' OR {_ending("s", 5)} IN ('.heic', '.heif', '.jpeg'))
            AND coalesce(vm.duration, p.duration) > 0 AND coalesce(vm.duration, p.duration) <= {LONGEST}
            AND coalesce(sm.content_identifier, vm.content_identifier, '') = ''
            AND coalesce(sm.make, 'Apple') = 'Apple' AND coalesce(vm.make, 'Apple') = 'Apple'
    ),
    ranked AS (
        SELECT still, movie, row_number() OVER (PARTITION BY still ORDER BY apart IS NULL, apart, movie) AS place
        FROM candidate
    )
    SELECT r.still, r.movie FROM ranked r
    WHERE r.place = 1 AND NOT EXISTS (SELECT 1 FROM live_pair p WHERE p.still_id = r.still)
"""  # noqa: S608 - names and numbers of our own

# Pairs that what is known by now of one of the two denies.
_OUTDATED = f"""
    SELECT DISTINCT p.still_id
    FROM file f JOIN live_pair p ON p.still_id = f.item_id OR p.movie_id = f.item_id
        LEFT JOIN metadata s ON s.item_id = p.still_id LEFT JOIN metadata v ON v.item_id = p.movie_id
    WHERE f.import_id = ?1 AND f.id > ?2 AND f.id <= ?3 AND {_kept("f")}
        AND CASE p.found WHEN '{NAME}' THEN coalesce(s.content_identifier, v.content_identifier, '') != ''
            ELSE s.content_identifier IS NULL OR s.content_identifier IS NOT v.content_identifier END
"""  # noqa: S608 - names and numbers of our own


class LivePhoto:
    """The work of the queue `live_photo`: one import each, whose items may fit any others of the archive."""

    queue = "live_photo"
    together = 1

    def missing(self) -> str:
        """It needs no other program."""
        return ""

    async def close(self) -> None:
        """It has no processes."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Find the pairs; see `core.tasks.task.Task`."""
        return {job.id: await self._one(job, context, beat) for job in jobs}

    async def _one(self, job: Job, context: Context, beat: Beat) -> Result:
        rows = await context.read("SELECT archive_id FROM import WHERE id = ?", (job.import_id,))
        if not rows:
            return Result(error="there is no such import", final=True)
        here, archive, after = job.import_id, rows[0][0], 0
        gone: list[Sequence[Any]] = []
        pairs: list[Sequence[Any]] = []
        by_name: list[Sequence[Any]] = []
        while last := (await context.read(_PAGE, (here, after)))[0][0]:
            gone += await context.read(_OUTDATED, (here, after, last))
            for still, movie, before, how in await context.read(_BY_IDENTIFIER, (here, after, last, archive)):
                if movie is None and before is not None:
                    gone.append((still,))
                elif movie is not None and (movie, IDENTIFIER) != (before, how):
                    pairs.append((still, movie, IDENTIFIER))
            found = await context.read(_BY_NAME, (here, after, last))
            by_name += [(still, movie, NAME) for still, movie in found]
            after = last
            beat(job.id, 0.5)
        return Result(
            statements=[
                ("DELETE FROM live_pair WHERE still_id = ?", gone),
                ("INSERT OR REPLACE INTO live_pair (still_id, movie_id, found) VALUES (?, ?, ?)", pairs),
                ("INSERT OR IGNORE INTO live_pair (still_id, movie_id, found) VALUES (?, ?, ?)", by_name),
            ]
        )
