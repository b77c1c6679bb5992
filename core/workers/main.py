"""A worker process: one request after the other, until the engine is gone."""

import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator

from core.files import durable
from core.files.tree import LostError, Tree
from core.workers import messages, shelf
from core.workers.batch import Batch, Held, write_all
from core.workers.control import BUSY, IDLE, STATE, WRITTEN, Control, Slot, StoppedError
from core.workers.faults import fault_of
from core.workers.line import Line, leave_with_engine
from core.workers.listing import Listing
from core.workers.messages import Digest, Digests, Entry, Fault, Reply, Request, Source
from core.workers.reading import ChangedError, Read, Reader

DESCRIPTORS = 4096
"""Open files wanted; macOS starts with 256."""

WRITE_BACK_STEP = 32 << 20
"""Bytes of a large file after which the kernel is asked to begin writing them out."""


class Worker:
    """Carries out requests. Between two of them it may hold a batch, or a listing under way."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._reader = Reader(slot)
        self._batch = Batch(slot)
        self._tree: Tree | None = None
        self._listing: Iterator[list[Entry]] | None = None
        slot.on_pause.append(self._close_tree)

    def answer(self, request: Request) -> Reply:
        """Carry out one request. Never raises but for the engine's end."""
        self._slot.set(STATE, BUSY)
        try:
            return self._carry_out(request)
        except StoppedError:
            return messages.Stopped()
        except (OSError, LostError) as error:
            return messages.Failed(fault_of(error, self._side(request)), type(error).__name__)
        except Exception as error:
            # A fault of the program itself: the engine logs the trace and fails this request only.
            return messages.Failed(Fault("program", f"{type(error).__name__}: {error}"), traceback.format_exc())
        finally:
            self._slot.set(STATE, IDLE)

    @staticmethod
    def _side(request: Request) -> str:
        reading = (messages.ListTree, messages.ListMore, messages.Look, messages.ReadBatch)
        return "source" if isinstance(request, reading) else "archive"

    def _carry_out(self, request: Request) -> Reply:
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
                return self._batch.verify(self._reader.arena, self._tree if request.source else None)
            case messages.Publish():
                return self._batch.publish(self._reader.arena)
            case messages.Drop():
                self._batch.drop()
                self._close_tree()
                self._listing = None
                return messages.Done()
            case messages.ListTree():
                return self._list(request)
            case messages.ListMore():
                return self._list_more()
            case messages.Audit():
                return shelf.audit(request, self._reader.arena, self._slot)
            case _:
                return _SHELF[type(request)](request)

    # The source

    def _close_tree(self) -> None:
        if self._tree is not None:
            self._tree.close()

    def _source(self, source: Source) -> Tree:
        if self._tree is None or self._tree.root != source.root:
            self._close_tree()
            self._tree = Tree(source.root)
        self._tree.device, self._tree.inode = source.device, source.inode
        return self._tree

    def _list(self, request: messages.ListTree) -> Reply:
        self._slot.begin("list")
        tree = self._source(request.source)
        tree.fileno()
        self._listing = Listing(request, tree, self._slot).entries()
        return self._list_more()

    def _list_more(self) -> Reply:
        assert self._listing is not None  # noqa: S101 - ListTree came first
        assert self._tree is not None  # noqa: S101
        entries = next(self._listing, [])
        source = Source(self._tree.root, self._tree.device, self._tree.inode)
        if not entries:
            self._close_tree()
        return messages.Listed(source, entries, bool(entries))

    def _read(self, request: messages.ReadBatch) -> Reply:
        tree = self._source(request.source)
        self._batch.drop()
        self._slot.begin("hash")
        digests: list[Digest] = []
        start = 0
        for file in request.files:
            read = self._tried(tree, file, start if request.keep else None)
            if isinstance(read, Fault):
                digests.append(Digest(file.number, fault=read))
                continue
            held = Held(read, file.path)
            if request.keep:
                held.data = self._reader.arena[start : start + read.digest.size]
                start += read.digest.size
            self._batch.files[file.number] = held
            digests.append(read.digest)
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
                return Fault("source", "it grew", again=True)
            except WriteError as error:
                return fault_of(error.cause, "archive")
            except (OSError, LostError) as error:
                return self._source_fault(error, tree)
        return Fault("source", "it changed while it was read, twice")

    def _source_fault(self, error: Exception, tree: Tree) -> Fault:
        """The fault of one file, or of the whole volume when its root is gone as well."""
        tree.close()
        try:
            os.listdir(tree.fileno())
        except (OSError, LostError):
            return fault_of(LostError(), "source")
        return fault_of(error, "source")

    def _copy(self, request: messages.CopyLarge) -> Reply:
        tree = self._source(request.source)
        number = request.file.number
        self._batch.drop()
        self._batch.begin(request.place, request.staging)
        staged = self._batch.new(number)
        read = self._tried(tree, request.file, None, _Writer(staged.fd, self._slot))
        if isinstance(read, Fault):
            self._batch.drop()
            return Digests([Digest(number, fault=read)])
        staged.read, staged.path = read, request.file.path
        return Digests([read.digest])


class WriteError(Exception):
    """The archive's side of a copy failed."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Writer:
    """Writes a large file, and has it written out in steps, so that the flush at its end is short."""

    def __init__(self, fd: int, slot: Slot) -> None:
        self._fd = fd
        self._slot = slot
        self._since = 0

    def restart(self) -> None:
        """Begin at the first byte again. Raises WriteError."""
        try:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
        except OSError as error:
            raise WriteError(error) from error

    def __call__(self, data: memoryview) -> None:
        try:
            write_all(self._fd, data)
        except OSError as error:
            raise WriteError(error) from error
        self._slot.add(WRITTEN, len(data))
        self._since += len(data)
        if self._since >= WRITE_BACK_STEP:
            durable.start_write_back(self._fd)
            self._since = 0


_SHELF: dict[type, Callable[..., Reply]] = {
    messages.OpenArchive: shelf.open_archive,
    messages.Look: shelf.look,
    messages.Lock: shelf.lock,
    messages.Beat: shelf.beat,
    messages.Unlock: shelf.unlock,
    messages.JournalNames: shelf.journal_names,
    messages.ReadText: shelf.read_text,
    messages.AppendText: shelf.append_text,
    messages.MoveText: shelf.move_text,
    messages.CleanStaging: shelf.clean_staging,
    messages.Presence: shelf.presence,
    messages.SyncFolders: shelf.sync_folders,
    messages.Space: shelf.space,
}


def main() -> None:
    """Arguments: the descriptors of the line, the lifeline and the shared area, and the slot's number."""
    line_fd, lifeline, control_fd, number = (int(argument) for argument in sys.argv[1:5])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_engine(lifeline)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    worker = Worker(Control(control_fd).slot(number))
    with socket.socket(fileno=line_fd) as connection:
        line = Line(connection)
        try:
            while True:
                line.send(worker.answer(line.receive()))
        except EOFError:
            os._exit(0)


if __name__ == "__main__":
    main()
