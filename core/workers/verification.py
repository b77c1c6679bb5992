"""Reading what was written back, past the cache, and comparing it."""

import os

from core.files import page_cache
from core.files.open_beneath import LostError, Tree
from core.models import Side
from core.volumes.filesystems import Level
from core.workers.batch import Batch, BatchEntry
from core.workers.batch_messages import Checked
from core.workers.faults import archive_fault
from core.workers.health_check import source_fault
from core.workers.messages import Fault, Place
from core.workers.read_source import ChangedError, Opened, digest_of, reader
from core.workers.shared_memory import Slot

OPEN_AT_ONCE = 256
"""The most files open at once: a medium answers many small reads in parallel faster than one by one."""


def reached(best: str, dropped: bool) -> str:
    """The verification level reached: the best of the place, unless the cache could not be dropped."""
    return best if best != Level.MEDIUM or dropped else Level.UNPROVEN


def dropped_once(place: Place) -> bool:
    """Whether one try to drop the cached pages of a file is enough: no level depends on it there, and no server
    can be asked for what it holds."""
    return place.level == Level.UNPROVEN and not place.network


def verify(batch: Batch, arena: memoryview, tree: Tree | None, *, read: bool = True) -> Checked:
    """Read every staged file back past the cache and compare it; with `tree`, read its source again, too.

    Only verified files can be published. Without `read` every file counts as verified.
    """
    if not read:
        return _unread(batch)
    waiting = [number for number, held in batch.files.items() if held.staged and not held.verified]
    checked = Checked([], [])
    for start in range(0, len(waiting), OPEN_AT_ONCE):
        _verify_some(batch, waiting[start : start + OPEN_AT_ONCE], arena, tree, checked)
    return checked


def _unread(batch: Batch) -> Checked:
    """Count every file as verified whose descriptor can be closed."""
    checked = Checked([], [])
    for number, held in list(batch.files.items()):
        if fault := _closed(held, batch):
            checked.faults.append((number, fault))
            batch.forget(number)
        else:
            held.verified = True
    return checked


def _verify_some(batch: Batch, numbers: list[int], arena: memoryview, tree: Tree | None, checked: Checked) -> None:
    opened: list[tuple[int, bool]] = []
    for number in numbers:
        batch.slot.checkpoint()
        held = batch.files[number]
        try:
            dropped = _open_past_cache(batch, held)
        except OSError as error:
            checked.faults.append((number, archive_fault(error, batch.place, "read back: ")))
            batch.forget(number)
            continue
        opened.append((number, dropped))
        page_cache.read_ahead(held.fd)
    for number, dropped in opened:
        held = batch.files[number]
        fault = _compare(held, arena, batch) or _closed(held, batch)
        if fault is None and tree is not None:
            fault = _source_again(held, tree, arena, batch.slot)
        if fault is not None:
            checked.faults.append((number, fault))
            batch.forget(number)
            continue
        held.verified = True
        checked.levels.append((number, reached(batch.place.level, dropped)))


def _open_past_cache(batch: Batch, held: BatchEntry) -> bool:
    """Open a staged file, unless the descriptor that it was written through is still open, and drop its cached
    pages. Returns whether none of them is left. Raises OSError."""
    once = dropped_once(batch.place)
    if held.fd >= 0:
        if page_cache.drop(held.fd, ours=True, once=once):
            return held.uncached
        # Opened again, the client of a server asks it whether the pages that are left are current.
        batch.close(held)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    held.fd = os.open(held.staged, flags, dir_fd=batch.staging)
    return page_cache.drop(held.fd, ours=True, once=once) and held.uncached


def _closed(held: BatchEntry, batch: Batch) -> Fault | None:
    """Close a staged file. Returns the fault that only close(2) reports, where it was written through the
    descriptor."""
    try:
        batch.close(held)
    except OSError as error:
        if batch.place.sends_on_fsync:
            return batch.flush_fault(error)
    return None


def _compare(held: BatchEntry, arena: memoryview, batch: Batch) -> Fault | None:
    batch.slot.begin("verify", held.digest.size)
    try:
        size, digest = digest_of(reader(held.fd), arena, batch.slot)
    except OSError as error:
        return archive_fault(error, batch.place, "read back: ")
    if size != held.digest.size:
        detail = f"({size:,} bytes of {held.digest.size:,})"
        return Fault(Side.ARCHIVE, "read back with another size than was written", again=True, detail=detail)
    if digest != held.digest.xxh128:
        return Fault(Side.ARCHIVE, "what was read back is not what was written", again=True)
    return None


def _source_again(held: BatchEntry, tree: Tree, arena: memoryview, slot: Slot) -> Fault | None:
    slot.begin("verify", held.digest.size)
    try:
        with Opened(tree, held.path, slot) as source:
            source.drop_cache()
            found = digest_of(source.read, arena, slot)
    except ChangedError:
        found = None
    except (OSError, LostError) as error:
        return source_fault(error, tree, "second reading: ")
    if found != (held.digest.size, held.digest.xxh128):
        return Fault(Side.SOURCE, "a second reading of the source gave other bytes", again=True)
    return None
