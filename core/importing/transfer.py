"""One batch from the source into the archive: read, gate, stage, journal, flush, verify, publish, commit."""

import asyncio
import errno
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from weakref import WeakKeyDictionary

from core.catalog import Item
from core.errors import WorkerDiedError
from core.importing.followers import Followers
from core.importing.gate import Claim
from core.importing.halting import HaltError, away, full, halt_for
from core.importing.run import Run, Settled, Todo
from core.models import Outcome, Waits
from core.paths import display
from core.unbroken import to_the_end
from core.workers import messages
from core.workers.faults import AGAIN
from core.workers.messages import Digest, Fault, ToRead, ToStage
from core.workers.pool import TaskFailedError, Worker
from core.workers.reading import ARENA

NO_ROOM = 4 << 20
"""Bytes free below which an archive that fails counts as full."""

ATTEMPTS = 3
"""How often one file is tried before it counts as failed."""


class Transfer:
    """Brings batches in. A file that can be tried again stays to do; the rest is settled in the catalog."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.attempts: dict[int, int] = {}
        self._stages: dict[int, str] = {}
        """Where files failed last."""
        self._began = WeakKeyDictionary[Worker, float]()
        """Since when workers have been at their batch, or have had a place at the archive for it."""
        self.followers = Followers(run)
        self.unlike: set[int] = set()
        """Files whose content is not what their name and time promised: they are copied like new ones."""
        self._grown: set[int] = set()
        """Files that proved too large to be read into memory."""

    async def bring(self, batch: list[Todo]) -> None:
        """Bring one batch in. Raises HaltError."""
        run = self._run
        at_work: Worker | None = None
        try:
            async with run.worker(batch) as at_work:
                # Another batch had it before.
                self._began[at_work] = asyncio.get_running_loop().time()
                await self._bring(batch, at_work)
        except (TaskFailedError, WorkerDiedError) as error:
            fault = (
                error.fault if isinstance(error, TaskFailedError) else Fault("program", error.cause, again=True)
            )
            if halt := halt_for(fault, run):
                raise halt from error
            if at_work is not None and run.may_pass(fault):
                run.writing.failed(self._began[at_work])
            await self._archive_answers([fault])
            # Nothing of it is settled; those that follow another file wait for that.
            faults = [(todo, fault) for todo in batch if todo.id not in run.following]
            await to_the_end(run.settle([], self._failed(faults)))
        await self.followers.settle()
        if run.writing.persists and run.network:
            raise await self._no_use()
        await asyncio.sleep(run.writing.backoff)

    async def _bring(self, batch: list[Todo], worker: Worker) -> None:
        run = self._run
        todos = {todo.id: todo for todo in batch}
        if self._only_hashed(batch) and not await self._still_there(batch[0], worker):
            self.unlike.add(batch[0].id)
        digests = await self._read(batch, worker)
        well = {digest.number: digest for digest in digests if digest.fault is None}
        faults = {digest.number: digest.fault for digest in digests if digest.fault is not None}
        self._stages.update(dict.fromkeys(faults, "read"))
        self._grown.update(number for number, fault in faults.items() if fault.code == errno.EFBIG)
        _halt(faults, run)
        for number in well:
            run.read_well = todos[number].path
        if any((fault.side, fault.code) == ("source", errno.EIO) for fault in faults.values()):
            await self._source_answers(worker)
        try:
            known, claims = await run.gate.decide(
                run,
                [(todos[number].path, digest) for number, digest in well.items()],
                worker,
                lambda number: self.followers.add(todos[number], well[number]),
            )
        except BaseException:
            self.followers.forget(todos)
            raise
        items: dict[int, Item] = {}
        again: Collection[int] = todos
        try:
            if self._only_hashed(batch) and claims:
                # What stands under a known name is something else now: it is copied after all.
                self.unlike |= set(claims)
            elif well:
                items = await self._write(well, known, claims, worker, faults)
            settled = [
                Settled.of(todos[number], well[number], Outcome.DUPLICATE, item)
                for number, item in known.items()
                if number not in faults
            ]
            following = run.following
            failed = self._failed([(todos[n], fault) for n, fault in faults.items() if n not in following])
            await to_the_end(self._commit(items, claims, todos, well, settled + failed))
            # What was journaled of the others may be lost.
            again = faults
        finally:
            self.followers.through(todos, again)
            for claim in claims.values():
                run.gate.settle(claim, None)
        _halt(faults, run)
        await self._drop(worker)

    async def _drop(self, worker: Worker) -> None:
        """Have a worker forget its batch; what it still holds goes with it, if need be."""
        with suppress(TaskFailedError, WorkerDiedError):
            await self._run.ask(worker, messages.Drop(), messages.Done)

    async def _commit(
        self,
        items: dict[int, Item],
        claims: dict[int, Claim],
        todos: dict[int, Todo],
        well: dict[int, Digest],
        others: list[Settled],
    ) -> None:
        """Commit new items and what became of files; then their claims are fulfilled.

        What another run took over during a pause stays to do: it will be a duplicate.
        """
        arrived = {number: item for number, item in items.items() if not claims[number].lost}
        settled = [
            Settled.of(todos[number], well[number], Outcome.ARCHIVED, item) for number, item in arrived.items()
        ]
        await self._run.settle(list(arrived.values()), settled + others)
        for number, item in arrived.items():
            self._run.gate.settle(claims[number], item)

    async def _still_there(self, todo: Todo, worker: Worker) -> bool:
        """Whether the item that a known file had is in the archive, as far as its size tells."""
        run = self._run
        items = await run.catalog.items([todo.item_id] if todo.item_id else [], run.archive.id)
        sound = [(item.path, item.size) for item in items.values() if item.damage is None]
        present = await run.ask(worker, messages.Presence(run.archive.place, sound), messages.Present)
        return any(present.there)

    def _only_hashed(self, batch: list[Todo]) -> bool:
        """Whether the batch is one large known file, which is only hashed until it proves to differ."""
        first = batch[0]
        return first.known and first.size > ARENA and first.id not in self.unlike

    async def _read(self, batch: list[Todo], worker: Worker) -> list[Digest]:
        run = self._run
        files = [ToRead(todo.id, todo.path, todo.size, todo.kind) for todo in batch]
        limits = run.limits
        large = batch[0].size > ARENA or batch[0].id in self._grown
        if large and not self._only_hashed(batch):
            request = messages.CopyLarge(run.source, run.archive.place, run.staging, files[0])
            async with run.places(run.reading, run.writing, limits.copy, limits.hash):
                began = self._began[worker] = asyncio.get_running_loop().time()
                reply = await run.ask(worker, request, messages.Digests)
        else:
            keep = not self._only_hashed(batch)
            async with run.places(run.reading, limits.hash):
                began = asyncio.get_running_loop().time()
                reply = await run.ask(worker, messages.ReadBatch(run.source, files, keep), messages.Digests)
        faults = [digest.fault for digest in reply.files if digest.fault is not None]
        if any(fault.side == "source" and fault.again and fault.code in AGAIN for fault in faults):
            run.reading.failed(began)
        else:
            run.reading.took(began)
        if any(map(run.may_pass, faults)):
            run.writing.failed(began)
        return reply.files

    async def _write(
        self,
        well: dict[int, Digest],
        known: dict[int, Item],
        claims: dict[int, Claim],
        worker: Worker,
        faults: dict[int, Fault],
    ) -> dict[int, Item]:
        """Stage, journal, flush, verify and publish what was claimed; journal what is known. What arrived.

        `faults` gets those of the files that did not.
        """
        run, limits = self._run, self._run.limits
        orders = [
            ToStage(
                number,
                claims[number].payload if number in claims else "",
                "archived" if number in claims else "duplicate",
            )
            for number in well
        ]
        found: list[tuple[int, Fault]] = []
        levels: dict[int, str] = {}
        published: dict[int, str] = {}
        # One place at the volume all the way: reading back is work for a server, too.
        async with run.places(run.writing):
            began = self._began[worker] = asyncio.get_running_loop().time()
            async with run.places(limits.copy):
                stage = messages.Stage(run.archive.place, run.staging, orders)
                found += self._at("copy", (await run.ask(worker, stage, messages.Checked)).faults)
                # What is known is journaled and flushed, too: the archive has it before the catalog.
                await self._journal(worker)
                flushed = await run.ask(worker, messages.Flush(), messages.Checked)
                found += self._at("flush", flushed.faults)
            if claims:
                async with run.places(limits.verify):
                    verify = messages.Verify(run.request.verify)
                    checked = await run.ask(worker, verify, messages.Checked)
                found += self._at("verify", checked.faults)
                levels = dict(checked.levels)
                async with run.places(limits.copy):
                    while True:
                        arrived = await run.ask(worker, messages.Publish(), messages.Arrived)
                        published.update(arrived.published)
                        found += self._at("publish", arrived.faults)
                        if not arrived.taken:
                            break
                        await self._journal(worker)
                        flushed = await run.ask(worker, messages.Flush(), messages.Checked)
                        found += self._at("flush", flushed.faults)
            if found:
                # Removing what failed is work for the volume, too: beside others it would make more of them fail.
                await self._drop(worker)
        if any(fault.again or run.may_pass(fault) for _, fault in found):
            run.writing.failed(began)
        else:
            run.writing.took(began)
        await self._archive_answers([fault for _, fault in found])
        faults.update((number, fault) for number, fault in found if number not in published)
        now = time.time()
        return {
            number: Item(
                claims[number].item_id,
                run.row.location_id,
                well[number].xxh128,
                well[number].sha256,
                well[number].size,
                well[number].kind,
                path,
                levels.get(number, ""),
                now if number in levels else None,
            )
            for number, path in published.items()
        }

    async def _source_answers(self, worker: Worker) -> None:
        """Raises HaltError when what was read before cannot be read any more: that is more than a bad file."""
        run = self._run
        if run.read_well:
            try:
                await run.ask(worker, messages.Answers(run.source, run.read_well), messages.Done)
            except TaskFailedError as error:
                raise away(run, Waits.SOURCE, "cannot be read any more", run.read_well) from error

    async def _archive_answers(self, faults: Iterable[Fault]) -> None:
        """Raises HaltError when nothing can be written any more, after one of the faults has said so of a file."""
        run = self._run
        # A server may have too much to do, which is no reason to leave: its controller tells.
        if not run.network and any((fault.side, fault.code) == ("archive", errno.EIO) for fault in faults):
            try:
                async with run.worker([]) as worker:
                    await run.ask(worker, messages.TryWriting(run.archive.place, run.staging), messages.Done)
            except TaskFailedError as error:
                raise (
                    halt_for(error.fault, run)
                    or away(run, Waits.ARCHIVE, f"cannot be written any more ({error.fault.text})")
                ) from error

    async def _journal(self, worker: Worker) -> None:
        async with self._run.turn:
            began = time.monotonic()
            await self._run.ask(worker, messages.Journal(self._run.row.name), messages.Done)
            if self._run.network:
                self._run.writing.answered(time.monotonic() - began)

    async def _no_use(self) -> HaltError:
        """Why the archive fails again and again, even with one file at a time."""
        run = self._run
        room: int | None = None
        with suppress(TaskFailedError, WorkerDiedError):
            async with run.worker([]) as worker:
                request = messages.Space(run.archive.place)
                room = (await run.ask(worker, request, messages.Room)).available
        if room is not None and room < NO_ROOM:
            # Not every client of a server hands ENOSPC on.
            return HaltError(*full(f"{room:,} bytes are free"))
        return away(run, Waits.ARCHIVE, "fails again and again, even with one file at a time")

    def _failed(self, faults: Iterable[tuple[Todo, Fault]]) -> list[Settled]:
        """Those of the files that are not tried again."""
        failed: list[Settled] = []
        for todo, fault in faults:
            if self._run.may_pass(fault):
                continue
            self.attempts[todo.id] = self.attempts.get(todo.id, 0) + 1
            if halt_for(fault, self._run) is None and (not fault.again or self.attempts[todo.id] >= ATTEMPTS):
                reason = display(f"{fault.side}: {fault.text}")
                where = self._stages.get(todo.id, ""), self.attempts[todo.id]
                failed.append(Settled(todo, Outcome.FAILED, None, reason, todo.size, None, todo.kind, *where))
        return failed

    def _at(self, stage: str, faults: list[tuple[int, Fault]]) -> list[tuple[int, Fault]]:
        self._stages.update((number, stage) for number, _ in faults)
        return faults


def _halt(faults: dict[int, Fault], run: Run) -> None:
    """Raises HaltError when one of the faults ends the whole run."""
    for fault in faults.values():
        if halt := halt_for(fault, run):
            raise halt
