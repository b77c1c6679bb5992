"""Carrying out the engine's requests, one after the other."""

import errno
from collections.abc import Callable, Generator

import msgspec

from core.files.dataless import fetch
from core.files.open_beneath import LostError, Tree
from core.models import Side
from core.workers import (
    archive_files,
    archive_listing,
    archive_messages,
    batch_messages,
    compare_trees,
    lock,
    messages,
    open_archive,
    remove_junk,
    restore,
    restore_downloads,
    restore_links,
    restore_messages,
    source_messages,
    text_messages,
)
from core.workers.audit import audit, checksums
from core.workers.batch import Batch, BatchEntry
from core.workers.copy_in import put
from core.workers.faults import archive_fault, fault_of
from core.workers.health_check import answers, source_fault
from core.workers.journal_rows import ReadFile
from core.workers.messages import Fault, Reply, Request, Source
from core.workers.move_payload import carry
from core.workers.publish import publish
from core.workers.read_source import (
    CHANGED,
    CHANGING,
    OTHER,
    OTHER_CONTENT,
    WRONG_SIZE,
    ChangedError,
    OtherContentError,
    Reader,
    WrongSizeError,
)
from core.workers.scan import Listing
from core.workers.shared_memory import BUSY, IDLE, STATE, CancelledByEngineError, Slot
from core.workers.source_messages import Digest, Digests, Entry
from core.workers.verification import verify
from core.workers.write_large import LargeWriter, WriteError

ATTRIBUTES_MEMORY = 4 << 20
"""The most bytes of extended attributes that a batch holds in memory."""

SOON = 0.1
"""Seconds for which a source stays open for the next request of a listing."""


_SOURCE = (
    source_messages.ListTree,
    source_messages.ListMore,
    source_messages.ReadList,
    source_messages.ReadListMore,
    source_messages.LookAtPath,
    source_messages.ReadBatch,
)
_MORE = (source_messages.ListMore, source_messages.ReadListMore)
_BATCH = (batch_messages.Journal, batch_messages.Flush, batch_messages.Verify, batch_messages.Publish)

_PAYLOAD = (
    archive_messages.Audit,
    archive_messages.Blocks,
    archive_messages.Carry,
    archive_messages.Checksums,
    restore_messages.Restore,
)
"""Requests that read files, but never fetch those that are only in iCloud: no one has asked for that."""


