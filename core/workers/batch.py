"""One batch on its way into the archive: staged, journaled, flushed, verified, published."""

import base64
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import xxhash

from core.files import cache, durable, noreplace
from core.files.tree import Tree
from core.paths import encode
from core.workers.control import BLOCK, VERIFIED, WRITTEN, Slot
from core.workers.faults import fault_of
from core.workers.messages import Arrived, Checked, Digest, Fault, Place, ToStage
from core.workers.reading import Read

PRIVATE, SHARED = 0o700, 0o755
"""Modes of Lading's own folders and of those that hold the payload."""

PAYLOAD_MODE = 0o644


@dataclass
class Held:
    """One file of the batch."""

    read: Read
    path: bytes
    data: memoryview | None = None
    staged: str = ""
    fd: int = -1
    payload: str = ""
    outcome: str = ""
    verified: bool = False
    done: bool = False

    @property
    def digest(self) -> Digest:
        """What the file holds."""
        return self.read.digest


def journal_row(held: Held) -> bytes:
    """One line of the journal for a file, ending in a newline; see importing/journal.py for its form."""
    digest = held.digest
    row: dict[str, object] = {
        "file": encode(held.path),
        "outcome": held.outcome,
        "size": digest.size,
        "mtime_ns": digest.mtime_ns,
        "mode": held.read.facts.st_mode & 0o7777,
        "kind": digest.kind,
        "xxh128": digest.xxh128.hex(),
        "sha256": digest.sha256.hex(),
    }
    born = getattr(held.read.facts, "st_birthtime", None)
    if born is not None:
        row["born"] = born
    if held.payload:
        row["payload"] = held.payload
    if held.read.attributes:
        row["xattrs"] = {
            encode(os.fsencode(name)): base64.b64encode(value).decode()
            for name, value in held.read.attributes.items()
        }
    return sealed(row)


def sealed(row: dict[str, object]) -> bytes:
    """`row` as one JSON line whose last member is the XXH3-64 of all before it, so that damage shows."""
    text = msgspec.json.encode(row)
    return text[:-1] + b',"check":"' + xxhash.xxh3_64_hexdigest(text[:-1]).encode() + b'"}\n'


