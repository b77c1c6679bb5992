"""Workers that do their work wrong on purpose: what a promise guards is broken, to see its test fail.

`broken(folder, "name", …)` puts a `sitecustomize` on the path of the processes that are started meanwhile; in
worker processes that carries out the named functions of this module before anything else.
"""

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
"""Where Debian has the library, by architecture."""


@contextmanager
def broken(folder: Path, *names: str) -> Iterator[None]:
    """Workers started from now on are broken in these ways."""
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
    """Workers started from now on flush nothing: fsync and its like do nothing, and say that all went well."""
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

    from core.workers.listing import Names

    kept = Names.piece

    def piece(self: Names) -> list[str]:
        folded = {unicodedata.normalize("NFC", name).casefold(): name for name in kept(self)}
        return sorted(folded.values())

    Names.piece = piece  # type: ignore[method-assign]


def _forgets_cache() -> None:
    """Reading back does not drop the cache, and says it did."""
    from core.files import cache

    cache.drop = lambda fd, platform=sys.platform: True


def _trusts_writes() -> None:
    """What was written is not read back."""
    from core.workers import readback, worker

    def verify(batch: Any, arena: memoryview, tree: Any, *, read: bool = True) -> Any:
        checked = readback.verify(batch, arena, None, read=False)
        checked.levels += [(number, batch.place.level) for number in batch.files]
        return checked

    vars(worker)["verify"] = verify


def _publishes_nothing() -> None:
    """Files are said to have their final names, and have none."""
    from core.workers import messages, worker

    def publish(batch: Any, arena: memoryview) -> messages.Arrived:
        wanted = [(number, held.payload) for number, held in batch.files.items() if held.payload]
        return messages.Arrived(wanted, [], [])

    vars(worker)["publish"] = publish


def _reads_zeros() -> None:
    """What cannot be read is taken for zeros."""
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
    """A name that is taken is given all the same."""
    from core.files import noreplace

    def publish(way: str, from_folder: int, source: str, to_folder: int, target: str) -> None:
        os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)

    noreplace.publish = publish


def _adopts_unread() -> None:
    """What stands under a taken name is taken for the same content."""
    from core.workers import publishing

    publishing._equal = lambda *_: True


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
    """A flush that failed is taken for one that went well."""
    from core.files import durable

    durable.sync_files = lambda *_, **__: None


def _ignores_close() -> None:
    """What close(2) says is not listened to."""
    close = os.close

    def deaf(fd: int) -> None:
        with suppress(OSError):
            close(fd)

    os.close = deaf


def _ignores_device() -> None:
    """A folder is taken for the archive because it has the archive's path."""
    from core.files.tree import Tree

    kept: Callable[..., None] = Tree.__init__

    def init(self: Tree, root: bytes, device: int = 0, inode: int = 0) -> None:
        os.makedirs(root, exist_ok=True)
        kept(self, root)

    Tree.__init__ = init  # type: ignore[method-assign]


def _ignores_changes() -> None:
    """A file that changes while it is read is taken as it was read."""
    from core.workers.reading import Opened

    Opened.same = lambda self: True  # type: ignore[method-assign]


def _knows_no_loss() -> None:
    """A volume that is gone is not told from a file that cannot be read."""
    from core.workers import faults
    from core.workers.worker import Worker

    faults.LOST = frozenset()
    Worker._source_fault = staticmethod(lambda error, tree: faults.fault_of(error, "source"))  # type: ignore[method-assign]


def _writes_source() -> None:
    """A source's files are opened for writing, too."""
    from core.files import tree

    tree._FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def _cleans_all() -> None:
    """On cleaning staging everything beside it goes as well."""
    from core.workers import shelf

    kept = shelf._remove

    def remove(folder: int, name: str) -> int:
        for other in os.listdir(f"/proc/self/fd/{folder}/../.."):
            if other not in (".lading", "locations"):
                os.unlink(f"/proc/self/fd/{folder}/../../{other}")
        return kept(folder, name)

    shelf._remove = remove


def _follows_links() -> None:
    """Links are followed like folders and files."""
    # Before the modules that use it are loaded.
    vars(os)["O_NOFOLLOW"] = 0


def _lists_at_once() -> None:
    """A folder is listed whole before anything of it is told."""
    from core.workers import listing

    listing.ENTRIES = listing.SORTED = 1 << 40


def _reads_on() -> None:
    """A file is read for as long as it gives something."""
    from core.workers.reading import Opened

    kept: Callable[..., None] = Opened.__init__

    def init(self: Opened, *given: Any) -> None:
        kept(self, *given)
        known = {name: getattr(self.facts, name) for name in dir(self.facts) if name.startswith("st_")}
        self.facts = SimpleNamespace(**known | {"st_size": 1 << 40})  # type: ignore[assignment]

    Opened.__init__ = init  # type: ignore[method-assign, assignment]


def _claims_medium() -> None:
    """Whatever was read back is said to have come from the medium."""
    from core.workers import readback

    readback.reached = lambda best, dropped: "medium"


BREAKS: dict[str, Callable[[], None]] = {
    "adopts unread": _adopts_unread,
    "claims the medium": _claims_medium,
    "cleans all": _cleans_all,
    "folds names": _folds_names,
    "follows links": _follows_links,
    "forgets the cache": _forgets_cache,
    "ignores changes": _ignores_changes,
    "ignores close": _ignores_close,
    "ignores the device": _ignores_device,
    "ignores sync": _ignores_sync,
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
"""What can be broken, in words."""
