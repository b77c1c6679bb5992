"""The MHL 1.1 list of one import (MediaHashList_v1_1.xsd): original paths, XXH64 as `xxhash64be`.

MHL 1.1 has neither of the two checksums that Lading computes for every file. XXH64 is known if a checksum list on
the source has it for the file; else it is computed from the archive's payload, which is compared with both
checksums in the same pass.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from getpass import getuser

from core import VERSION, host
from core.catalog import checksum_lists
from core.database import Read
from core.receipts.mhl import Out, ended_import, escaped, text_of
from core.receipts.mhl_history import folder_name
from core.receipts.mhl_tree import Held, held
from core.receipts.timestamps import stamp, stamp_ns

ALGORITHM = "xxh64"

Compute = Callable[[int], Awaitable[bytes]]
"""Computes the XXH64 of a file, given its row's id, from the archive."""


async def write_classic(read: Read, name: str, out: Out, compute: Compute) -> tuple[int, int]:
    """Write the list of the import `name` to `out`, piece by piece. Returns how many files are in it, and how many
    are left out.

    Raises UsageError when there is no such import or it has not ended, and what `compute` raises.
    """
    found = await ended_import(read, name)
    begun = _utc(time.time())
    out('<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="1.1">\n  <creatorinfo>\n')
    facts = {
        "name": found.head.operator or getuser(),
        "username": getuser(),
        "hostname": host.host(),
        "tool": f"Lading {VERSION}",
        "startdate": begun,
        "finishdate": _utc(time.time()),
    }
    out("".join(f"    <{element}>{escaped(text)}</{element}>\n" for element, text in facts.items()))
    out("  </creatorinfo>\n")
    count = unfit = 0
    async for page in held(read, found, histories=True):
        async for file, digest in _digests(read, page, compute):
            if (path := text_of(file.path)) is None:
                unfit += 1
                continue
            count += 1
            modified = stamp_ns(file.mtime_ns).replace("+00:00", "Z")
            out(
                f"  <hash>\n    <file>{path}</file>\n    <size>{file.size}</size>\n"
                f"    <lastmodificationdate>{modified}</lastmodificationdate>\n"
                f"    <xxhash64be>{digest.hex()}</xxhash64be>\n    <hashdate>{begun}</hashdate>\n  </hash>\n"
            )
    out("</hashlist>\n")
    return count, unfit + found.head.totals.failed.files


async def _digests(read: Read, files: list[Held], compute: Compute) -> AsyncIterator[tuple[Held, bytes]]:
    computed = await checksum_lists.computed(read, [file.id for file in files])
    for file in files:
        digest = computed.get(file.id, {}).get(ALGORITHM)
        yield file, digest if digest is not None else await compute(file.id)


def list_name(root: bytes, now: float) -> str:
    """The file name of the list for the tree `root`, in the form that the reference tool of MHL 1.1 uses."""
    return f"{folder_name(root)}_{datetime.fromtimestamp(now, UTC):%Y-%m-%d_%H%M%S}.mhl"


def _utc(seconds: float) -> str:
    return stamp(seconds).replace("+00:00", "Z")
