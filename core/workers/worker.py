"""Carrying out what the engine asks, one request after the other."""

import errno
import os
import traceback
from collections.abc import Callable, Generator

from core.files import durable
from core.files.tree import LostError, Tree
from core.workers import lock, messages, restoring, shelf, shelves
from core.workers.answers import answers, plugged_in
from core.workers.audit import audit
from core.workers.batch import Batch, Held
from core.workers.carrying import carry
from core.workers.control import BUSY, IDLE, STATE, WRITTEN, Slot, StoppedError
from core.workers.faults import AGAIN, fault_of
from core.workers.folders import write_all
from core.workers.listing import Listing
from core.workers.messages import Digest, Digests, Entry, Fault, Reply, Request, Source
from core.workers.publishing import publish
from core.workers.put import put
from core.workers.readback import verify
from core.workers.reading import ChangedError, Reader
from core.workers.rows import Read

ATTRIBUTES = 4 << 20
"""Bytes of extended attributes that a batch holds in memory."""

SOON = 0.1
"""Seconds that a source stays open for the next request of a listing."""

WRITE_BACK_STEP = 32 << 20
"""Bytes of a large file after which the kernel is asked to begin writing them out."""


_SOURCE = (messages.ListTree, messages.ListMore, messages.Look, messages.ReadBatch)