class Batch:
    """Files of one import on their way; every step reports faults by number and goes on with the rest."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self.files: dict[int, Held] = {}
        self._place: Place | None = None
        self._root = -1
        self._staging = -1
        self._journal = -1

    # Opening

    def begin(self, place: Place, staging: str) -> None:
        """Open the archive's root, checking that it is the same folder as before, and the staging folder."""
        if self._root >= 0:
            return
        with Tree(place.root, place.device, place.inode) as tree:
            self._root = os.dup(tree.fileno())
        self._place = place
        make_folders(self._root, staging, PRIVATE)
        self._staging = open_folder(self._root, staging)

    def new(self, number: int) -> Held:
        """A file of the batch that is written while it is read; its digest comes later."""
        held = Held(Read(Digest(number), os.stat_result([0] * 10), {}), b"")
        self.files[number] = held
        self._create(number, held)
        return held

    def _create(self, number: int, held: Held) -> None:
        held.staged = f"{os.getpid()}-{number}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        held.fd = os.open(held.staged, flags, PAYLOAD_MODE, dir_fd=self._staging)
        cache.uncached(held.fd)

    def stage(self, orders: list[ToStage]) -> Checked:
        """Write the files that were read into memory; forget those without an order."""
        self._slot.begin("copy")
        faults: list[tuple[int, Fault]] = []
        wanted = {order.number: order for order in orders}
        for number in [number for number in self.files if number not in wanted]:
            self._remove(self.files.pop(number))
        for number, order in wanted.items():
            held = self.files[number]
            held.payload, held.outcome = order.payload, order.outcome
            if not order.payload:
                self._remove(held)
                continue
            try:
                if held.data is not None:
                    self._slot.checkpoint()
                    self._create(number, held)
                    write_all(held.fd, held.data)
                    self._slot.advance(WRITTEN, len(held.data))
                if held.fd < 0:
                    raise OSError("nothing was written")
                times = (held.digest.mtime_ns, held.digest.mtime_ns)
                os.utime(held.fd, ns=times)
                durable.start_write_back(held.fd)
            except OSError as error:
                faults.append((number, fault_of(error, "archive")))
                self._remove(self.files.pop(number))
        return Checked(faults)

    def journal(self, import_id: str) -> None:
        """Append the rows of all files still in the batch. Raises OSError."""
        if self._journal < 0:
            self._journal = open_journal(self._root, import_id)
        rows = b"".join(journal_row(held) for held in self.files.values() if not held.done)
        write_all(self._journal, memoryview(rows))

    def flush(self) -> Checked:
        """Staged bytes and journal rows reach the medium. After any failure the whole batch is copied again."""
        self._slot.begin("flush")
        staged = [held for held in self.files.values() if held.fd >= 0]
        try:
            durable.sync_files([held.fd for held in staged] + [self._journal])
            for held in staged:
                # close(2) may be the first to tell of a full disk: NFS and SMB write late.
                fd, held.fd = held.fd, -1
                os.close(fd)
            return Checked([])
        except OSError as error:
            fault = fault_of(error, "archive", "flush: ")
            fault = msgspec.structs.replace(fault, again=True)
            numbers = [number for number, held in self.files.items() if held.staged]
            self.drop()
            return Checked([(number, fault) for number in numbers])

    # Verifying

    def verify(self, arena: memoryview, tree: Tree | None) -> Checked:
        """Read every staged file back past the cache and compare; with `tree` its source once more, too."""
        assert self._place is not None  # noqa: S101 - begin() came first
        faults: list[tuple[int, Fault]] = []
        levels: list[tuple[int, str]] = []
        waiting = [(number, held) for number, held in self.files.items() if held.staged]
        opened: dict[int, tuple[int, bool]] = {}
        try:
            # All at once first: the medium answers many small reads together faster than one by one.
            for number, held in waiting:
                self._slot.checkpoint()
                fd = os.open(held.staged, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._staging)
                opened[number] = (fd, cache.drop(fd))
                cache.read_ahead(fd)
            for number, held in waiting:
                fd, dropped = opened[number]
                self._slot.begin("verify", held.digest.size)
                fault = self._compare(fd, held, arena)
                if fault is None and tree is not None:
                    fault = self._again(held, tree, arena)
                if fault is not None:
                    faults.append((number, fault))
                    self._remove(self.files.pop(number))
                    continue
                held.verified = True
                levels.append((number, reached(self._place.level, dropped)))
        except OSError as error:
            fault = fault_of(error, "archive", "read back: ")
            known = {number for number, _ in faults}
            faults += [(number, fault) for number, held in waiting if not held.verified and number not in known]
        finally:
            for fd, _ in opened.values():
                os.close(fd)
        return Checked(faults, levels)

    def _compare(self, fd: int, held: Held, arena: memoryview) -> Fault | None:
        size, digest = digest_of(fd, arena, self._slot)
        if size != held.digest.size:
            return Fault("archive", f"read back {size:,} bytes of {held.digest.size:,}", again=True)
        if digest != held.digest.xxh128:
            return Fault("archive", "what was read back is not what was written", again=True)
        return None

    def _again(self, held: Held, tree: Tree, arena: memoryview) -> Fault | None:
        try:
            fd = tree.open(held.path)
        except OSError as error:
            return fault_of(error, "source", "second reading: ")
        try:
            cache.drop(fd)
            size, digest = digest_of(fd, arena, self._slot)
        except OSError as error:
            return fault_of(error, "source", "second reading: ")
        finally:
            os.close(fd)
        if (size, digest) != (held.digest.size, held.digest.xxh128):
            return Fault("source", "a second reading of the source gave other bytes", again=True)
        return None

    # Publishing

    def publish(self, arena: memoryview) -> Arrived:
        """Give every verified file its final name, never replacing one, and flush the folders."""
        assert self._place is not None  # noqa: S101 - begin() came first
        self._slot.begin("publish")
        published: list[tuple[int, str]] = []
        taken: list[tuple[int, str]] = []
        faults: list[tuple[int, Fault]] = []
        folders: dict[str, None] = {}
        for number, held in self.files.items():
            if not held.payload or not held.verified or held.done:
                continue
            self._slot.checkpoint()
            folder, _, name = held.payload.rpartition("/")
            try:
                if folder not in folders:
                    for new in make_folders(self._root, folder, SHARED):
                        folders[new] = None
                    folders[folder] = None
                noreplace.publish(self._place.way, self._staging, held.staged, self._root, held.payload)
                held.staged = ""
            except FileExistsError:
                if not self._equal(held, arena):
                    held.payload = self._free_name(held.payload)
                    taken.append((number, held.payload))
                    continue
                self._remove(held)
            except OSError as error:
                faults.append((number, fault_of(error, "archive", f"naming {name}: ")))
                continue
            held.done = True
            published.append((number, held.payload))
        try:
            durable.sync_folders(folders, self._root)
        except OSError as error:
            fault = fault_of(error, "archive", "flushing folders: ")
            return Arrived([], [], [(number, fault) for number in self.files])
        return Arrived(published, taken, faults)

    def _equal(self, held: Held, arena: memoryview) -> bool:
        """Whether the file under the final name holds the same content, read past the cache, and is flushed."""
        try:
            fd = os.open(held.payload, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root)
        except OSError:
            return False
        try:
            if os.fstat(fd).st_size != held.digest.size:
                return False
            os.fsync(fd)
            cache.drop(fd)
            sha = hashlib.sha256()
            _, digest = digest_of(fd, arena, self._slot, sha)
            return digest == held.digest.xxh128 and sha.digest() == held.digest.sha256
        except OSError:
            return False
        finally:
            os.close(fd)

    def _free_name(self, payload: str) -> str:
        stem, dot, ending = payload.rpartition(".") if "." in payload.rpartition("/")[2] else (payload, "", "")
        for count in range(2, 10_000):
            name = f"{stem}-{count}{dot}{ending}"
            try:
                os.stat(name, dir_fd=self._root, follow_symlinks=False)
            except FileNotFoundError:
                return name
        raise FileExistsError(payload)

    # Ending

    def _remove(self, held: Held) -> None:
        if held.fd >= 0:
            os.close(held.fd)
            held.fd = -1
        if held.staged:
            # Staging is cleaned again at the end of the import.
            with suppress(OSError):
                os.unlink(held.staged, dir_fd=self._staging)
            held.staged = ""

    def drop(self) -> None:
        """Forget everything: staged files go, descriptors are closed."""
        for held in self.files.values():
            self._remove(held)
        self.files = {}
        for fd in (self._root, self._staging, self._journal):
            if fd >= 0:
                os.close(fd)
        self._root = self._staging = self._journal = -1


