"""Workers that are broken on purpose: the code that a promise relies on is replaced, to see the promise's test
fail.

`broken(folder, "name", …)` puts a `sitecustomize` on the path of the processes that are started inside the block;
in worker processes it runs the named functions of this module before anything else.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = str(Path(__file__).resolve().parents[2])

EATMYDATA = ("/usr/lib/{0}/libeatmydata.so", "/usr/lib/libeatmydata.so")
"""Where Debian installs the library, by architecture."""


@contextmanager
def broken(folder: Path, *names: str) -> Iterator[None]:
    """Break workers that are started inside the block, in these ways."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'core.workers.main' in sys.orig_argv or 'tests.rigs.conversation' in sys.orig_argv:\n"
        f"    sys.path.insert(0, {ROOT!r})\n"
        "    from tests.rigs import sabotage\n"
        f"    sabotage.carry_out({list(names)!r})\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield


@contextmanager
def eatmydata() -> Iterator[None]:
    """Workers that are started inside the block flush nothing: fsync and the like do nothing, and report
    success."""
    paths = [path.format(f"{os.uname().machine}-linux-gnu") for path in EATMYDATA]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", next(path for path in paths if os.path.exists(path)))
        yield


def carry_out(names: Sequence[str]) -> None:
    """Break this process in these ways."""
    for name in names:
        BREAKS[name]()


def _folds_names() -> None:
    """Names of one folder that differ only by case or Unicode form are taken for one."""
    import unicodedata

    from core.workers.scan import FolderNames

    kept = FolderNames.piece

    def piece(self: FolderNames) -> list[str]:
        folded = {unicodedata.normalize("NFC", name).casefold(): name for name in kept(self)}
        return sorted(folded.values())

    FolderNames.piece = piece  # type: ignore[method-assign]


def _keeps_short_attributes() -> None:
    """Extended attributes of a file are recorded up to 100 bytes; longer ones do not exist on Linux."""
    from core.files import xattrs

    kept = xattrs.of
    xattrs.of = lambda fd, most=100: kept(fd, most)


def _drops_attributes() -> None:
    """Extended attributes that cannot be kept are dropped without a note."""
    from core.files import xattrs

    _keeps_short_attributes()
    kept = xattrs.of
    xattrs.of = lambda fd, most=100: xattrs.Attributes(kept(fd, most).values, [])


def _forgets_cache() -> None:
    """Reading back does not drop the cache, but reports that it did."""
    from core.files import page_cache

    def drop(fd: int, platform: str = sys.platform, *, ours: bool = False, once: bool = False) -> bool:
        return True

    page_cache.drop = drop


def _trusts_writes() -> None:
    """What was written is not read back, nor is a sample at the end."""
    from core.workers import archive_messages, dispatch, verification

    def audit(request: archive_messages.Audit, arena: memoryview, slot: Any) -> archive_messages.Audited:
        return archive_messages.Audited([(request.place.level, None) for _ in request.files])

    def verify(batch: Any, arena: memoryview, tree: Any, *, read: bool = True) -> Any:
        checked = verification.verify(batch, arena, None, read=False)
        checked.levels += [(number, batch.place.level) for number in batch.files]
        return checked

    vars(dispatch).update(verify=verify, audit=audit)


def _publishes_nothing() -> None:
    """Files are reported as published, but do not have their final names."""
    from core.workers import batch_messages, dispatch

    def publish(batch: Any, arena: memoryview) -> batch_messages.Published:
        wanted = [(number, held.payload) for number, held in batch.files.items() if held.payload]
        return batch_messages.Published(wanted, [], [])

    vars(dispatch)["publish"] = publish


def _reads_zeros() -> None:
    """Blocks that cannot be read are taken for zeros."""
    preadv = os.preadv

    def patched(fd: int, buffers: Any, offset: int, *flags: int) -> int:
        try:
            return preadv(fd, buffers, offset, *flags)
        except BlockingIOError:
            raise
        except OSError:
            size = min(sum(map(len, buffers)), max(os.fstat(fd).st_size - offset, 0))
            for buffer in buffers:
                buffer[:] = bytes(len(buffer))
            return size

    os.preadv = patched


def _replaces() -> None:
    """A file is renamed over an existing one."""
    from core.files import noreplace

    def publish(way: str, from_folder: int, source: str, to_folder: int, target: str) -> None:
        os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)

    noreplace.publish = publish


def _adopts_unread() -> None:
    """A file with the wanted name is taken for the same content."""
    from core.workers import publish

    publish.equal = lambda *_: True


