"""The queue live_photo: pairs stills of Live Photos with their movies, by ContentIdentifier across the archive,
else by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models import Outcome
from core.tasks.task import Beat, Context, Job, Result

LONGEST_MOVIE = 3.5
"""Seconds of the longest movie that is paired by name alone. Apple records 1.5 s before and 1.5 s after the
picture (support.apple.com: "Take and edit Live Photos"): 3 s, and a few frames."""

MOST_SHARED = 100
"""The most items with one identifier: if more share it, it identifies nothing."""

APART = 10
"""The most seconds between the times of a still and its movie, where only one of them has an identifier."""

ZONES, FARTHEST_ZONE = 900, 14 * 3600 + 900
"""Seconds: time zones are multiples of a quarter of an hour, the farthest is 14 hours away."""

PAGE = 2000
"""Files of the import per page."""

IDENTIFIER, NAME = "identifier", "name"
"""How a pair was found."""


def _kept(file: str) -> str:
    outcomes = f"{int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)}"
    return f"{file}.outcome IN ({outcomes}) AND {file}.item_id IS NOT NULL"


def _ending(file: str, length: int) -> str:
    return f"lower(CAST(substr({file}.path, -{length}) AS TEXT))"


def _allowed(still: str, movie: str, archive: str) -> str:
    """SQL for whether the identifiers in two rows of `metadata`, each of which may be NULL, allow a pair by name.

    Editors and exports drop one of the identifiers. Then the item that has one must have no partner in the
    archive, and both must have one time, of which one may be without its zone.
    """
    own, other = f"coalesce({still}.content_identifier, '')", f"coalesce({movie}.content_identifier, '')"
    apart = f"abs({still}.captured - {movie}.captured)"
    return f"""CASE
        WHEN {own} = '' AND {other} = '' THEN 1
        WHEN {own} != '' AND {other} != '' THEN 0
        ELSE coalesce({apart} < {FARTHEST_ZONE}, 0)
            AND min({apart} % {ZONES}, {ZONES} - {apart} % {ZONES}) <= {APART}
            AND NOT EXISTS (
                SELECT 1 FROM metadata o CROSS JOIN item oi ON oi.id = o.item_id AND oi.archive_id = {archive}
                WHERE o.content_identifier = {own} || {other}
                    AND oi.kind = CASE WHEN {own} = '' THEN 'images' ELSE 'videos' END
            )
        END"""  # noqa: S608 - names and numbers of our own


_PAGE = f"""
    SELECT max(id) FROM (
        SELECT f.id FROM file f WHERE f.import_id = ?1 AND f.id > ?2 AND {_kept("f")} ORDER BY f.id LIMIT {PAGE}
    )
"""  # noqa: S608 - names and numbers of our own

# The stills of all identifiers in a page of the import, wherever they and their movies are; the movie is NULL when
# there is none, `before` is the one that is recorded. `near`, in one import: 0 for the same name in one folder (an
# edited still and its edited movie), 1 for one folder, 2 elsewhere.
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
        WHERE (SELECT count(*) FROM metadata c WHERE c.content_identifier = t.identifier) <= {MOST_SHARED}
    ),
    candidate AS (
        SELECT s.id AS still, v.id AS movie, abs(s.captured - m.captured) AS apart,
            coalesce((
                SELECT min(CASE WHEN a.stem = b.stem THEN 0
                    WHEN rtrim(a.path, replace(a.path, '/', '')) = rtrim(b.path, replace(b.path, '/', '')) THEN 1
                    ELSE 2 END)
                FROM file a CROSS JOIN file b ON b.item_id = v.id AND +b.import_id = a.import_id AND {_kept("b")}
                WHERE a.item_id = s.id AND {_kept("a")}
            ), 3) AS near
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

# Stills and movies of one stem in one folder of the import, not by different makers, as far as their identifiers
# allow.
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
            AND coalesce(vm.duration, p.duration) > 0 AND coalesce(vm.duration, p.duration) <= {LONGEST_MOVIE}
            AND {_allowed("sm", "vm", "?4")}
            AND coalesce(sm.make, 'Apple') = 'Apple' AND coalesce(vm.make, 'Apple') = 'Apple'
    ),
    ranked AS (
        SELECT still, movie, row_number() OVER (PARTITION BY still ORDER BY apart IS NULL, apart, movie) AS place
        FROM candidate
    )
    SELECT r.still, r.movie FROM ranked r
    WHERE r.place = 1 AND NOT EXISTS (SELECT 1 FROM live_pair p WHERE p.still_id = r.still)
"""  # noqa: S608 - names and numbers of our own

# Recorded pairs that newer metadata contradicts: of one of the two, or of another item with the identifier of one.
_OUTDATED = f"""
    WITH page AS MATERIALIZED (
        SELECT DISTINCT f.item_id AS item FROM file f
        WHERE f.import_id = ?1 AND f.id > ?2 AND f.id <= ?3 AND {_kept("f")}
    ),
    touched AS MATERIALIZED (
        SELECT item FROM page
        UNION SELECT o.item_id
        FROM page CROSS JOIN metadata m ON m.item_id = page.item AND m.content_identifier != ''
            CROSS JOIN metadata o ON o.content_identifier = m.content_identifier
        WHERE (SELECT count(*) FROM metadata c WHERE c.content_identifier = m.content_identifier) <= {MOST_SHARED}
    )
    SELECT DISTINCT p.still_id
    FROM touched t CROSS JOIN live_pair p ON p.still_id = t.item OR p.movie_id = t.item
        LEFT JOIN metadata s ON s.item_id = p.still_id LEFT JOIN metadata v ON v.item_id = p.movie_id
    WHERE CASE p.found WHEN '{NAME}' THEN NOT {_allowed("s", "v", "?4")}
            ELSE s.content_identifier IS NULL OR s.content_identifier IS NOT v.content_identifier END
"""  # noqa: S608 - names and numbers of our own


class LivePhoto:
    """The task of the queue `live_photo`: one import per job, whose items may be paired with any others of the
    archive."""

    queue = "live_photo"
    together = 1

    def missing(self) -> str:
        """Empty, because no other program is needed."""
        return ""

    async def close(self) -> None:
        """Does nothing: the task has no processes."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Find the pairs; see `core.tasks.task.QueueTask`."""
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
            gone += await context.read(_OUTDATED, (here, after, last, archive))
            for still, movie, before, how in await context.read(_BY_IDENTIFIER, (here, after, last, archive)):
                if movie is None and how == IDENTIFIER:
                    gone.append((still,))
                elif movie is not None and (movie, IDENTIFIER) != (before, how):
                    pairs.append((still, movie, IDENTIFIER))
            found = await context.read(_BY_NAME, (here, after, last, archive))
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
