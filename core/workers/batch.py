"""One batch that is being archived: staged, journaled and flushed here; verified and published in other
modules."""

import itertools
import os
from contextlib import suppress

import msgspec

from core import archive_layout
from core.files import fsync, in_use, page_cache
from core.files.fds import release
from core.files.open_beneath import Tree
from core.volumes.filesystems import Level
from core.workers import journal_files
from core.workers.batch_messages import Checked, ToStage
from core.workers.dir_fds import MADE, Folders, write_all
from core.workers.faults import archive_fault
from core.workers.journal_rows import ReadFile, row
from core.workers.messages import Fault, Place
from core.workers.shared_memory import WRITTEN, Slot
from core.workers.source_messages import Digest, SourceMetadata

PAYLOAD_MODE = 0o666


class BatchEntry(msgspec.Struct):
    """One file of the batch.

    `staged` is its name in staging ("": it has no file there any more), `wanted` the payload's name that was asked
    for and `payload` the name it gets, `journaled` the name in its journal row (None: no row yet).
    """

    read: ReadFile
    path: bytes
    data: memoryview | None = None
    staged: str = ""
    fd: int = -1
    uncached: bool = True
    wanted: str = ""
    payload: str = ""
    outcome: str = ""
    before: tuple[str, str, float] | None = None
    journaled: str | None = None
    flushed: bool = False
    verified: bool = False
    done: bool = False

    @property
    def digest(self) -> Digest:
        """The digest of the file."""
        return self.read.digest


