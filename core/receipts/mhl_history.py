"""Begins or continues the ASC MHL history of a tree: workers write a manifest and the chain."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import IO

from core.catalog.find_import import find
from core.checksums.algorithms import c4
from core.checksums.names import CHAIN, HISTORY
from core.database import Read
from core.errors import UsageError, WorkerDiedError
from core.files import noreplace
from core.paths import display, slug
from core.receipts.mhl import escaped, write_mhl
from core.receipts.mhl_previous import LAST_ELEMENT, HistoryTree, Previous
from core.receipts.timestamps import stamp
from core.receipts.upload import uploaded_file
from core.workers import source_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

_BEGIN = b'<?xml version="1.0" encoding="UTF-8"?>\n<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">\n'


async def write(read: Read, pool: Pool, name: str, path: str) -> tuple[str, int, int]:
    """Add import `name` as a generation to the history of the folder `path`, which may have none yet. Returns the
    manifest's path, how many files are in it, and how many are left out.

    Raises UsageError, also when the history is damaged, or the folder is the archive's or the source's.
    """
    try:
        place = await place_of(read, pool, name, path)
        async with Previous.open(HistoryTree(pool, place)) as previous:
            generation = previous.generation + 1
            manifest, sha = manifest_name(generation, place.root, time.time()), hashlib.sha512()
            async with _uploaded_file(pool, place, f"{HISTORY.decode()}/{manifest}") as file:
                counts = await write_mhl(read, name, _writer(file, sha), previous)
            async with _uploaded_file(pool, place, f"{HISTORY.decode()}/{CHAIN.decode()}") as file:
                file.write(extend_chain(previous.chain, generation, manifest, sha.digest()))
    except (TaskFailedError, WorkerDiedError, OSError) as error:
        raise UsageError(
            f"{display(path)} cannot be written: {error}.", "Give a folder that you may write in."
        ) from error
    return os.path.join(os.fsdecode(place.root), HISTORY.decode(), manifest), *counts


def extend_chain(chain: bytes, generation: int, manifest: str, sha512: bytes) -> bytes:
    """Append a generation to the bytes of a chain file; an empty `chain` is begun."""
    before = chain.rstrip().removesuffix(LAST_ELEMENT) if chain else _BEGIN
    return before + (
        f'  <hashlist sequencenr="{generation}">\n    <path>{escaped(manifest)}</path>\n'
        f"    <c4>{c4(sha512)}</c4>\n  </hashlist>\n".encode()
        + LAST_ELEMENT
        + b"\n"
    )


def manifest_name(generation: int, root: bytes, now: float) -> str:
    """The name of a manifest beside a tree (specification: generation, folder, UTC)."""
    moment = re.sub("[:]", "", stamp(now).replace("T", "_").removesuffix("+00:00"))
    return f"{generation:04}_{folder_name(root)}_{moment}Z.mhl"


def folder_name(root: bytes) -> str:
    """A folder's name in the form that names of lists use."""
    base = os.path.basename(root).decode("ascii", "replace")
    return base if base.isascii() and base.isprintable() else slug(base)


def _writer(file: IO[bytes], sha: "hashlib._Hash") -> Callable[[str], None]:
    def add(text: str) -> None:
        data = text.encode()
        file.write(data)
        sha.update(data)

    return add


async def place_of(read: Read, pool: Pool, name: str, path: str) -> Place:
    """The folder `path`, as a place to write in. Raises UsageError, TaskFailedError."""
    async with pool.worker("mhl") as worker:
        looked = await worker.ask(source_messages.LookAtPath(os.fsencode(path)), source_messages.Looked)
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


def _uploaded_file(pool: Pool, place: Place, path: str) -> AbstractAsyncContextManager[IO[bytes]]:
    """Write a file under a temporary name first, so that it is complete or does not exist."""
    return uploaded_file(pool, place, f"{path}.{secrets.token_hex(4)}.part", path)
