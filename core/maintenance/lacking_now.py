"""Looks whether the archived files of an import are there by now, not known to be damaged, and were read back."""

import os

from core.archives.archive import Archive
from core.archives.presence import present
from core.catalog import Catalog, ImportRow
from core.concurrency import Limit
from core.errors import ArchiveError, WorkerDiedError
from core.maintenance.audit import Audit
from core.paths import display
from core.volumes import macos_permissions
from core.words import counted
from core.workers.pool import Pool, TaskFailedError, code_of

PAGE = 1000
"""Items per query and request."""


async def read_unread(archive: Archive, row: ImportRow, catalog: Catalog, pool: Pool, verify: Limit) -> None:
    """Read the contents that an import has seen and that were never read back as far as this catalog knows, such
    as all of another computer's import. What is damaged is recorded. Raises ArchiveError."""
    audit, after = Audit(archive, catalog, pool, verify), 0
    while ids := await catalog.seen_items(row.id, after, PAGE):
        after = ids[-1]
        items = (await catalog.items(ids, archive.id)).values()
        if unread := [item for item in items if item.read_back is None and item.damage is None]:
            await audit.read_again(unread)


async def lacking(archive: Archive, row: ImportRow, catalog: Catalog, pool: Pool) -> dict[str, list[str]]:
    """The paths of contents that an import has seen, by the key of KEEP_REASONS why they stand in the way of SAFE:
    "missing" of those that are not in its archive at their size, or known to be damaged there; "unverified" of
    those that were never read back. No file is read. Raises TaskFailedError, WorkerDiedError."""
    missing, unverified, after = list[str](), list[str](), 0
    while ids := await catalog.seen_items(row.id, after, PAGE):
        after = ids[-1]
        items = (await catalog.items(ids, archive.id)).values()
        missing += [item.path for item in items if item.damage is not None]
        sound = [item for item in items if item.damage is None]
        async with pool.worker("look") as worker:
            there = await present(worker.ask, archive.place, sound)
        missing += [item.path for item in sound if item.path not in there]
        unverified += [item.path for item in sound if item.path in there and item.read_back is None]
    return {why: paths for why, paths in (("missing", missing), ("unverified", unverified)) if paths}


async def refuse_if_lacking(archive: Archive, row: ImportRow, catalog: Catalog, pool: Pool) -> None:
    """Return if each content that an import has seen is in its archive, at its size, not known to be damaged, and
    was read back. No file is read. Raises ArchiveError."""
    try:
        paths = [path for some in (await lacking(archive, row, catalog, pool)).values() for path in some]
    except (TaskFailedError, WorkerDiedError) as error:
        advice = (
            macos_permissions.permission_advice(code_of(error), os.environ) or "Mount it again, then try again."
        )
        raise ArchiveError(f"{display(archive.place.root)} does not answer: {error}.", advice) from error
    if paths:
        raise ArchiveError(
            f"{counted(len(paths), 'archived file')} of import {row.name} "
            f"{'is' if len(paths) == 1 else 'are'} damaged or not there any more, or cannot be read (such as "
            f"{display(paths[0])}), so its verdict would not be SAFE.",
            "Bring them again: lading audit --heal SRC. Then accept it.",
        )