class Batch:
    """Files of one import that are being archived; every step reports faults by file number and continues with the
    rest.

    A file with a fault leaves the batch, and its staged bytes are removed.
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.files: dict[int, BatchEntry] = {}
        self.place = Place(b"", 0, 0, "", "")
        self.root = -1
        self.staging = -1
        self._journal = -1
        self._journal_is_new = False
        self._part = ""
        self._waits = iter(in_use.DELAYS)
        # A process id would not do, because an earlier worker may have had the same.
        self._mark = os.urandom(6).hex()
        self._numbers = itertools.count()

    @property
    def whole(self) -> bool:
        """Whether the archive's file system may be synced as a whole: it must be local and of a known type."""
        return self.place.level == Level.MEDIUM and fsync.syncs_whole()

    @property
    def _in_parts(self) -> bool:
        return journal_files.in_parts(self.place)

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
                # A folder of this worker's own: in a shared one each new file would wait for those of the others,
                # and a client of a server would have to ask for the folder's attributes again.
                self.staging = os.dup(folders.at(f"{staging}/{self._mark}", MADE))
        except BaseException:
            release(root)
            raise
        self.root, self.place = root, place
        # All files of the batch share these waits for files that are open. What is left after them is removed at
        # the end of the import.
        self._waits = iter(in_use.DELAYS)

    def new(self, number: int) -> BatchEntry:
        """Add a file that is written while it is read; its digest is set later. Raises OSError."""
        held = BatchEntry(ReadFile(Digest(number), SourceMetadata()), b"")
        self.files[number] = held
        self._create(held)
        return held

    def recreate(self, held: BatchEntry) -> None:
        """Write a file from the start again: its staged file is removed, and a new one made. Raises OSError.

        Truncating it would be enough, but the clients of some servers cannot.
        """
        self.remove(held)
        self._create(held)

    def _create(self, held: BatchEntry) -> None:
        # O_EXCL: where publishing links, an old name in staging may share its inode with the payload.
        access = os.O_RDWR if self.place.sends_on_fsync else os.O_WRONLY
        flags = access | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        name = str(next(self._numbers))
        held.fd = os.open(name, flags, PAYLOAD_MODE, dir_fd=self.staging)
        held.staged = name
        held.uncached = page_cache.uncached(held.fd)

    def stage(self, orders: list[ToStage]) -> Checked:
        """Write the files that were read into memory to staging; those without an order leave the batch."""
        self.slot.begin("copy")
        faults: list[tuple[int, Fault]] = []
        wanted = {order.number: order for order in orders}
        for number in [number for number in self.files if number not in wanted]:
            self.forget(number)
        for number, order in wanted.items():
            self.slot.checkpoint()
            held = self.files[number]
            held.wanted = held.payload = order.payload
            held.outcome, held.before = order.outcome, order.before
            try:
                if order.payload:
                    self._write(held)
                else:
                    self.remove(held)
            except OSError as error:
                faults.append((number, archive_fault(error, self.place)))
                self.forget(number)
        return Checked(faults)

    def _write(self, held: BatchEntry) -> None:
        if held.data is not None:
            # The bytes stay valid in memory only until the next file or batch is read.
            data, held.data = held.data, None
            self._create(held)
            write_all(held.fd, data)
            self.slot.advance(WRITTEN, len(data))
        if held.fd < 0:
            raise OSError("nothing was written")
        # Some servers refuse to set times; the journal records them.
        with suppress(OSError):
            os.utime(held.fd, ns=(held.digest.mtime_ns, held.digest.mtime_ns))

    def journal(self, import_id: str) -> None:
        """Append the journal rows that are new or have changed. Raises OSError."""
        if self._journal < 0:
            with Folders(self.root) as folders:
                path = f"{archive_layout.JOURNALS}/{import_id}{archive_layout.JOURNAL_ENDING}"
                self._journal, self._journal_is_new, self._part = journal_files.open_end(folders, path, self.place)
        changed = [held for held in self.files.values() if not held.done and held.journaled != held.payload]
        try:
            write_all(
                self._journal, b"".join(row(h.path, h.read, h.outcome, h.payload, h.before) for h in changed)
            )
        except OSError:
            # The journal is opened again for the next rows, which ends a torn last line.
            release(self._journal)
            self._journal = -1
            raise
        for held in changed:
            held.journaled = held.payload

    def flush(self) -> Checked:
        """Flush staged bytes and journal rows to the medium. After any failure the whole batch is copied again."""
        self.slot.begin("flush")
        staged = [held for held in self.files.values() if held.fd >= 0]
        try:
            fds = [held.fd for held in staged] + ([self._journal] if self._journal >= 0 else [])
            fsync.sync_files(fds, self.staging if self.whole else -1)
            if self._journal_is_new:
                with Folders(self.root) as folders:
                    folders.at(archive_layout.JOURNALS)
                    folders.sync()
                self._journal_is_new = False
            if self._in_parts and self._journal >= 0:
                fd, self._journal = self._journal, -1
                os.close(fd)
                self._part = ""
            for held in staged:
                if not self.place.sends_on_fsync:
                    self.close(held)
                held.flushed = True
            return Checked([])
        except OSError as error:
            fault = self.flush_fault(error)
            numbers = [number for number, held in self.files.items() if not held.done]
            self.drop()
            return Checked([(number, fault) for number in numbers])

    @staticmethod
    def close(held: BatchEntry) -> None:
        """Close the descriptor that a file was written through, if it is open. Raises OSError.

        close(2) may be the first to report a full disk: NFS and SMB write late.
        """
        if held.fd >= 0:
            fd, held.fd = held.fd, -1
            os.close(fd)

    def flush_fault(self, error: OSError) -> Fault:
        """The fault of a file whose bytes may not have reached the archive, so that it must be copied again."""
        return msgspec.structs.replace(archive_fault(error, self.place, "flush: "), again=True)

    # Ending

    def remove(self, held: BatchEntry) -> None:
        """Remove a file's bytes from staging."""
        if held.fd >= 0:
            release(held.fd)
            held.fd = -1
        if held.staged:
            # Staging is cleaned again at the end of the import.
            with suppress(OSError):
                # The file may just have been read back, and still be open.
                in_use.remove(held.staged, self.staging, f"{held.staged}-", self.staging, self._waits)
            held.staged = ""

    def forget(self, number: int) -> None:
        """Remove a file from the batch, and its bytes from staging."""
        self.remove(self.files.pop(number))

    def drop(self) -> None:
        """Drop the whole batch: staged files are removed, with the part of the journal that was not flushed;
        descriptors are closed. The rows of that part are written again with their files."""
        for held in self.files.values():
            self.remove(held)
        self.files = {}
        if self._journal >= 0:
            release(self._journal)
        if self._part:
            with Folders(self.root) as folders:
                journal_files.withdraw(folders, self._part)
        for fd in (self.root, self.staging):
            if fd >= 0:
                release(fd)
        self.root = self.staging = self._journal = -1
        self._part = ""