class Dispatcher:
    """Carries out requests. Between two requests it may hold a batch, or an unfinished listing.

    When a request ends in Failed or Stopped, the batch or listing is dropped.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._reader = Reader(slot)
        self.batch = Batch(slot)
        self._tree: Tree | None = None
        self._listing: Listing | None = None
        self._entries: Generator[list[Entry], None, None] | None = None
        self._checksums: Generator[source_messages.ListPart, None, None] | None = None
        slot.on_pause.append(self._close_tree)

    def wait(self, asked: Callable[[float], bool]) -> None:
        """Wait for a request. The source, which a listing keeps open, is closed unless a request comes within
        SOON."""
        if (self._entries is not None or self._checksums is not None) and not asked(SOON):
            self._slot.let_go()

    def answer(self, request: Request) -> Reply:
        """Carry out one request. Never raises."""
        self._slot.set(STATE, BUSY)
        try:
            return self._carry_out(request)
        except CancelledByEngineError:
            self._forget()
            return messages.Stopped()
        except (OSError, LostError) as error:
            self._forget()
            if isinstance(request, _SOURCE):
                fault = fault_of(error, Side.SOURCE)
            else:
                place = self.batch.place if isinstance(request, _BATCH) else getattr(request, "place", None)
                fault = archive_fault(error, place)
            return messages.Failed(fault, type(error).__name__)
        except Exception as error:
            # An error of the program itself: the engine logs the traceback and fails this request only.
            import traceback  # imported here, because it makes each start longer

            self._forget()
            text = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()
            trace = traceback.format_exc().encode("ascii", "backslashreplace").decode()
            return messages.Failed(Fault(Side.PROGRAM, text), trace)
        finally:
            self._slot.set(STATE, IDLE)

    def _forget(self) -> None:
        self.batch.drop()
        self._end_listing()
        self._close_tree()

    def _end_listing(self) -> None:
        for generator in (self._entries, self._checksums):
            if generator is not None:
                generator.close()
        self._listing = self._entries = self._checksums = None

    def _carry_out(self, request: Request) -> Reply:
        if not isinstance(request, _MORE):
            self._end_listing()
        if isinstance(request, _PAYLOAD):
            # The policy holds for the process, and an earlier request may have allowed fetching.
            fetch(False)
        match request:
            case source_messages.ReadBatch():
                return self._read(request)
            case batch_messages.CopyLarge():
                return self._copy(request)
            case batch_messages.StageBatch():
                self.batch.begin(request.place, request.staging)
                return self.batch.stage(request.files)
            case batch_messages.Journal():
                self.batch.journal(request.import_id)
                return messages.Done()
            case batch_messages.Flush():
                return self.batch.flush()
            case batch_messages.Verify():
                return self._verify(request)
            case batch_messages.Publish():
                return publish(self.batch, self._reader.arena)
            case batch_messages.Drop():
                self.batch.drop()
                self._close_tree()
                return messages.Done()
            case source_messages.ListTree():
                return self._list(request)
            case source_messages.ListMore():
                return self._list_more()
            case source_messages.ReadList():
                from core.workers.read_list import read_list  # few sources have lists, and its parsers load slowly

                tree = self._source(request.source)
                self._checksums = read_list(tree, request.path, self._reader.arena, self._slot)
                return self._read_list_more()
            case source_messages.ReadListMore():
                return self._read_list_more()
            case archive_messages.Audit():
                self.batch.drop()
                return audit(request, self._reader.arena, self._slot)
            case archive_messages.Checksums():
                self.batch.drop()
                return checksums(request, self._reader.arena, self._slot)
            case restore_messages.Restore():
                self.batch.drop()
                return restore.restore(request, self._reader.arena, self._slot)
            case archive_messages.Carry():
                self.batch.drop()
                return carry(request, self._reader.arena, self._slot)
            case _:
                return _REQUESTS[type(request)](request)

    # The source

    def _close_tree(self) -> None:
        if self._tree is not None:
            self._tree.close()

    def _source(self, source: Source) -> Tree:
        self._close_tree()
        fetch(source.fetch)
        self._tree = Tree(source.root, source.device, source.inode)
        return self._tree

    def _list(self, request: source_messages.ListTree) -> Reply:
        self._slot.begin("list")
        tree = self._source(request.source)
        tree.fileno()
        self._listing = Listing(request, tree, self._slot)
        self._entries = self._listing.entries()
        return self._list_more()

    def _list_more(self) -> Reply:
        if self._listing is None or self._entries is None or self._tree is None:
            raise RuntimeError("no listing is under way")
        entries, more = next(self._entries), not self._listing.complete
        source = Source(self._tree.root, self._tree.device, self._tree.inode)
        if not more:
            self._end_listing()
            self._close_tree()
        return source_messages.Listed(source, entries, more)

    def _read_list_more(self) -> Reply:
        if self._checksums is None:
            raise RuntimeError("no checksum list is under way")
        part = next(self._checksums)
        if not part.more:
            self._end_listing()
            self._close_tree()
        return part

    def _read(self, request: source_messages.ReadBatch) -> Reply:
        self.batch.drop()
        tree = self._source(request.source)
        self._slot.begin("hash")
        digests: list[Digest] = []
        start = attributes = 0
        lost: Fault | None = None
        for file in request.files:
            read = lost or self._read_file(tree, file, start if request.keep else None)
            weight = 0 if isinstance(read, Fault) else sum(map(len, read.facts.attributes.values()))
            if attributes and attributes + weight > ATTRIBUTES_MEMORY:
                read = Fault(Side.SOURCE, "more extended attributes than a batch can hold", again=True)
            if isinstance(read, Fault):
                lost = read if read.lost else None
                digests.append(Digest(file.number, fault=read))
                continue
            attributes += weight
            held = BatchEntry(read, file.path)
            if request.keep:
                held.data = self._reader.arena[start : start + read.digest.size]
                start += read.digest.size
            self.batch.files[file.number] = held
            digests.append(_digest_of(read, request.with_metadata))
        self._close_tree()
        # If this was faster than the read limit, wait here, because another worker may read the next batch.
        self._slot.checkpoint()
        return Digests(digests)

    def _read_file(
        self, tree: Tree, file: source_messages.ToRead, start: int | None, write: LargeWriter | None = None
    ) -> ReadFile | Fault:
        """Read one file, and once more if it changed meanwhile: into the arena from `start`; or, with None,
        streamed through it, and to `write` if given. Returns the fault if that fails."""
        changed = Fault(Side.SOURCE, CHANGED, CHANGING)
        for _ in range(2):
            self._slot.checkpoint()
            try:
                if start is not None:
                    return self._reader.small(tree, file, start)
                if write is not None:
                    write.restart()
                return self._reader.large(tree, file, write)
            except WrongSizeError as error:
                changed = Fault(Side.SOURCE, str(error), WRONG_SIZE)
            except ChangedError:
                changed = Fault(Side.SOURCE, CHANGED, CHANGING)
            except OtherContentError:
                return Fault(Side.SOURCE, OTHER_CONTENT, OTHER)
            except OverflowError:
                text = "it is larger than the room left in its batch"
                return Fault(Side.SOURCE, text, errno.EFBIG, again=True)
            except WriteError as error:
                return archive_fault(error.cause, self.batch.place)
            except (OSError, LostError) as error:
                return source_fault(error, tree)
        return changed

    def _copy(self, request: batch_messages.CopyLarge) -> Reply:
        self.batch.drop()
        tree = self._source(request.source)
        number = request.file.number
        self.batch.begin(request.place, request.staging)
        staged = self.batch.new(number)
        read = self._read_file(tree, request.file, None, LargeWriter(self.batch, staged, self._slot))
        self._close_tree()
        self._slot.checkpoint()
        if isinstance(read, Fault):
            self.batch.drop()
            return Digests([Digest(number, fault=read)])
        staged.read, staged.path = read, request.file.path
        return Digests([_digest_of(read, request.with_metadata)])

    def _verify(self, request: batch_messages.Verify) -> Reply:
        try:
            tree = self._tree if request.mode == "source" else None
            return verify(self.batch, self._reader.arena, tree, read=request.mode != "none")
        finally:
            self._close_tree()


def _digest_of(read: ReadFile, facts: bool) -> Digest:
    return msgspec.structs.replace(read.digest, facts=read.facts) if facts else read.digest


_REQUESTS: dict[type, Callable[..., Reply]] = {
    archive_messages.OpenArchive: open_archive.open_archive,
    archive_messages.GiveId: open_archive.give_id,
    source_messages.LookAtPath: open_archive.look,
    source_messages.Answers: answers,
    archive_messages.Lock: lock.lock,
    archive_messages.Beat: lock.beat,
    archive_messages.Unlock: lock.unlock,
    text_messages.JournalNames: archive_files.journal_names,
    text_messages.ReadText: archive_files.read_text,
    text_messages.AppendJournal: archive_files.append_journal,
    text_messages.JoinJournal: archive_files.join_journal,
    text_messages.MoveText: archive_files.move_text,
    archive_messages.TryWriting: archive_files.try_writing,
    text_messages.Put: put,
    archive_messages.CleanStaging: archive_files.clean_staging,
    archive_messages.Presence: archive_files.presence,
    archive_messages.SyncFolders: archive_files.sync_folders,
    archive_messages.ListFolder: archive_listing.list_folder,
    archive_messages.CompareTrees: compare_trees.compare_trees,
    archive_messages.FileSizes: archive_listing.file_sizes,
    archive_messages.Blocks: archive_listing.blocks,
    archive_messages.MakeFolder: archive_listing.make_folder,
    archive_messages.Tidy: remove_junk.tidy,
    archive_messages.SetAside: archive_files.set_aside,
    restore_messages.OpenTarget: restore.open_target,
    restore_messages.SetFolderTimes: restore.set_folder_times,
    restore_messages.Link: restore_links.link,
    restore_messages.CloseTarget: restore.close_target,
    restore_messages.MakeDownloads: restore_downloads.make,
    restore_messages.RemoveDownloads: restore_downloads.remove,
    archive_messages.Space: archive_files.space,
}
