"""The archive's place that imports are to go to, examined before anything is written there."""

import os
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from core.aio import time_limit
from core.archives.copies import examine
from core.archives.locate import Locate, formerly_at, seen_at
from core.archives.readonly import reading
from core.catalog import Catalog
from core.errors import ArchiveAwayError, ArchiveCopyError, ArchiveError, SourceError
from core.importing.sources import LOOK_TIMEOUT, Picked
from core.models import ImportRequest
from core.paths import display
from core.results import AlsoInto, Survey
from core.volumes import macos_permissions
from core.workers import archive_messages, source_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError, Worker


class ImportTarget(msgspec.Struct, frozen=True):
    """The place that imports go to. `avoid`: (device, inode) of its root, which a listing must not enter; empty if
    the root does not exist yet. `room`: free bytes; None: not known. `above`: (device, inode) of its root and of
    all folders above, nearest first; without a root, from the nearest existing folder on.

    `archive_id` is 0 for an archive that the catalog does not know. `refused`: why no import can begin there now;
    empty: nothing is known that prevents it.
    """

    avoid: tuple[tuple[int, int], ...] = ()
    room: int | None = None
    archive_id: int = 0
    above: tuple[tuple[int, int], ...] = ()
    refused: str = ""


async def look_for(path: str, pool: Pool, catalog: Catalog, whereabouts: Locate) -> ImportTarget:
    """The place where an import to `path` would find its archive. An archive that was at `path` before may be
    mounted elsewhere now; if it is mounted nowhere, `refused` says so, because no new archive is made in its
    place."""
    absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
    if not path or not await seen_at(absolute, catalog):
        return await look_at(path, pool, catalog)

    async def there(place: str, id: int | None) -> ImportTarget:
        await examine(place, pool, look=True)
        target = await look_at(place, pool, catalog)
        if id is not None and target.archive_id != id:
            raise ArchiveAwayError(f"at {display(place)} is another archive now.", "Mount the right one.")
        return target

    try:
        return await whereabouts.find(path, None, there)
    except ArchiveCopyError:
        raise
    except ArchiveError as error:
        # The catalog knows what the archive holds although it is away.
        id = await catalog.archive_at(absolute) or await formerly_at(absolute, catalog)
        return ImportTarget(archive_id=id or 0, refused=f"{error.cause} {error.advice}".strip())


async def look_at(path: str, pool: Pool, catalog: Catalog) -> ImportTarget:
    """Examine the archive's `path` without writing; empty: none is chosen yet. Raises ArchiveError."""
    if not path:
        return ImportTarget()
    absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
    try:
        async with time_limit(LOOK_TIMEOUT), pool.worker("look") as worker:
            looked, there = await _nearest(worker, absolute)
            root, above = looked.source, tuple(looked.above)
            if not there:
                return ImportTarget(above=above)
            place = Place(root.root, root.device, root.inode, "", "")
            room = await worker.ask(archive_messages.Space(place), archive_messages.SpaceFound)
    except TaskFailedError:
        return ImportTarget()
    except TimeoutError as error:
        advice = macos_permissions.no_answer_advice("Mount it again.")
        raise ArchiveError(f"{display(path)} does not answer.", advice) from error
    archive_id = await catalog.archive_at(root.root)
    if archive_id is None:
        with suppress(ArchiveAwayError):
            found = await reading(path, pool, catalog)
            if found.copy.number:
                raise found.copy.refusal(path)
            archive_id = found.id
    return ImportTarget(((root.device, root.inode),), room.available, archive_id or 0, above)


async def _nearest(worker: Worker, path: bytes) -> tuple[source_messages.Looked, bool]:
    """(looked, there): what is at `path`, or at the nearest existing folder above it; whether it is `path` itself.

    Raises TaskFailedError.
    """
    place = path
    while True:
        try:
            return await worker.ask(source_messages.LookAtPath(place), source_messages.Looked), place == path
        except TaskFailedError:
            if place == b"/":
                raise
            place = os.path.dirname(place)


def apart(request: ImportRequest, source: Picked, target: ImportTarget) -> None:
    """Raises SourceError if the source and the archive are the same folder, or one lies within the other."""
    if source.above.intersection(target.avoid):
        raise SourceError(
            f"{display(request.source)} is the archive itself, or lies in it.", "Pick a card or another folder."
        )
    # A volume that is mounted below the source is another disk: writing there does not write to the source.
    root = source.source.device, source.source.inode
    if not source.only and root in target.above and target.above[0][0] == source.source.device:
        raise SourceError(
            f"the archive {display(request.archive)} lies in {display(request.source)}; a source is only read.",
            "Name an archive elsewhere, or pick the folders beside it.",
        )


def placed(survey: Survey, request: ImportRequest, source: Picked, target: ImportTarget) -> Survey:
    """The survey, with `refused` and `one_volume` set by the places of source and archive."""
    # An archive that does not exist yet will be on the volume of its nearest existing folder.
    one_volume = any(device == source.source.device for device, _ in target.above[:1])
    refused = target.refused
    try:
        apart(request, source, target)
    except SourceError as error:
        refused = error.cause
    warnings = (f"It cannot be imported: {refused}", *survey.warnings) if refused else survey.warnings
    return msgspec.structs.replace(
        survey, refused=refused, away=bool(target.refused), warnings=warnings, one_volume=one_volume
    )


def into_several(survey: Survey, others: Sequence[tuple[str, Survey]]) -> Survey:
    """The survey of an import into several archives: that for the first one, and (path, survey) for the others."""
    warnings = [*survey.warnings]
    for path, other in others:
        warnings += [f"{display(path)}: {warning}" for warning in other.warnings if warning not in survey.warnings]
    also = tuple(
        AlsoInto(
            archive=display(path),
            new=other.new,
            duplicate=other.duplicate,
            needed=other.needed,
            free=other.free,
            one_volume=other.one_volume,
            refused=other.refused,
            away=other.away,
        )
        for path, other in others
    )
    return msgspec.structs.replace(survey, warnings=tuple(warnings), also=also)
