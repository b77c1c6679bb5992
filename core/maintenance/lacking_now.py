"""Looks whether the archived files of an import are there by now, and not known to be damaged."""

import os

from core.archives.archive import Archive
from core.archives.presence import present
from core.catalog import Catalog, ImportRow
from core.errors import ArchiveError, WorkerDiedError
from core.paths import display
from core.volumes import macos_permissions
from core.words import counted
from core.workers.pool import Pool, TaskFailedError, code_of

PAGE = 1000
"""Items per query and request."""


async def lacking(archive: Archive, row: ImportRow, catalog: Catalog, pool: Pool) -> list[str]:
    """The paths of contents that an import has seen, and that are not in its archive at their size, or known to be
    damaged there. No file is read. Raises TaskFailedError, WorkerDiedError."""
    found, after = list[str](), 0
    while ids := await catalog.seen_items(row.id, after, PAGE):
        after = ids[-1]
        items = (await catalog.items(ids, archive.id)).values()
        found += [item.path for item in items if item.damage is not None]
        sound = [item for item in items if item.damage is None]
        async with pool.worker("look") as worker:
            there = await present(worker.ask, archive.place, sound)
        found += [item.path for item in sound if item.path not in there]
    return found


async def refuse_if_lacking(archive: Archive, row: ImportRow, catalog: Catalog, pool: Pool) -> None:
    """Return if each content that an import has seen is in its archive, at its size, and not known to be damaged.
    No file is read. Raises ArchiveError."""
    try:
        paths = await lacking(archive, row, catalog, pool)
    except (TaskFailedError, WorkerDiedError) as error:
        advice = (
            macos_permissions.permission_advice(code_of(error), os.environ) or "Mount it again, then try again."
        )
        raise ArchiveError(f"{display(archive.place.root)} does not answer: {error}.", advice) from error
    if paths:
        raise ArchiveError(
            f"{counted(len(paths), 'archived file')} of import {row.name} "
            f"{'is' if len(paths) == 1 else 'are'} damaged or not there any more (such as "
            f"{display(paths[0])}), so its verdict would not be SAFE.",
            "Bring them again: lading audit --heal SRC. Then accept it.",
        )
