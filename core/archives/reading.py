"""An archive that is only read: neither locked nor written to; it may be read-only, or another engine's now."""

import asyncio
import os
import tomllib

import msgspec

from core.archives.archive import filesystem_of
from core.catalog import Catalog
from core.errors import ArchiveError, WorkerDiedError
from core.importing.sources import LOOK
from core.paths import display
from core.workers import messages
from core.workers.journals import FOLDER
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError
from core.workers.shelf import ARCHIVE_TOML


class Reading(msgspec.Struct, frozen=True):
    """An archive as it is found now. `id` is 0 for one that the catalog does not know; `news`: it has journals of
    imports that the catalog does not know."""

    id: int
    place: Place
    news: bool


async def reading(path: str, pool: Pool, catalog: Catalog) -> Reading:
    """The archive at `path`. Raises ArchiveError."""
    try:
        async with asyncio.timeout(LOOK), pool.worker("look") as worker:
            request = messages.Look(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
            source = (await worker.ask(request, messages.Looked)).source
            level = str(filesystem_of(source.root).level)
            place = Place(source.root, source.device, source.inode, "", level)
            text = await worker.ask(messages.ReadText(place, ARCHIVE_TOML, 0, 1 << 16), messages.Text)
            journals = await worker.ask(messages.JournalNames(place, FOLDER), messages.Names)
    except TaskFailedError as error:
        raise ArchiveError(
            f"there is no archive to be read at {display(path)}: {error.fault.text}.",
            "Mount it, or check the path.",
        ) from error
    except (TimeoutError, WorkerDiedError, OSError) as error:
        raise ArchiveError(f"{display(path)} does not answer.", "Mount it again.") from error
    try:
        uuid = str(tomllib.loads(text.data.decode())["id"])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ArchiveError(
            f"{display(path)}/{ARCHIVE_TOML} is damaged: {error}.", "Restore it from a copy of the archive."
        ) from error
    id = await catalog.archive_known(uuid) or 0
    known = await catalog.import_names(id)
    return Reading(id, place, any(name.removesuffix(".jsonl") not in known for name, _ in journals.names))
