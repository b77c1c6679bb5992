"""Queries for an archive's original names: its cards, folders, days, and the files of each.

They are plain SQL, because the serving process runs them on connections of its own, one per thread.
"""

from core.models import Outcome

FIND_ARCHIVE = "SELECT id FROM archive WHERE uuid = ?"
FIND_LOCATIONS = "SELECT name FROM location WHERE archive_id = ? ORDER BY name"
FIND_FOLDERS = "SELECT path, mtime_ns FROM folder WHERE import_id = ?"
FIND_ALL_FILES = "SELECT f.id FROM import i CROSS JOIN file f ON f.import_id = i.id WHERE i.archive_id = ?"
"""All files of all imports into an archive."""

_DONE = f"f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)})"
IMPORTS = """
    SELECT i.id, i.root, i.volume_id, coalesce(i.options ->> 'label', ''), v.name, l.name
    FROM import i JOIN location l ON l.id = i.location_id JOIN volume v ON v.id = i.volume_id
    WHERE i.archive_id = ? ORDER BY i.id DESC
"""
FIND_FILES = f"""
    SELECT f.path, f.mtime_ns, t.id, t.path, t.size, t.xxh128, t.sha256
    FROM file f JOIN item t ON t.id = f.item_id WHERE f.import_id = ? AND {_DONE} ORDER BY f.id
"""  # noqa: S608 - numbers of our own
_CHANGED = "strftime('%Y-%m-%d', f.mtime_ns / 1000000000, 'unixepoch', 'localtime')"
_DAY = f"substr(coalesce(m.captured_local, {_CHANGED}), 1, 10)"
DAYS = f"""
    SELECT coalesce({_DAY}, 'no date'), coalesce(m.camera, 'camera not known'), count(*)
    FROM import i CROSS JOIN file f ON f.import_id = i.id LEFT JOIN metadata m ON m.item_id = f.item_id
    WHERE i.archive_id = ? AND {_DONE} GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
OF_DAY = f"""
    SELECT f.path, f.mtime_ns, t.id, t.path, t.size, t.xxh128, t.sha256
    FROM import i CROSS JOIN file f ON f.import_id = i.id JOIN item t ON t.id = f.item_id
         LEFT JOIN metadata m ON m.item_id = f.item_id
    WHERE i.archive_id = ? AND {_DONE} AND coalesce({_DAY}, 'no date') = ?
        AND (? = '' OR coalesce(m.camera, 'camera not known') = ?)
    GROUP BY f.item_id ORDER BY min(f.id)
"""  # noqa: S608
