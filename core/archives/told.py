"""What the bags in an archive say of its locations, for a database that was never told, or told longer ago."""

import os
import re
from typing import TypeVar

from core.archives import locations
from core.catalog import Catalog
from core.tasks import baginfo
from core.workers import messages
from core.workers.messages import Place, Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

FOLDER = re.compile(r"[a-z0-9-]+")

LONGEST = 1 << 20
"""Bytes of such a file that are read."""


async def learn(archive_id: int, place: Place, pool: Pool, catalog: Catalog) -> list[str]:
    """Bring the locations of the catalog up to their bags; the folders of all that there are.

    Raises TaskFailedError, WorkerDiedError.
    """
    folders: list[str] = []
    while True:
        request = messages.ListFolder(place, b"locations", len(folders))
        listed = await _ask(pool, request, messages.FolderListed)
        folders += [os.fsdecode(name) for name, what in listed.names if what == "folder"]
        if not listed.more:
            break
    folders = sorted(folder for folder in folders if FOLDER.fullmatch(folder))
    for folder in folders:
        info = baginfo.parse(await _text(pool, place, f"locations/{folder}/{baginfo.FILE}"))
        note = await _text(pool, place, f"{baginfo.ACCESS_NOTES}/{folder}.txt")
        name = baginfo.first(info, baginfo.SENDER_DESCRIPTION) or folder
        number = await catalog.location(archive_id, folder, name)
        location = await locations.by_id(catalog.database.read, number)
        if location is not None:
            now = baginfo.believed(location, info, note.decode(errors="replace").strip())
            if now != location:
                await catalog.database.run(baginfo.learned(now, location))
    return folders


async def _text(pool: Pool, place: Place, path: str) -> bytes:
    """A small file; empty when it is not there."""
    try:
        return (await _ask(pool, messages.ReadText(place, path, 0, LONGEST), messages.Text)).data
    except TaskFailedError as error:
        if error.detail != "FileNotFoundError":
            raise
        return b""


async def _ask(pool: Pool, request: Request, wanted: type[R]) -> R:
    async with pool.worker("locations") as worker:
        return await worker.ask(request, wanted)
