"""Compares parts of some archived files of a source with the archive: another card, or one that was filled again,
can have equal names and sizes, and also equal times, where its file system or a camera's clock makes them up."""

import heapq
import os
import random
from collections.abc import Iterable
from typing import NamedTuple

from core.catalog import Item
from core.importing.halt_reasons import gone
from core.importing.import_run import Run
from core.importing.scan import AskWorker, asking
from core.media.file_types import Kind
from core.models import Waits
from core.workers import archive_messages
from core.workers.batch_messages import Drop
from core.workers.messages import Done, Fault, Place, Source
from core.workers.pool import TaskFailedError
from core.workers.source_messages import Digests, Entry, ReadBatch, ToRead

SAMPLES, BLOCK = 8, 1 << 20
"""How many files have their first and last block compared."""

WHOLE = 64 << 20
"""The largest file that is read whole to be compared with what another import has read of it."""

COMPARED_KINDS = (Kind.IMAGES, Kind.VIDEOS, Kind.AUDIO)
"""Kinds of files that are compared first: two cards may well have equal sidecars."""


class Compared(NamedTuple):
    """files: how many could be compared.

    unlike, unread, refused: paths of files that differ, could not be read, and could not be read in the archive.
    """

    files: int
    unlike: list[bytes]
    unread: list[bytes]
    refused: list[bytes]


class _Candidate(NamedTuple):
    rank: tuple[bool, float]
    path: bytes
    item: int


class Sample:
    """A random sample of the archived files of a source, chosen while they are listed."""

    def __init__(self) -> None:
        self._chosen: list[_Candidate] = []

    def add(self, files: Iterable[tuple[Entry, int]]) -> None:
        """Consider these files, each with its item. Empty files and those that are only in iCloud are not read."""
        candidates = [
            _Candidate((entry.kind in COMPARED_KINDS, random.random()), entry.path, item)  # noqa: S311 - no secret
            for entry, item in files
            if entry.size and not entry.dataless
        ]
        self._chosen = heapq.nlargest(SAMPLES, [*self._chosen, *candidates])

    async def compare(self, run: Run, source: Source, *, paused: bool) -> Compared:
        """Compare the chosen files of `source` with the archive of `run`. What is known to be damaged there is not
        compared.

        Raises HaltError when a volume is gone; WorkerDiedError, TimeoutError.
        """
        items = await run.catalog.items({one.item for one in self._chosen}, run.archive.id)
        files = [(one.path, items[one.item]) for one in self._chosen if one.item in items]
        files = [(path, item) for path, item in files if item.damage is None]
        wanted = [(path, item, at) for path, item in files for at in sorted({0, max(0, item.size - BLOCK)})]
        if not wanted:
            return Compared(0, [], [], [])
        place = Place(source.root, source.device, source.inode, "", "")
        async with asking(run, paused=paused) as ask:
            blocks = [(path, at, BLOCK) for path, _, at in wanted]
            theirs = await _read(ask, run, place, blocks, Waits.SOURCE)
            blocks = [(os.fsencode(item.path), at, BLOCK) for _, item, at in wanted]
            ours = await _read(ask, run, run.archive.place, blocks, Waits.ARCHIVE)
        unlike, unread, refused = dict[bytes, None](), dict[bytes, None](), dict[bytes, None]()
        for (path, _, _), (one, fault), (other, missing) in zip(wanted, theirs, ours, strict=True):
            if fault is not None:
                unread[path] = None
            elif missing is not None:
                refused[path] = None
            elif one != other:
                unlike[path] = None
        return Compared(len(files) - len(unread | refused), list(unlike), list(unread), list(refused))

    async def compare_whole(self, run: Run, source: Source, archives: Iterable[int], *, paused: bool) -> Compared:
        """Compare the chosen files of `source`, except for large ones, with the checksums that imports into these
        archives have of them. The archives may be away.

        Raises HaltError when the source is gone; WorkerDiedError, TimeoutError.
        """
        items = dict[int, Item]()
        for archive in archives:
            items |= await run.catalog.items({one.item for one in self._chosen}, archive)
        files = [(one.path, items[one.item]) for one in self._chosen if one.item in items]
        files = [(path, item) for path, item in files if item.size <= WHOLE]
        unlike, unread = list[bytes](), list[bytes]()
        if not files:
            return Compared(0, unlike, unread, [])
        async with asking(run, paused=paused) as ask:
            for path, item in files:
                file = ToRead(item.id, path, item.size, item.kind, content_only=True)
                request = ReadBatch(source, [file], keep=False)
                try:
                    (found,) = (await ask(request, Digests)).files
                except TaskFailedError as error:
                    raise gone(error.fault, run, Waits.SOURCE) from error
                if found.fault is None:
                    unlike += [path] if found.content != item.content else []
                elif found.fault.lost:
                    raise gone(found.fault, run, Waits.SOURCE)
                else:
                    unread.append(path)
            # Nothing of the source stays open.
            await ask(Drop(), Done)
        return Compared(len(files) - len(unread), unlike, unread, [])


async def _read(
    ask: AskWorker, run: Run, place: Place, wanted: list[tuple[bytes, int, int]], waits: Waits
) -> list[tuple[bytes, Fault | None]]:
    """Digests of these blocks of a source or an archive. Raises HaltError when its volume is gone."""
    try:
        found = (await ask(archive_messages.Blocks(place, wanted), archive_messages.BlocksRead)).files
    except TaskFailedError as error:
        raise gone(error.fault, run, waits) from error
    for _, fault in found:
        if fault is not None and fault.lost:
            raise gone(fault, run, waits)
    return found
