"""What unfinished imports still need: their sources and archives."""

import os
from collections.abc import Iterable

from core.database import Read
from core.models import State
from core.paths import display, is_remote
from core.results import InUse

_UNFINISHED = """
    SELECT i.source, i.single, a.path, EXISTS (
        SELECT 1 FROM import o WHERE o.state = ?1 AND o.together = i.together AND o.together != ''
    ) FROM import i JOIN archive a ON a.id = i.archive_id WHERE i.state IN (?2, ?3) ORDER BY i.id
"""


async def in_use(read: Read, opened: Iterable[str]) -> InUse:
    """The sources and archives of unfinished imports, and the archives that are open, at the paths `opened`."""
    sources, archives = list[str](), list[str]()
    for source, single, archive, free in await read(_UNFINISHED, (State.DONE, State.RUNNING, State.PAUSED)):
        archives.append(display(archive))
        if not free:
            sources.append(display(os.path.join(source, single) if single else source))
    archives += [display(path) for path in opened if not is_remote(path)]
    return InUse(sources=tuple(dict.fromkeys(sources)), archives=tuple(dict.fromkeys(archives)))
