"""Compares parts of some archived files of a source with the archive: another card, or one that was filled again,
can have equal names and sizes, and also equal times, where its file system or a camera's clock makes them up."""

import heapq
import os
import random
from collections.abc import Iterable
from typing import NamedTuple

from core.catalog import Item
from core.importing.import_run import Run
from core.importing.scan import asking
from core.media.file_types import Kind
from core.workers import archive_messages
from core.workers.messages import Place
from core.workers.pool import TaskFailedError
from core.workers.source_messages import Entry

SAMPLES, BLOCK = 8, 1 << 20
"""How many files have their first and last block compared."""

MEDIA = (Kind.IMAGES, Kind.VIDEOS, Kind.AUDIO)
"""Kinds of files that are compared first: two cards may well have equal sidecars."""


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
            _Candidate((entry.kind in MEDIA, random.random()), entry.path, item)  # noqa: S311 - no secret
            for entry, item in files
            if entry.size and not entry.dataless
        ]
        self._chosen = heapq.nlargest(SAMPLES, [*self._chosen, *candidates])

    async def unlike(self, run: Run, *, paused: bool) -> tuple[int, list[bytes]]:
        """How many files were compared with the archive of `run`, and the paths of those that differ. What cannot
        be read on either side, or is known to be damaged in the archive, says nothing about the source: it does
        not count.

        Raises HaltError, WorkerDiedError, TimeoutError.
        """
        items = await run.catalog.items({one.item for one in self._chosen}, run.archive.id)
        files = [(one.path, items[one.item]) for one in self._chosen if one.item in items]
        files = [(path, item) for path, item in files if item.damage is None]
        wanted = [(path, item, at) for path, item in files for at in sorted({0, max(0, item.size - BLOCK)})]
        if not wanted:
            return 0, []
        root = run.source
        place = Place(root.root, root.device, root.inode, "", "")
        try:
            async with asking(run, paused=paused) as ask:
                theirs = await ask(
                    archive_messages.Blocks(place, [(path, at, BLOCK) for path, _, at in wanted]),
                    archive_messages.BlocksRead,
                )
                ours = await ask(
                    archive_messages.Blocks(run.archive.place, [_block(item, at) for _, item, at in wanted]),
                    archive_messages.BlocksRead,
                )
        except TaskFailedError:
            return 0, []  # the volume is away, which the run notices itself
        compared: dict[bytes, bool] = {}
        for (path, _, _), (one, fault), (other, missing) in zip(wanted, theirs.files, ours.files, strict=True):
            if fault is None and missing is None:
                compared[path] = compared.get(path, True) and one == other
        return len(compared), [path for path, alike in compared.items() if not alike]


def _block(item: Item, at: int) -> tuple[bytes, int, int]:
    return os.fsencode(item.path), at, BLOCK
