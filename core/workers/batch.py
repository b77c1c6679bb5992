"""One batch on its way into the archive: staged, journaled and flushed here; read back and published elsewhere."""

import itertools
import os
from contextlib import suppress

import msgspec

from core.files import cache, durable
from core.files.closing import release
from core.files.tree import Tree
from core.workers import journals
from core.workers.control import WRITTEN, Slot
from core.workers.faults import fault_of
from core.workers.folders import PRIVATE, Folders, write_all
from core.workers.messages import Checked, Digest, Fault, Place, ToStage
from core.workers.rows import Read, row

PAYLOAD_MODE = 0o644

_NOTHING = os.stat_result([0] * 10)


class Held(msgspec.Struct):
    """One file of the batch.

    `staged` is its name in staging ("": none there any more), `wanted` the payload's name that was ordered and
    `payload` the one it gets, `journaled` the one that its row in the journal has (None: no row yet).
    """

    read: Read
    path: bytes
    data: memoryview | None = None
    staged: str = ""
    fd: int = -1
    uncached: bool = True
    wanted: str = ""
    payload: str = ""
    outcome: str = ""
    journaled: str | None = None
    flushed: bool = False
    verified: bool = False
    done: bool = False

    @property
    def digest(self) -> Digest:
        """What the file holds."""
        return self.read.digest


class Batch:
    """Files of one import on their way; every step reports faults by number and goes on with the rest.

    A file with a fault leaves the batch, and its staged bytes are removed.
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.files: dict[int, Held] = {}
        self.place = Place(b"", 0, 0, "", "")
        self.root = -1
        self.staging = -1
        self._journal = -1
        self._journal_is_new = False
        self._part = ""
        # Unlike a process id, never that of a worker before.
        self._mark = os.urandom(6).hex()
        self._numbers = itertools.count()

    @property
    def whole(self) -> bool:
        """Whether the archive's file system may be synced as a whole: a local one that is known."""
        return self.place.level == "medium" and durable.syncs_whole()

    @property
    def _in_parts(self) -> bool:
        return journals.in_parts(self.place)

    def begin(self, place: Place, staging: str) -> None:
        """Open the archive's root, checking that it is the same folder as before, and the staging folder.

        Raises LostError, OSError.
        """
        if self.staging >= 0:
            return
        with Tree(place.root, place.device, place.inode) as tree:
            root = os.dup(tree.fileno())
        try:
            with Folders(root) as folders:
                self.staging = os.dup(folders.at(staging, PRIVATE))
        except BaseException:
            release(root)
            raise
        self.root, self.place = root, place

    def new(self, number: int) -> Held:
        """A file of the batch that is written while it is read; its digest comes later. Raises OSError."""
        held = Held(Read(Digest(number), _NOTHING, {}), b"")
        self.files[number] = held
        self._create(held)
        return held

    def again(self, held: Held) -> None:
        """Begin to write a file anew: what it has in staging goes. Raises OSError.

        Truncating it would do, were there no servers whose clients cannot.
        """
        self.remove(held)
        self._create(held)

    def _create(self, held: Held) -> None:
        # O_EXCL: where publishing links, an old name in staging may share its bytes with the payload.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        name = f"{self._mark}-{next(self._numbers)}"
        held.fd = os.open(name, flags, PAYLOAD_MODE, dir_fd=self.staging)
        held.staged = name
        held.uncached = cache.uncached(held.fd)

    def stage(self, orders: list[ToStage]) -> Checked:
        """Write the files that were read into memory; forget those without an order."""
        self.slot.begin("copy")
        faults: list[tuple[int, Fault]] = []
        wanted = {order.number: order for order in orders}
        for number in [number for number in self.files if number not in wanted]:
            self.forget(number)
        for number, order in wanted.items():
            self.slot.checkpoint()
            held = self.files[number]
            held.wanted = held.payload = order.payload
            held.outcome = order.outcome
            try:
                if order.payload:
                    self._write(held)
                else:
                    self.remove(held)
            except OSError as error:
                faults.append((number, fault_of(error, "archive")))
                self.forget(number)
        return Checked(faults)

    def _write(self, held: Held) -> None:
        if held.data is not None:
            # The bytes are in memory only until the next step needs it.
            data, held.data = held.data, None
            self._create(held)
            write_all(held.fd, data)
            self.slot.advance(WRITTEN, len(data))
        if held.fd < 0:
            raise OSError("nothing was written")
        # Some servers refuse times; the journal has it.
        with suppress(OSError):
            os.utime(held.fd, ns=(held.digest.mtime_ns, held.digest.mtime_ns))

    def journal(self, import_id: str) -> None:
        """Append the rows that are new or have changed since. Raises OSError."""
        if self._journal < 0:
            with Folders(self.root) as folders:
                path = f"{journals.FOLDER}/{import_id}{journals.ENDING}"
                self._journal, self._journal_is_new, self._part = journals.open_end(folders, path, self._in_parts)
        changed = [held for held in self.files.values() if not held.done and held.journaled != held.payload]
        try:
            write_all(self._journal, b"".join(row(h.path, h.read, h.outcome, h.payload) for h in changed))
        except OSError:
            # Opened again, it is seen to be torn.
            release(self._journal)
            self._journal = -1
            raise
        for held in changed:
            held.journaled = held.payload

    def flush(self) -> Checked:
        """Staged bytes and journal rows reach the medium. After any failure the whole batch is copied again."""
        self.slot.begin("flush")
        staged = [held for held in self.files.values() if held.fd >= 0]
        try:
            fds = [held.fd for held in staged] + ([self._journal] if self._journal >= 0 else [])
            durable.sync_files(fds, self.staging if self.whole else -1)
            if self._journal_is_new:
                with Folders(self.root) as folders:
                    folders.at(journals.FOLDER)
                    folders.sync()
                self._journal_is_new = False
            if self._in_parts and self._journal >= 0:
                fd, self._journal = self._journal, -1
                os.close(fd)
                self._part = ""
            for held in staged:
                # close(2) may be the first to tell of a full disk: NFS and SMB write late.
                fd, held.fd = held.fd, -1
                os.close(fd)
                held.flushed = True
            return Checked([])
        except OSError as error:
            fault = msgspec.structs.replace(fault_of(error, "archive", "flush: "), again=True)
            numbers = [number for number, held in self.files.items() if not held.done]
            self.drop()
            return Checked([(number, fault) for number in numbers])

    # Ending

    def remove(self, held: Held) -> None:
        """Remove what a file has in staging."""
        if held.fd >= 0:
            release(held.fd)
            held.fd = -1
        if held.staged:
            # Staging is cleaned again at the end of the import.
            with suppress(OSError):
                os.unlink(held.staged, dir_fd=self.staging)
            held.staged = ""

    def forget(self, number: int) -> None:
        """Take a file out of the batch."""
        self.remove(self.files.pop(number))

    def drop(self) -> None:
        """Forget everything: staged files go, and the part of the journal that was not flushed; descriptors are
        closed. All rows of that part are written again with their files."""
        for held in self.files.values():
            self.remove(held)
        self.files = {}
        if self._journal >= 0:
            release(self._journal)
        if self._part:
            with Folders(self.root) as folders:
                journals.withdraw(folders, self._part)
        for fd in (self.root, self.staging):
            if fd >= 0:
                release(fd)
        self.root = self.staging = self._journal = -1
        self._part = ""
