"""The queue location_stats: figures on what a location holds: kinds, bytes, dates, cameras, positions."""

import time
from collections.abc import Mapping, Sequence

from core.models import Outcome
from core.tasks.task import Beat, Context, Job, Result

CAMERAS = 100
"""The most cameras that are named."""

# A file belongs to the location of its import, also when its content was in the archive already. So distinct items
# are counted by file, not by where their payload is. Longitudes are points on a circle: the bounds leave out the
# largest gap between two neighbours, and `west` is greater than `east` when they cross the antimeridian (as in RFC
# 7946, section 5.2). A position of exactly 0, 0 is what some cameras write without a fix.
_FIGURES = f"""
    WITH member AS MATERIALIZED (
        SELECT DISTINCT f.item_id AS id FROM import i CROSS JOIN file f ON f.import_id = i.id
        WHERE i.location_id = ? AND f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)})
            AND +f.item_id IS NOT NULL
    ),
    known AS MATERIALIZED (
        SELECT t.kind, t.size, m.captured_local, m.lat, m.lon, m.camera
        FROM member JOIN item t ON t.id = member.id LEFT JOIN metadata m ON m.item_id = t.id
    ),
    kinds AS (SELECT kind, count(*) AS files, sum(size) AS bytes FROM known GROUP BY kind ORDER BY kind),
    cameras AS (
        SELECT camera, count(*) AS items FROM known WHERE camera IS NOT NULL
        GROUP BY camera ORDER BY items DESC, camera LIMIT {CAMERAS}
    ),
    places AS MATERIALIZED (
        SELECT lat, CASE WHEN lon >= 180 THEN lon - 360 ELSE lon END AS lon FROM known
        WHERE abs(lat) <= 90 AND abs(lon) <= 180 AND (lat != 0 OR lon != 0)
    ),
    meridians AS (SELECT DISTINCT lon FROM places),
    gaps AS (
        SELECT lon AS east, lead(lon) OVER (ORDER BY lon) AS west, (SELECT min(lon) FROM places) AS first
        FROM meridians
    ),
    bounds AS (
        SELECT east, coalesce(west, first) AS west FROM gaps
        ORDER BY coalesce(west, first + 360) - east DESC, west IS NOT NULL LIMIT 1
    )
    SELECT (SELECT count(*) FROM known), (SELECT coalesce(sum(size), 0) FROM known),
        (SELECT json_group_object(kind, json_object('files', files, 'bytes', bytes)) FROM kinds),
        (SELECT json_group_array(json_array(camera, items)) FROM cameras),
        (SELECT min(captured_local) FROM known), (SELECT max(captured_local) FROM known),
        (SELECT count(*) FROM places), (SELECT min(lat) FROM places), (SELECT max(lat) FROM places),
        (SELECT west FROM bounds), (SELECT east FROM bounds)
"""  # noqa: S608 - numbers of our own

_STORE = """
    INSERT OR REPLACE INTO location_stats (location_id, files, bytes, kinds, cameras, earliest, latest, located,
        south, north, west, east, computed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class LocationStats:
    """The task of the queue `location_stats`: one location per job, computed anew."""

    queue = "location_stats"
    together = 1

    def missing(self) -> str:
        """Empty, because no other program is needed."""
        return ""

    async def close(self) -> None:
        """Does nothing: the task has no processes."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Compute the figures; see `core.tasks.task.QueueTask`."""
        return {job.id: await self._one(job.location_id or 0, context) for job in jobs}

    async def _one(self, location_id: int, context: Context) -> Result:
        if not await context.read("SELECT 1 FROM location WHERE id = ?", (location_id,)):
            return Result(error="there is no such location", final=True)
        (found,) = await context.read(_FIGURES, (location_id,))
        return Result(statements=[(_STORE, [(location_id, *found, time.time())])])
