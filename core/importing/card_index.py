"""Compares the clips that a card's own index names with the files of the import."""

import asyncio
import os
from contextlib import suppress

from core.catalog import Item
from core.importing.import_run import Run
from core.media.card_index import LARGEST_INDEX, IndexedClip, indexed_clips, is_index
from core.media.file_types import split
from core.media.stems import stem_key
from core.paths import display, join, relative
from core.workers import text_messages
from core.workers.pool import TaskFailedError

PAGE = 2000
"""Rows per page."""

SHOWN = 5
"""The most clips of each sort that are named."""


async def compared(run: Run) -> str:
    """A sentence on clips that the indexes of a card name, but which are missing, or shorter than stated there;
    empty when there are none."""
    gone: dict[bytes, None] = {}
    short: dict[bytes, None] = {}
    after = 0
    while rows := await run.catalog.perhaps_indexes(run.row.id, after, LARGEST_INDEX, PAGE):
        after = rows[-1][0]
        for _, whole, item in rows:
            path = relative(run.row.root, whole)
            if is_index(path):
                await _compare(run, path, item, gone, short)
    parts = [
        _sentence(gone, "is not on it", "are not on it"),
        _sentence(short, "is shorter than it says", "are shorter than it says"),
    ]
    return "; ".join(part for part in parts if part)


async def _compare(run: Run, path: bytes, item: int, gone: dict[bytes, None], short: dict[bytes, None]) -> None:
    data = await _content(run, (await run.catalog.items([item], run.archive.id)).get(item))
    for one in await asyncio.to_thread(indexed_clips, path, data):
        sizes = await _sizes(run, one)
        if not sizes:
            gone[one.clip] = None
        elif max(sizes) < one.least:
            short[one.clip] = None


async def _content(run: Run, item: Item | None) -> bytes:
    """The archived content of an index; empty when it cannot be read."""
    if item is None or item.damage is not None:
        return b""
    request = text_messages.ReadText(run.archive.place, item.path, 0, LARGEST_INDEX)
    with suppress(TaskFailedError):  # the verdict reports payload that is missing
        async with run.workers.worker([]) as worker:
            return (await run.workers.ask(worker, request, text_messages.TextRead)).data
    return b""


async def _sizes(run: Run, one: IndexedClip) -> list[int]:
    """The sizes of the files that the import has of a clip. An ARRI clip is a file of that stem, or a folder,
    which gives [0]."""
    keys = {stem_key(path): split(os.path.basename(path))[1] for path in one.paths}
    found = await run.catalog.by_stem(run.row.id, sorted(keys))
    ids = [
        id
        for key, files in found.items()
        for id, path in files
        if not keys[key] or split(os.path.basename(path))[1] == keys[key]
    ]
    sizes = await run.catalog.sizes(ids)
    for path in one.paths if not sizes else ():
        folder = join(run.row.root, path)
        if await run.catalog.any_below(run.row.id, run.row.volume_id, folder):
            return [0]
    return sizes


def _sentence(clips: dict[bytes, None], one: str, several: str) -> str:
    if not clips:
        return ""
    names = ", ".join(display(clip) for clip in list(clips)[:SHOWN])
    more = f" and {len(clips) - SHOWN:,} more" if len(clips) > SHOWN else ""
    return f"the card's index names {names}{more}, which {one if len(clips) == 1 else several}"
