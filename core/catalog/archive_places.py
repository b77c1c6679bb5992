"""Where archives and their copies were last seen."""

from core.database import Read
from core.paths import is_remote
from core.results import ArchivePlace

_PLACES = """
    SELECT path, volume, root, 1 AS used, seen FROM archive UNION ALL SELECT path, volume, root, 0, seen FROM copy
    ORDER BY used DESC, seen DESC
"""


async def places(read: Read) -> list[ArchivePlace]:
    """All copies that are no remotes, those in use first."""
    return [
        ArchivePlace(path=path, volume=volume, root=root, in_use=bool(used))
        for path, volume, root, used, _ in await read(_PLACES, ())
        if not is_remote(path)
    ]
