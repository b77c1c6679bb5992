"""The audit of archived files: read again, and compared with what was archived."""

import hashlib
import os

from core.files import cache
from core.files.closing import release
from core.workers import messages
from core.workers.control import Slot
from core.workers.faults import fault_of
from core.workers.messages import Fault
from core.workers.readback import reached
from core.workers.reading import digest_of, reader
from core.workers.shelf import opened


def audit(request: messages.Audit, arena: memoryview, slot: Slot) -> messages.Audited:
    """Read archived files past the cache and compare both digests."""
    results: list[tuple[str, Fault | None]] = []
    with opened(request.place) as folders:
        for path, size, xxh128, sha256 in request.files:
            slot.begin("audit", size)
            sha = hashlib.sha256()
            try:
                fd = folders.open(path, os.O_RDONLY)
                try:
                    dropped = cache.drop(fd)
                    found, digest = digest_of(reader(fd), arena, slot, sha.update)
                finally:
                    release(fd)
            except OSError as error:
                results.append(("", fault_of(error, "archive")))
                continue
            if found != size:
                results.append(("", Fault("archive", f"it has {found:,} bytes, not {size:,}")))
            elif (digest, sha.digest()) != (xxh128, sha256):
                results.append(("", Fault("archive", "its content is not what was archived")))
            else:
                results.append((reached(request.place.level, dropped), None))
    return messages.Audited(results)
