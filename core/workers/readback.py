"""Reading what was written back past the cache, and comparing."""

import os

from core.files import cache
from core.files.closing import release
from core.files.tree import LostError, Tree
from core.workers.batch import Batch, Held
from core.workers.control import Slot
from core.workers.faults import fault_of
from core.workers.messages import Checked, Fault
from core.workers.reading import ChangedError, Opened, digest_of, reader

TOGETHER = 256
"""Files that are open at once: a medium answers many small reads together faster than one by one."""


def reached(best: str, dropped: bool) -> str:
    """The verification level reached: the place's best, unless the cache could not be emptied."""
    return best if best != "medium" or dropped else "cache not excluded"


def verify(batch: Batch, arena: memoryview, tree: Tree | None, *, read: bool = True) -> Checked:
    """Read every staged file back past the cache and compare; with `tree` its source once more, too.

    Only what was verified can be published. Without `read` all is taken as it was written.
    """
    if not read:
        for held in batch.files.values():
            held.verified = True
        return Checked([], [])
    waiting = [number for number, held in batch.files.items() if held.staged and not held.verified]
    checked = Checked([], [])
    for start in range(0, len(waiting), TOGETHER):
        _verify_some(batch, waiting[start : start + TOGETHER], arena, tree, checked)
    return checked


def _verify_some(batch: Batch, numbers: list[int], arena: memoryview, tree: Tree | None, checked: Checked) -> None:
    opened: list[tuple[int, int, bool]] = []
    try:
        for number in numbers:
            batch.slot.checkpoint()
            held = batch.files[number]
            try:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                fd = os.open(held.staged, flags, dir_fd=batch.staging)
            except OSError as error:
                checked.faults.append((number, fault_of(error, "archive", "read back: ")))
                batch.forget(number)
                continue
            opened.append((number, fd, cache.drop(fd) and held.uncached))
            cache.read_ahead(fd)
        for number, fd, dropped in opened:
            held = batch.files[number]
            fault = _compare(fd, held, arena, batch.slot)
            if fault is None and tree is not None:
                fault = _source_again(held, tree, arena, batch.slot)
            if fault is not None:
                checked.faults.append((number, fault))
                batch.forget(number)
                continue
            held.verified = True
            checked.levels.append((number, reached(batch.place.level, dropped)))
    finally:
        for _, fd, _ in opened:
            release(fd)


def _compare(fd: int, held: Held, arena: memoryview, slot: Slot) -> Fault | None:
    slot.begin("verify", held.digest.size)
    try:
        size, digest = digest_of(reader(fd), arena, slot)
    except OSError as error:
        return fault_of(error, "archive", "read back: ")
    if size != held.digest.size:
        return Fault("archive", f"read back {size:,} bytes of {held.digest.size:,}", again=True)
    if digest != held.digest.xxh128:
        return Fault("archive", "what was read back is not what was written", again=True)
    return None


def _source_again(held: Held, tree: Tree, arena: memoryview, slot: Slot) -> Fault | None:
    slot.begin("verify", held.digest.size)
    try:
        with Opened(tree, held.path, slot) as source:
            source.drop_cache()
            found = digest_of(source.read, arena, slot)
    except ChangedError:
        found = None
    except (OSError, LostError) as error:
        return fault_of(error, "source", "second reading: ")
    if found != (held.digest.size, held.digest.xxh128):
        return Fault("source", "a second reading of the source gave other bytes", again=True)
    return None
