"""One batch from the source into the archive: read, dedup, stage, journal, flush, verify, publish, commit."""

import asyncio
import errno
import time
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from weakref import WeakKeyDictionary

from core.aio import to_the_end
from core.archives.dedup import Claim
from core.catalog import Item
from core.catalog.differing import Before
from core.concurrency import Limit
from core.errors import WorkerDiedError
from core.files.fsync import UNSUPPORTED
from core.importing import leader_damage
from core.importing.file_retries import FileRetries
from core.importing.halt_reasons import cannot_flush, halt_for, halt_for_one_of
from core.importing.import_files import Settled, Todo
from core.importing.import_run import Run
from core.importing.pending_duplicates import PendingDuplicates
from core.importing.previously_imported import PreviouslyImported
from core.importing.volume_checks import VolumeChecks
from core.models import Outcome, Side
from core.workers import batch_messages, messages, source_messages
from core.workers.batch_messages import ToStage
from core.workers.faults import RETRYABLE
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError, Worker
from core.workers.read_source import ARENA
from core.workers.source_messages import Digest, ToRead


class Transfer:
    """Imports batches. A file that can be retried keeps the outcome TODO; the others are settled in the catalog.

    The stages of a batch are `read`, `write` and `commit`; tests replace them. Files are identified by the number
    of their row (`Todo.id`), which is the key of all dictionaries.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.retries = FileRetries(run)
        self._checks = VolumeChecks(run)
        self._busy_since = WeakKeyDictionary[Worker, float]()
        """When (loop time) each worker began with its batch, or got a place at the archive for it. The controllers
        ignore a fault of a batch that began before their last change."""
        self.pending = PendingDuplicates(run)
        self.previous = PreviouslyImported(run)
        self._grown: set[int] = set()
        """Ids of files that were too large to be read into memory."""

    async def bring(self, batch: list[Todo]) -> None:
        """Import one batch. Raises HaltError."""
        run = self.run
        at_work: Worker | None = None
        try:
            async with AsyncExitStack() as reading:
                if not self._large(batch):
                    # The places come before the worker: one that had to wait for them might be started for
                    # nothing.
                    await reading.enter_async_context(run.workers.places(*self._reading_places()))
                async with run.workers.worker(batch) as at_work:
                    # The worker may have had another batch before.
                    self._busy_since[at_work] = asyncio.get_running_loop().time()
                    await self._bring(batch, at_work, reading)
        except (TaskFailedError, WorkerDiedError) as error:
            fault = (
                error.fault
                if isinstance(error, TaskFailedError)
                else Fault(Side.PROGRAM, error.cause, again=True, detail=error.detail)
            )
            if run.leader is not None and fault.side == Side.SOURCE:
                # The batch failed as a whole, so the folder of the leader's archive cannot be opened.
                run.leader.lost = True
                return
            await self._checks.more_files_fit([fault])
            if halt := halt_for(fault, run):
                raise halt from error
            if at_work is not None and run.may_pass(fault):
                run.workers.writing.failed(self._busy_since[at_work])
            await self._checks.archive_answers([fault])
            # Nothing of the batch is settled; its pending duplicates wait for the files that they follow.
            faults = [(todo, fault) for todo in batch if todo.id not in run.following]
            failed = await self.retries.given_up(faults)
            await to_the_end(run.settle([], failed))
        await self.pending.settle()
        if run.workers.writing.persists and run.network:
            raise await self._checks.why_archive_fails()
        await asyncio.sleep(run.workers.writing.backoff)

    def _large(self, batch: list[Todo]) -> bool:
        """Whether the batch is a file that is too large for memory."""
        return batch[0].size > ARENA or batch[0].id in self._grown

    def _reading_places(self) -> tuple[Limit, ...]:
        """The limits at which reading without writing takes places."""
        return *self.run.workers.source_places(), *self.run.workers.hashing_places(large=False)

    async def _bring(self, batch: list[Todo], worker: Worker, reading: AsyncExitStack) -> None:
        """Import a batch. `reading` holds the places that a batch of small files takes for reading; it is closed
        once the batch is read."""
        run = self.run
        todos = {todo.id: todo for todo in batch}
        if self.previous.only_hashed(batch) and not await self.previous.still_there(batch[0], worker):
            self.previous.unlike.add(batch[0].id)
        digests = await self.read(batch, worker)
        await reading.aclose()
        well = {digest.number: digest for digest in digests if digest.fault is None}
        faults = {digest.number: digest.fault for digest in digests if digest.fault is not None}
        self._grown.update(number for number, fault in faults.items() if fault.code == errno.EFBIG)
        if run.leader is not None:
            doubtful = run.leader.cannot_hand_on(faults, self.retries.may_take_again)
            if items_of_leader := [item for number in doubtful if (item := todos[number].taken_item)]:
                await leader_damage.record(run, run.leader, items_of_leader)
        self.retries.failed_at("read", faults)
        halt_for_one_of(faults.values(), run)
        if run.leader is None and well:
            run.readable_file = todos[next(reversed(well))].path
        if any((fault.side, fault.code) == (Side.SOURCE, errno.EIO) for fault in faults.values()):
            await self._checks.source_answers(worker)
        await self._checks.archive_answers(faults.values())
        try:
            known, claims = await run.dedup.decide(
                run,
                [(todos[number].path, digest) for number, digest in well.items()],
                worker,
                lambda number: self.pending.add(todos[number], well[number]),
            )
        except BaseException:
            self.pending.forget(todos)
            raise
        items: dict[int, Item] = {}
        again: Collection[int] = todos
        try:
            await self.previous.compare(todos, well, known)
            if self.previous.only_hashed(batch) and claims:
                # A previously imported file has other content now, so it is copied after all.
                self.previous.unlike |= set(claims)
            elif well:
                items = await self.write(well, todos, claims, worker, faults)
            settled = [
                Settled.of(todos[number], well[number], Outcome.DUPLICATE, item)
                for number, item in known.items()
                if number not in faults
            ]
            following = run.following
            failed = await self.retries.given_up(
                [(todos[n], fault) for n, fault in faults.items() if n not in following]
            )
            await to_the_end(self.commit(items, claims, todos, well, settled + failed))
            # From here on only files with a fault are tried again, because their journal lines may be lost.
            again = faults
        finally:
            self.pending.batch_ended(todos, again)
            for claim in claims.values():
                run.dedup.settle(claim, None)
        halt_for_one_of(faults.values(), run)
        await self._drop(worker)

    async def _drop(self, worker: Worker) -> None:
        """Have a worker drop its batch. A failure is harmless: what the worker holds is released when it ends."""
        with suppress(TaskFailedError, WorkerDiedError):
            await self.run.workers.ask(worker, batch_messages.Drop(), messages.Done)

    async def commit(
        self,
        items: dict[int, Item],
        claims: dict[int, Claim],
        todos: dict[int, Todo],
        well: dict[int, Digest],
        others: list[Settled],
    ) -> None:
        """Commit new items and results for files, then end their claims.

        A file whose claim another run took over during a pause stays to do: it will be a duplicate.
        """
        arrived = {number: item for number, item in items.items() if not claims[number].lost}
        settled = [
            Settled.of(todos[number], well[number], Outcome.ARCHIVED, item) for number, item in arrived.items()
        ]
        await self.run.settle(list(arrived.values()), settled + others)
        for number, item in arrived.items():
            self.run.dedup.settle(claims[number], item)

    async def read(self, batch: list[Todo], worker: Worker) -> list[Digest]:
        """Read and hash a batch, from the source or from the leader's archive, and tell the controllers how that
        went. The bytes of small files stay in the worker's memory; a large file is written to staging meanwhile.
        Returns a digest or a fault for each file. Raises HaltError, TaskFailedError, WorkerDiedError."""
        run = self.run
        source = run.leader.source if run.leader else run.source
        files = [
            ToRead(
                todo.id,
                todo.path,
                todo.size,
                todo.kind,
                todo.also,
                todo.taken,
                content_only=not source.attributes,
            )
            for todo in batch
        ]
        with_metadata = bool(run.row.together)
        if self._large(batch) and not self.previous.only_hashed(batch):
            request = batch_messages.CopyLarge(source, run.archive.place, run.staging, files[0], with_metadata)
            async with run.workers.places(*run.workers.source_places()):
                # The place at the archive is kept until the file is published. If it were released in between, the
                # file would be flushed only after all files that wait to be read.
                await run.workers.enter_archive(worker)
                async with run.workers.places(*run.workers.hashing_places(large=True)):
                    began = self._busy_since[worker] = asyncio.get_running_loop().time()
                    reply = await run.workers.ask(worker, request, source_messages.Digests)
        else:
            keep = not self.previous.only_hashed(batch)
            # A batch of small files has its places already (see `bring`).
            async with run.workers.places(*(self._reading_places() if self._large(batch) else ())):
                began = asyncio.get_running_loop().time()
                reply = await run.workers.ask(
                    worker, source_messages.ReadBatch(source, files, keep, with_metadata), source_messages.Digests
                )
        faults = [digest.fault for digest in reply.files if digest.fault is not None]
        if any(fault.side == Side.SOURCE and fault.again and fault.code in RETRYABLE for fault in faults):
            run.workers.reading.failed(began)
        else:
            run.workers.reading.took(began)
        if any(map(run.may_pass, faults)):
            run.workers.writing.failed(began)
        return reply.files

    async def write(
        self,
        well: dict[int, Digest],
        todos: dict[int, Todo],
        claims: dict[int, Claim],
        worker: Worker,
        faults: dict[int, Fault],
    ) -> dict[int, Item]:
        """Stage, journal, flush, verify and publish what was claimed; journal duplicates. Returns the items
        published.

        `faults` receives the faults of files that were not published. Raises HaltError, TaskFailedError,
        WorkerDiedError.
        """
        run, limits = self.run, self.run.workers.limits
        orders = [
            ToStage(
                number,
                claims[number].payload if number in claims else "",
                "archived" if number in claims else "duplicate",
                _journaled(todos[number].before),
            )
            for number in well
        ]
        found: list[tuple[int, Fault]] = []
        levels: dict[int, str] = {}
        published: dict[int, str] = {}
        # One place at the volume is held for all steps, because reading back is work for a server, too.
        await run.workers.enter_archive(worker)
        try:
            began = self._busy_since[worker] = asyncio.get_running_loop().time()
            async with run.workers.places(limits.copy):
                stage = batch_messages.StageBatch(run.archive.place, run.staging, orders)
                found += self._failed_at(
                    "copy", (await run.workers.ask(worker, stage, batch_messages.Checked)).faults
                )
                # Duplicates are journaled and flushed, too, because the archive must have a record before the
                # catalog does.
                await self._journal_and_flush(worker, found)
            if claims:
                async with run.workers.places(limits.verify):
                    # A follower does not read the source a second time: its leader has done that.
                    by_leader = run.request.verify == "source" and run.leader is not None
                    verify = batch_messages.Verify("readback" if by_leader else run.request.verify)
                    checked = await run.workers.ask(worker, verify, batch_messages.Checked)
                found += self._failed_at("verify", checked.faults)
                levels = dict(checked.levels)
                async with run.workers.places(limits.copy):
                    published = await self._publish(worker, found)
            if found:
                await self._checks.more_files_fit([fault for _, fault in found])
                # Removing what failed is work for the volume, too. So it is done while that place is held: in
                # parallel with other batches it would make more of them fail.
                await self._drop(worker)
        finally:
            await run.workers.leave_archive(worker)
        if any(fault.again or run.may_pass(fault) for _, fault in found):
            run.workers.writing.failed(began)
        else:
            run.workers.writing.took(began)
        await self._checks.archive_answers([fault for _, fault in found])
        faults.update((number, fault) for number, fault in found if number not in published)
        return {
            number: self._item(claims[number], well[number], path, levels.get(number))
            for number, path in published.items()
        }

    def _item(self, claim: Claim, digest: Digest, path: str, level: str | None) -> Item:
        """The item of payload that was published at `path`; `level` is None where it was not read back."""
        return Item(
            claim.item_id,
            self.run.row.location_id,
            digest.xxh128,
            digest.sha256,
            digest.size,
            digest.kind,
            path,
            level or "",
            None if level is None else time.time(),
        )

    async def _publish(self, worker: Worker, found: list[tuple[int, Fault]]) -> dict[int, str]:
        """Publish a batch; `found` receives faults. A file whose name is taken by other content gets another name,
        which is journaled and flushed before it is published. Returns the paths by file."""
        run, published = self.run, dict[int, str]()
        while True:
            arrived = await run.workers.ask(worker, batch_messages.Publish(), batch_messages.Published)
            published.update(arrived.published)
            found += self._failed_at("publish", arrived.faults)
            if not arrived.taken:
                return published
            await self._journal_and_flush(worker, found)

    async def _journal_and_flush(self, worker: Worker, found: list[tuple[int, Fault]]) -> None:
        """Write a batch's rows into the journal and flush both; `found` receives faults."""
        await self.journal(worker)
        flushed = await self.run.workers.ask(worker, batch_messages.Flush(), batch_messages.Checked)
        found += self._failed_at("flush", flushed.faults)

    async def journal(self, worker: Worker) -> None:
        """Append the rows of the worker's batch to the journal. Batches of a run take turns."""
        async with self.run.journal_turn:
            began = time.monotonic()
            await self.run.workers.ask(worker, batch_messages.Journal(self.run.row.name), messages.Done)
            if self.run.network:
                self.run.workers.writing.answered(time.monotonic() - began)

    def _failed_at(self, stage: str, faults: list[tuple[int, Fault]]) -> list[tuple[int, Fault]]:
        """Record that the files of these faults have failed at `stage`, and return the faults. Raises HaltError
        when the archive's file system does not support flushing, so that no file can pass."""
        self.retries.failed_at(stage, (number for number, _ in faults))
        for _, fault in faults:
            if stage == "flush" and fault.code in UNSUPPORTED:
                raise cannot_flush(fault)
        return faults


def _journaled(before: Before | None) -> tuple[str, str, float] | None:
    return (before.xxh128.hex(), before.sha256.hex(), before.imported) if before else None