def _writes_in_place() -> None:
    """A file gets its final name before its bytes."""
    from core.files import noreplace

    def publish(way: str, from_folder: int, source: str, to_folder: int, target: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        fd = os.open(target, flags, 0o644, dir_fd=to_folder)
        from_ = os.open(source, os.O_RDONLY, dir_fd=from_folder)
        while data := os.read(from_, 1 << 16):
            os.write(fd, data)
        os.close(from_)
        os.close(fd)
        os.unlink(source, dir_fd=from_folder)

    noreplace.publish = publish


def _ignores_sync() -> None:
    """A failed flush is taken for a successful one."""
    from core.files import fsync

    fsync.sync_files = lambda *_, **__: None


def _ignores_close() -> None:
    """Errors of close(2) are ignored."""
    close = os.close

    def deaf(fd: int) -> None:
        with suppress(OSError):
            close(fd)

    os.close = deaf


def _ignores_device() -> None:
    """A folder is taken for the archive because it has the archive's path."""
    from core.files.open_beneath import Tree

    kept: Callable[..., None] = Tree.__init__

    def init(self: Tree, root: bytes, device: int = 0, inode: int = 0) -> None:
        os.makedirs(root, exist_ok=True)
        kept(self, root)

    Tree.__init__ = init  # type: ignore[method-assign]


def _believes_sizes() -> None:
    """A size that can be read to its end is taken as it is told."""
    from core.workers.read_source import Opened

    Opened.doubt = lambda self: ""  # type: ignore[method-assign]


def _ignores_changes() -> None:
    """A file that changes while it is read is accepted."""
    from core.workers.read_source import Opened

    Opened.same = lambda self: True  # type: ignore[method-assign]


def _knows_no_loss() -> None:
    """A volume that is gone is not distinguished from a file that cannot be read."""
    from core.models import Side
    from core.workers import dispatch, faults, messages

    def source_fault(error: Exception, tree: Any) -> messages.Fault:
        fault = faults.fault_of(error, Side.SOURCE)
        fault.lost = False
        return fault

    faults.LOST = frozenset()
    vars(dispatch)["source_fault"] = source_fault


def _writes_source() -> None:
    """A source's files are opened for writing, too."""
    from core.files import open_beneath

    open_beneath._FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def _cleans_all() -> None:
    """Cleaning staging also removes everything beside it."""
    from core.workers import archive_files

    kept = archive_files.remove_tree

    def remove(folder: int, name: str, waits: Iterator[float]) -> int:
        for other in os.listdir(f"/proc/self/fd/{folder}/../.."):
            if other not in (".lading", "locations"):
                os.unlink(f"/proc/self/fd/{folder}/../../{other}")
        return kept(folder, name, waits)

    archive_files.remove_tree = remove


def _follows_links() -> None:
    """Links are followed."""
    # This is done before the modules that use it are imported.
    vars(os)["O_NOFOLLOW"] = 0


def _lists_at_once() -> None:
    """A folder is listed as a whole before any entry is returned."""
    from core.workers import scan

    scan.ENTRIES = scan.SORTED = 1 << 40


def _reads_on() -> None:
    """A file is read for as long as it returns bytes."""
    from core.workers.read_source import Opened

    kept: Callable[..., None] = Opened.__init__

    def init(self: Opened, *given: Any, **more: Any) -> None:
        kept(self, *given, **more)
        known = {name: getattr(self.facts, name) for name in dir(self.facts) if name.startswith("st_")}
        self.facts = SimpleNamespace(**known | {"st_size": 1 << 40})  # type: ignore[assignment]

    Opened.__init__ = init  # type: ignore[method-assign]


def _claims_medium() -> None:
    """Everything that was read back is reported as read from the medium."""
    from core.workers import verification

    verification.reached = lambda best, dropped: "medium"


def _has_icloud() -> None:
    """Not a fault: files named CLOUD… are only in iCloud, as on a Mac, and can only be opened by a process that
    may fetch."""
    from core.workers import dispatch, scan

    stat, open_, allowed = os.stat, os.open, [False]

    def fetch(wanted: bool) -> None:
        allowed[0] = wanted

    def told(path: Any, **more: Any) -> Any:
        facts = stat(path, **more)
        if not os.fsdecode(path).startswith("CLOUD"):
            return facts
        known = {name: getattr(facts, name) for name in dir(facts) if name.startswith("st_")}
        return SimpleNamespace(**known, st_flags=0x40000000)

    def opened(path: Any, *given: Any, **more: Any) -> int:
        if isinstance(path, bytes) and path.startswith(b"CLOUD") and not allowed[0]:
            raise OSError(errno.EDEADLK, os.strerror(errno.EDEADLK))
        return open_(path, *given, **more)

    vars(dispatch)["fetch"] = fetch
    vars(scan)["os"] = SimpleNamespace(**vars(os) | {"stat": told})
    os.open = opened


def _cannot_fetch() -> None:
    """After `_has_icloud`: the policy that a worker sets has no effect."""
    from core.workers import dispatch

    vars(dispatch)["fetch"] = lambda wanted: None


BREAKS: dict[str, Callable[[], None]] = {
    "adopts unread": _adopts_unread,
    "cannot fetch": _cannot_fetch,
    "claims the medium": _claims_medium,
    "cleans all": _cleans_all,
    "drops attributes": _drops_attributes,
    "believes sizes": _believes_sizes,
    "folds names": _folds_names,
    "has an iCloud": _has_icloud,
    "follows links": _follows_links,
    "forgets the cache": _forgets_cache,
    "ignores changes": _ignores_changes,
    "ignores close": _ignores_close,
    "ignores sync": _ignores_sync,
    "ignores the device": _ignores_device,
    "keeps short attributes": _keeps_short_attributes,
    "knows no loss": _knows_no_loss,
    "lists at once": _lists_at_once,
    "publishes nothing": _publishes_nothing,
    "reads on": _reads_on,
    "reads zeros": _reads_zeros,
    "replaces": _replaces,
    "trusts writes": _trusts_writes,
    "writes in place": _writes_in_place,
    "writes the source": _writes_source,
}
"""The faults by their names."""