class Worker:
    """Carries out requests. Between two of them it may hold a batch, or a listing under way.

    When a request ends in Failed or Stopped, nothing of the batch or listing is left.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._reader = Reader(slot)
        self._batch = Batch(slot)
        self._tree: Tree | None = None
        self._listing: Generator[list[Entry], None, None] | None = None
        slot.on_pause.append(self._close_tree)

    def wait(self, asked: Callable[[float], bool]) -> None:
        """Wait for a request; the source, which a listing keeps open, is closed unless one comes soon."""
        if self._listing is not None and not asked(SOON):
            self._slot.let_go()

    def answer(self, request: Request) -> Reply:
        """Carry out one request. Never raises."""
        self._slot.set(STATE, BUSY)
        try:
            return self._carry_out(request)
        except StoppedError:
            self._forget()
            return messages.Stopped()
        except (OSError, LostError) as error:
            self._forget()
            side = "source" if isinstance(request, _SOURCE) else "archive"
            return messages.Failed(fault_of(error, side), type(error).__name__)
        except Exception as error:
            # A fault of the program itself: the engine logs the trace and fails this request only.
            self._forget()
            text = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()
            trace = traceback.format_exc().encode("ascii", "backslashreplace").decode()
            return messages.Failed(Fault("program", text), trace)
        finally:
            self._slot.set(STATE, IDLE)

    def _forget(self) -> None:
        self._batch.drop()
        self._end_listing()
        self._close_tree()

    def _end_listing(self) -> None:
        if self._listing is not None:
            self._listing.close()
            self._listing = None

    def _carry_out(self, request: Request) -> Reply:
        if not isinstance(request, messages.ListMore):
            self._end_listing()
        match request:
            case messages.ReadBatch():
                return self._read(request)
            case messages.CopyLarge():
                return self._copy(request)
            case messages.Stage():
                self._batch.begin(request.place, request.staging)
                return self._batch.stage(request.files)
            case messages.Journal():
                self._batch.journal(request.import_id)
                return messages.Done()
            case messages.Flush():
                return self._batch.flush()
            case messages.Verify():
                return self._verify(request)
            case messages.Publish():
                return publish(self._batch, self._reader.arena)
            case messages.Drop():
                self._batch.drop()
                self._close_tree()
                return messages.Done()
            case messages.ListTree():
                return self._list(request)
            case messages.ListMore():
                return self._list_more()
            case messages.Audit():
                self._batch.drop()
                return audit(request, self._reader.arena, self._slot)
            case messages.Restore():
                self._batch.drop()
                return restoring.restore(request, self._reader.arena, self._slot)
            case messages.Carry():
                self._batch.drop()
                return carry(request, self._reader.arena, self._slot)
            case _:
                return _SHELF[type(request)](request)

    # The source

    def _close_tree(self) -> None:
        if self._tree is not None:
            self._tree.close()

    def _source(self, source: Source) -> Tree:
        self._close_tree()
        self._tree = Tree(source.root, source.device, source.inode)
        return self._tree

    def _list(self, request: messages.ListTree) -> Reply:
        self._slot.begin("list")
        tree = self._source(request.source)
        tree.fileno()
        self._listing = Listing(request, tree, self._slot).entries()
        return self._list_more()

    def _list_more(self) -> Reply:
        if self._listing is None or self._tree is None:
            raise RuntimeError("no listing is under way")
        entries = next(self._listing, [])
        source = Source(self._tree.root, self._tree.device, self._tree.inode)
        if not entries:
            self._listing = None
            self._close_tree()
        return messages.Listed(source, entries, bool(entries))

    def _read(self, request: messages.ReadBatch) -> Reply:
        self._batch.drop()
        tree = self._source(request.source)
        self._slot.begin("hash")
        digests: list[Digest] = []
        start = attributes = 0
        lost: Fault | None = None
        for file in request.files:
            read = lost or self._tried(tree, file, start if request.keep else None)
            weight = 0 if isinstance(read, Fault) else sum(map(len, read.attributes.values()))
            if attributes and attributes + weight > ATTRIBUTES:
                read = Fault("source", "more extended attributes than a batch can hold", again=True)
            if isinstance(read, Fault):
                lost = read if read.lost else None
                digests.append(Digest(file.number, fault=read))
                continue
            attributes += weight
            held = Held(read, file.path)
            if request.keep:
                held.data = self._reader.arena[start : start + read.digest.size]
                start += read.digest.size
            self._batch.files[file.number] = held
            digests.append(read.digest)
        self._close_tree()
        return Digests(digests)

    def _tried(
        self, tree: Tree, file: messages.ToRead, start: int | None, write: "_Writer | None" = None
    ) -> Read | Fault:
        """Read one file, and once more if it changed meanwhile; into the arena from `start`, else streamed."""
        for _ in range(2):
            self._slot.checkpoint()
            try:
                if start is not None:
                    return self._reader.small(tree, file, start)
                if write is not None:
                    write.restart()
                return self._reader.large(tree, file, write)
            except ChangedError:
                continue
            except OverflowError:
                text = "it is larger than the room left in its batch"
                return Fault("source", text, errno.EFBIG, again=True)
            except WriteError as error:
                return fault_of(error.cause, "archive")
            except (OSError, LostError) as error:
                return self._source_fault(error, tree)
        return Fault("source", "it changed while it was read, twice")

    @staticmethod
    def _source_fault(error: Exception, tree: Tree) -> Fault:
        """The fault of one file, or of the whole volume when its root is gone as well."""
        if isinstance(error, OSError) and error.errno in AGAIN:
            return fault_of(error, "source")
        tree.close()
        try:
            with os.scandir(tree.fileno()) as found:
                next(found, None)
            if not plugged_in(tree.device):
                raise LostError(os.fsdecode(tree.root))
        except (OSError, LostError):
            return fault_of(LostError(), "source")
        return fault_of(error, "source")

    def _copy(self, request: messages.CopyLarge) -> Reply:
        self._batch.drop()
        tree = self._source(request.source)
        number = request.file.number
        self._batch.begin(request.place, request.staging)
        staged = self._batch.new(number)
        read = self._tried(tree, request.file, None, _Writer(self._batch, staged, self._slot))
        self._close_tree()
        if isinstance(read, Fault):
            self._batch.drop()
            return Digests([Digest(number, fault=read)])
        staged.read, staged.path = read, request.file.path
        return Digests([read.digest])

    def _verify(self, request: messages.Verify) -> Reply:
        try:
            tree = self._tree if request.mode == "source" else None
            return verify(self._batch, self._reader.arena, tree, read=request.mode != "none")
        finally:
            self._close_tree()


class WriteError(Exception):
    """The archive's side of a copy failed."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Writer:
    """Writes a large file, and has it written out in steps, so that the flush at its end is short."""

    def __init__(self, batch: Batch, held: Held, slot: Slot) -> None:
        self._batch = batch
        self._held = held
        self._slot = slot
        self._since = 0
        self._begun = False

    def restart(self) -> None:
        """Begin at the first byte again. Raises WriteError."""
        if self._begun:
            try:
                self._batch.again(self._held)
            except OSError as error:
                raise WriteError(error) from error
        self._begun = False
        self._since = 0

    def __call__(self, data: memoryview) -> None:
        self._begun = True
        try:
            write_all(self._held.fd, data)
        except OSError as error:
            raise WriteError(error) from error
        self._slot.add(WRITTEN, len(data))
        self._since += len(data)
        if self._since >= WRITE_BACK_STEP:
            durable.start_write_back(self._held.fd)
            self._since = 0


_SHELF: dict[type, Callable[..., Reply]] = {
    messages.OpenArchive: shelf.open_archive,
    messages.Look: shelf.look,
    messages.Answers: answers,
    messages.Lock: lock.lock,
    messages.Beat: lock.beat,
    messages.Unlock: lock.unlock,
    messages.JournalNames: shelf.journal_names,
    messages.ReadText: shelf.read_text,
    messages.AppendJournal: shelf.append_journal,
    messages.JoinJournal: shelf.join_journal,
    messages.MoveText: shelf.move_text,
    messages.TryWriting: shelf.try_writing,
    messages.Put: put,
    messages.CleanStaging: shelf.clean_staging,
    messages.Presence: shelf.presence,
    messages.SyncFolders: shelf.sync_folders,
    messages.ListFolder: shelves.list_folder,
    messages.FileSizes: shelves.file_sizes,
    messages.MakeFolder: shelves.make_folder,
    messages.SetAside: shelf.set_aside,
    messages.OpenTarget: restoring.open_target,
    messages.DressFolders: restoring.dress_folders,
    messages.CloseTarget: restoring.close_target,
    messages.Space: shelf.space,
}