def reached(best: str, dropped: bool) -> str:
    """The verification level reached: the place's best, unless the cache could not be emptied."""
    return best if best != "medium" or dropped else "cache not excluded"


def write_all(fd: int, data: memoryview) -> None:
    """Write all of `data`. Raises OSError."""
    while data:
        data = data[os.write(fd, data) :]


def digest_of(fd: int, arena: memoryview, slot: Slot, sha: "hashlib._Hash | None" = None) -> tuple[int, bytes]:
    """Size and XXH3-128 of what `fd` holds, read block by block; `sha` is fed as well."""
    xxh, size, block = xxhash.xxh3_128(), 0, arena[:BLOCK]
    while True:
        slot.checkpoint()
        count = os.preadv(fd, [block], size)
        if not count:
            return size, xxh.digest()
        xxh.update(block[:count])
        if sha is not None:
            sha.update(block[:count])
        size += count
        slot.advance(VERIFIED, count)


def open_folder(root: int, path: str) -> int:
    """A descriptor of the folder `path` below `root`, no component of it a link."""
    current = os.dup(root)
    for name in path.split("/"):
        try:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
        finally:
            os.close(current)
        current = below
    return current


def make_folders(root: int, path: str, mode: int) -> list[str]:
    """Make `path` and its missing ancestors below `root`; the folders whose entries changed, "" for the root."""
    try:
        os.mkdir(path, mode, dir_fd=root)
    except FileExistsError:
        return []
    except FileNotFoundError:
        parent = path.rpartition("/")[0]
        changed = make_folders(root, parent, mode)
        return changed + make_folders(root, path, mode)
    return [path.rpartition("/")[0]]


def open_journal(root: int, import_id: str) -> int:
    """The journal of an import, open for appending, after a newline if its last line is torn."""
    name = f".lading/imports/{import_id}.jsonl"
    fd = os.open(name, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=root)
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        os.write(fd, b"\n")
    return fd
