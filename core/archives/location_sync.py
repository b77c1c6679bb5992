"""Updates the catalog's locations from the bags of an archive, where the catalog has older data or none."""

import os
import re
from typing import TypeVar

from core import archive_layout
from core.archives import bag_info
from core.catalog import Catalog, locations
from core.workers import archive_messages, text_messages
from core.workers.messages import Place, Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

FOLDER_NAME = re.compile(r"[a-z0-9-]+")

LARGEST_FILE = 1 << 20
"""The most bytes read of such a file."""


async def sync(archive_id: int, place: Place, pool: Pool, catalog: Catalog) -> list[str]:
    """Update the catalog's locations from their bags. Returns the folders of all locations in the archive.

    Raises TaskFailedError, WorkerDiedError.
    """
    folders: list[str] = []
    while True:
        request = archive_messages.ListFolder(place, b"locations", len(folders))
        listed = await _ask(pool, request, archive_messages.FolderListed)
        folders += [os.fsdecode(name) for name, what in listed.names if what == "folder"]
        if not listed.more:
            break
    folders = sorted(folder for folder in folders if FOLDER_NAME.fullmatch(folder))
    for folder in folders:
        info = bag_info.parse(await _text(pool, place, f"{archive_layout.location(folder)}/{bag_info.FILE}"))
        note = await _text(pool, place, archive_layout.access_notes(folder))
        name = bag_info.first(info, bag_info.SENDER_DESCRIPTION) or folder
        number = await catalog.location(archive_id, folder, name)
        location = await locations.by_id(catalog.database.read, number)
        if location is not None:
            now = bag_info.believed(location, info, note.decode(errors="replace").strip())
            if now != location:
                await catalog.database.run(bag_info.learned(now, location))
    return folders


async def _text(pool: Pool, place: Place, path: str) -> bytes:
    """The content of a small file; empty when there is no such file."""
    try:
        return (
            await _ask(pool, text_messages.ReadText(place, path, 0, LARGEST_FILE), text_messages.TextRead)
        ).data
    except TaskFailedError as error:
        if error.detail != "FileNotFoundError":
            raise
        return b""


async def _ask(pool: Pool, request: Request, wanted: type[R]) -> R:
    async with pool.worker("locations") as worker:
        return await worker.ask(request, wanted)
