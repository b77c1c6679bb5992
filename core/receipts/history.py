"""An ASC MHL history begun beside a tree: its manifest and its chain, written by workers."""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import IO, TypeVar

from core.errors import UsageError, WorkerDiedError
from core.files import noreplace
from core.paths import display, slug
from core.receipts.lookup import Read, find
from core.receipts.mhl import Chain, manifest_name, write_mhl
from core.receipts.sending import sent
from core.workers import messages
from core.workers.messages import Place, Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

FOLDER, CHAIN = "ascmhl", "ascmhl_chain.xml"


async def begin(read: Read, pool: Pool, name: str, path: str) -> tuple[str, int, int]:
    """Write the history of import `name` into the folder `path`; the manifest's path, files in it, files left out.

    Raises UsageError, also when there is a history already or the folder is the archive's or the source's.
    """
    try:
        place = await _place(read, pool, name, path)
        if any(not name.endswith(b".part") for name in await _names(pool, place)):
            raise UsageError(f"{display(path)} has an ASC MHL history already.", "Move its folder ascmhl away.")
        base = os.path.basename(place.root).decode("ascii", "replace")
        folder = base if base.isascii() and base.isprintable() else slug(base)
        manifest, chain = manifest_name(folder, time.time()), Chain()
        async with _sent(pool, place, f"{FOLDER}/{manifest}") as file:
            counts = await write_mhl(read, name, _into(file, chain))
        async with _sent(pool, place, f"{FOLDER}/{CHAIN}") as file:
            file.write(chain.text(manifest))
    except (TaskFailedError, WorkerDiedError, OSError) as error:
        raise UsageError(
            f"{display(path)} cannot be written: {error}.", "Give a folder that you may write in."
        ) from error
    return os.path.join(os.fsdecode(place.root), FOLDER, manifest), *counts


def _into(file: IO[bytes], chain: Chain) -> Callable[[str], None]:
    def add(text: str) -> None:
        data = text.encode()
        file.write(data)
        chain.add(data)

    return add


async def _place(read: Read, pool: Pool, name: str, path: str) -> Place:
    looked = await _ask(pool, messages.Look(os.fsencode(path)), messages.Looked)
    root = looked.source.root
    ((source, archive),) = await read(
        "SELECT i.source, a.path FROM import i JOIN archive a ON a.id = i.archive_id WHERE i.id = ?",
        (await find(read, name),),
    )
    for above, what in ((source, "the source, which is never written to"), (archive, "the archive")):
        if root == above or root.startswith(above.rstrip(b"/") + b"/"):
            raise UsageError(f"{display(path)} lies in {what}.", "Give the folder of a restored tree.")
    if looked.only:
        raise UsageError(f"{display(path)} is a file.", "Give the folder of a restored tree.")
    return Place(root, looked.source.device, looked.source.inode, noreplace.LOOK, "")


async def _names(pool: Pool, place: Place) -> set[bytes]:
    """What is in its history's folder."""
    try:
        listed = await _ask(pool, messages.ListFolder(place, FOLDER.encode()), messages.FolderListed)
    except TaskFailedError as error:
        if error.detail != "FileNotFoundError":
            raise
        return set()
    return {name for name, _ in listed.names}


def _sent(pool: Pool, place: Place, path: str) -> AbstractAsyncContextManager[IO[bytes]]:
    """Under a name of its own first: a history is complete or not there."""
    return sent(pool, place, f"{path}.{secrets.token_hex(4)}.part", path)


async def _ask(pool: Pool, request: Request, wanted: type[R]) -> R:
    async with pool.worker("mhl") as worker:
        return await worker.ask(request, wanted)
