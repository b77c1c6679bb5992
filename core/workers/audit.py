"""The audit of archived files: read them again, and compare them with what was archived."""

import errno
import hashlib
import os

from core.checksums.algorithms import Hashers
from core.files import page_cache
from core.files.fds import release
from core.models import Side
from core.words import counted
from core.workers import archive_messages
from core.workers.archive_files import opened
from core.workers.faults import archive_fault
from core.workers.messages import Fault
from core.workers.read_source import digest_of, reader
from core.workers.shared_memory import Slot
from core.workers.verification import dropped_once, reached


def checksums(request: archive_messages.Checksums, arena: memoryview, slot: Slot) -> archive_messages.Computed:
    """Checksums of an archived file, which is compared with both digests in the same reading. Raises OSError."""
    slot.begin("audit", request.size)
    hashers = Hashers({*request.algorithms, "sha256"})
    with opened(request.place) as folders:
        fd = folders.open(request.path, os.O_RDONLY)
        try:
            size, xxh128 = digest_of(reader(fd), arena, slot, hashers.update)
        finally:
            release(fd)
    found = hashers.digests()
    sound = (size, xxh128, found["sha256"]) == (request.size, request.xxh128, request.sha256)
    return archive_messages.Computed({name: found[name] for name in request.algorithms} if sound else {})


def audit(request: archive_messages.Audit, arena: memoryview, slot: Slot) -> archive_messages.Audited:
    """Read archived files past the cache and compare both digests."""
    results: list[tuple[str, Fault | None]] = []
    with opened(request.place) as folders:
        for path, size, xxh128, sha256 in request.files:
            slot.begin("audit", size)
            sha = hashlib.sha256()
            try:
                fd = folders.open(path, os.O_RDONLY)
                try:
                    dropped = page_cache.drop(fd, ours=True, once=dropped_once(request.place))
                    found, digest = digest_of(reader(fd), arena, slot, sha.update)
                finally:
                    release(fd)
            except OSError as error:
                if error.errno == errno.EDEADLK:
                    # It is only in iCloud, which is no damage.
                    raise
                results.append(("", archive_fault(error, request.place)))
                continue
            if found != size:
                results.append(("", Fault(Side.ARCHIVE, f"it has {counted(found, 'byte')}, not {size:,}")))
            elif (digest, sha.digest()) != (xxh128, sha256):
                results.append(("", Fault(Side.ARCHIVE, "its content is not what was archived")))
            else:
                results.append((reached(request.place.level, dropped), None))
    return archive_messages.Audited(results)
