"""Recovers the id of an archive whose archive.toml is missing, damaged or invented, from its journals and
receipts."""

import os
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator

from core import archive_layout
from core.archives.copies import refused, unwritable
from core.catalog import Catalog
from core.files.checksummed_lines import unsealed
from core.workers import archive_messages, messages, source_messages, text_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

HEAD = 16 << 10
"""Bytes at the start of a journal or receipt in which the archive's id is found."""

_RECEIPT = re.compile(rb"^Archive {5}.*, ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$", re.MULTILINE)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def id_of(path: str, pool: Pool) -> tuple[bytes, list[str]]:
    """The archive's root, and the ids that its journals name, or if they name none, its receipts; the most
    frequent first.

    Raises ArchiveError, TaskFailedError, WorkerDiedError.
    """
    async with pool.worker("look") as worker:
        request = source_messages.LookAtPath(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
        try:
            source = (await worker.ask(request, source_messages.Looked)).source
        except TaskFailedError as error:
            raise refused(path, error, look=True) from error
    place = Place(source.root, source.device, source.inode, "", "")
    for named in (ids_of_journals(place, pool), ids_of_receipts(place, pool)):
        if counted := Counter([id async for id in named]):
            return source.root, [id for id, _ in counted.most_common()]
    return source.root, []


async def give_id(path: str, pool: Pool, catalog: Catalog) -> str:
    """Write archive.toml anew, and return the id in it. Raises ArchiveError, TaskFailedError, WorkerDiedError.

    It is the id that most journals or receipts name, else that of the archive which the catalog knows at this
    path. If there is none, a new id is made, since nothing refers to an old one.
    """
    root, named = await id_of(path, pool)
    id = named[0] if named else await catalog.uuid_at(root) or str(uuid.uuid4())
    async with pool.worker("open") as worker:
        try:
            await worker.ask(archive_messages.GiveId(root, f'id = "{id}"\n'), messages.Done)
        except TaskFailedError as error:
            raise unwritable(path, error) from error
    return id


async def ids_of_journals(place: Place, pool: Pool) -> AsyncIterator[str]:
    """The archive ids in the journals' first lines."""
    async with pool.worker("look") as worker:
        names = text_messages.JournalNames(place, archive_layout.JOURNALS)
        for name, _ in (await worker.ask(names, archive_messages.NamesCounted)).names:
            read = text_messages.ReadText(place, f"{archive_layout.JOURNALS}/{name}", 0, HEAD)
            data = (await worker.ask(read, text_messages.TextRead)).data
            for line in data.split(b"\n"):
                row = unsealed(line) if line else None
                if row is not None and _ID.fullmatch(str(row.get("archive", ""))):
                    yield row["archive"]
                    break


async def ids_of_receipts(place: Place, pool: Pool) -> AsyncIterator[str]:
    """The archive ids in the receipts of the bags."""
    async for folder in _names(place, pool, os.fsencode(archive_layout.LOCATIONS), "folder"):
        receipts = archive_layout.receipts(os.fsdecode(folder))
        async for name in _names(place, pool, os.fsencode(receipts), "file"):
            if name.endswith(b".txt"):
                path = f"{receipts}/{os.fsdecode(name)}"
                async with pool.worker("look") as worker:
                    read = text_messages.ReadText(place, path, 0, HEAD)
                    if found := _RECEIPT.search((await worker.ask(read, text_messages.TextRead)).data):
                        yield found[1].decode()


async def _names(place: Place, pool: Pool, folder: bytes, what: str) -> AsyncIterator[bytes]:
    skip, more = 0, True
    while more:
        async with pool.worker("look") as worker:
            try:
                listed = await worker.ask(
                    archive_messages.ListFolder(place, folder, skip), archive_messages.FolderListed
                )
            except TaskFailedError as error:
                if error.detail not in ("FileNotFoundError", "NotADirectoryError"):
                    raise
                return
        for name, kind in listed.names:
            if kind == what:
                yield name
        skip, more = skip + len(listed.names), listed.more
