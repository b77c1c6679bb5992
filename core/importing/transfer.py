"""One batch from the source into the archive: read, gate, stage, journal, flush, verify, publish, commit."""

import time
from collections.abc import Callable

from core.catalog import Item
from core.errors import WorkerDiedError
from core.importing.gate import Claim
from core.importing.run import Run, Settled, Todo, halt_for
from core.models import Outcome
from core.paths import display
from core.workers import messages
from core.workers.messages import Digest, Fault, ToRead, ToStage
from core.workers.pool import TaskFailedError, Worker
from core.workers.reading import ARENA

ATTEMPTS = 3
"""How often one file is tried before it counts as failed."""


class Transfer:
    """Brings batches in. A file that can be tried again stays to do; the rest is settled in the catalog."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.attempts: dict[int, int] = {}
        self._followed: list[tuple[Todo, Digest, Item]] = []
        self.unlike: set[int] = set()
        """Files whose content is not what their name and time promised: they are copied like new ones."""

    async def bring(self, batch: list[Todo]) -> None:
        """Bring one batch in. Raises HaltError."""
        try:
            async with self._run.worker(batch) as worker:
                await self._bring(batch, worker)
        except (TaskFailedError, WorkerDiedError) as error:
            fault = (
                error.fault if isinstance(error, TaskFailedError) else Fault("program", error.cause, again=True)
            )
            if halt := halt_for(fault, self._run):
                raise halt from error
            await self._settle([], [(todo, fault) for todo in batch], [], {})
        await self.settle_followers()

    async def _bring(self, batch: list[Todo], worker: Worker) -> None:
        run = self._run
        todos = {todo.id: todo for todo in batch}
        digests = await self._read(batch, worker)
        well = [digest for digest in digests if digest.fault is None]
        faults = [(todos[digest.number], digest.fault) for digest in digests if digest.fault is not None]
        if halt := next((halt for _, fault in faults if (halt := halt_for(fault, run))), None):
            raise halt
        folder = run.row.location_folder
        pairs = [(todos[digest.number].path, digest) for digest in well]
        by_number = {digest.number: digest for digest in well}
        known, claims, following = await run.gate.decide(
            run.scope, folder, pairs, worker, lambda number: self._follower(todos[number], by_number[number])
        )
        run.following |= following
        items: list[tuple[Digest, Item, Claim]] = []
        try:
            if self._only_hashed(batch) and claims:
                # What stands under a known name is something else now: it is copied after all.
                self.unlike |= set(claims)
            elif well:
                items, more = await self._write(well, known, claims, worker)
                faults += [(todos[number], fault) for number, fault in more]
            if halt := next((halt for _, fault in faults if (halt := halt_for(fault, run))), None):
                raise halt
            duplicates = [(todos[number], by_number[number], item) for number, item in known.items()]
            await self._settle(items, faults, duplicates, todos)
        except BaseException:
            for claim in claims.values():
                run.gate.settle(claim, None)
            raise
        arrived = {id(claim): item for _, item, claim in items}
        for claim in claims.values():
            run.gate.settle(claim, arrived.get(id(claim)))
        await run.ask(worker, messages.Drop(), messages.Done)

    def _only_hashed(self, batch: list[Todo]) -> bool:
        """Whether the batch is one large known file, which is only hashed until it proves to differ."""
        first = batch[0]
        return first.known and first.size > ARENA and first.id not in self.unlike

    async def _read(self, batch: list[Todo], worker: Worker) -> list[Digest]:
        run = self._run
        files = [ToRead(todo.id, todo.path, todo.size, todo.kind) for todo in batch]
        limits = run.limits
        if batch[0].size > ARENA and not self._only_hashed(batch):
            request = messages.CopyLarge(run.source, run.archive.place, run.staging, files[0])
            async with run.places(run.reading, run.writing, limits.copy, limits.hash):
                return (await run.ask(worker, request, messages.Digests)).files
        keep = not self._only_hashed(batch)
        async with run.places(run.reading, limits.hash):
            reply = await run.ask(worker, messages.ReadBatch(run.source, files, keep), messages.Digests)
        return reply.files

    async def _write(
        self, well: list[Digest], known: dict[int, Item], claims: dict[int, Claim], worker: Worker
    ) -> tuple[list[tuple[Digest, Item, Claim]], list[tuple[int, Fault]]]:
        """Stage, journal, flush, verify and publish what was claimed; journal what is known."""
        run, limits = self._run, self._run.limits
        orders = [
            ToStage(
                digest.number,
                claims[digest.number].payload if digest.number in claims else "",
                "archived" if digest.number in claims else "duplicate",
            )
            for digest in well
        ]
        verified = run.request.verify != "none"
        faults: list[tuple[int, Fault]] = []
        levels: dict[int, str] = {}
        published: dict[int, str] = {}
        size = sum(digest.size for digest in well if digest.number in claims)
        async with run.places(run.writing, limits.copy):
            stage = messages.Stage(run.archive.place, run.staging, orders)
            faults += (await run.ask(worker, stage, messages.Checked)).faults
            await self._journal(worker)
            if claims:
                faults += (await run.ask(worker, messages.Flush(), messages.Checked)).faults
                run.writing.arrived(size)
        if claims and verified:
            async with run.places(limits.verify):
                verify = messages.Verify(run.request.verify)
                checked = await run.ask(worker, verify, messages.Checked)
            faults += checked.faults
            levels = dict(checked.levels)
        if claims:
            async with run.places(run.writing, limits.copy):
                while True:
                    arrived = await run.ask(worker, messages.Publish(), messages.Arrived)
                    published.update(arrived.published)
                    faults += arrived.faults
                    if not arrived.taken:
                        break
                    await self._journal(worker)
                    faults += (await run.ask(worker, messages.Flush(), messages.Checked)).faults
        if any(fault.again for _, fault in faults):
            run.writing.congested()
        now = time.time()
        items = [
            (
                digest,
                Item(
                    claims[digest.number].item_id,
                    run.row.location_id,
                    digest.xxh128,
                    digest.sha256,
                    digest.size,
                    digest.kind,
                    published[digest.number],
                    levels.get(digest.number, ""),
                    now if verified else None,
                ),
                claims[digest.number],
            )
            for digest in well
            if digest.number in published
        ]
        return items, faults

    async def _journal(self, worker: Worker) -> None:
        async with self._run.turn:
            await self._run.ask(worker, messages.Journal(self._run.row.name), messages.Done)

    async def _settle(
        self,
        items: list[tuple[Digest, Item, Claim]],
        faults: list[tuple[Todo, Fault]],
        duplicates: list[tuple[Todo, Digest, Item]],
        todos: dict[int, Todo],
    ) -> None:
        """Commit what became of a batch; files that may be tried again stay to do."""
        settled = [_settled(todos[digest.number], digest, Outcome.ARCHIVED, item) for digest, item, _ in items]
        settled += [_settled(todo, digest, Outcome.DUPLICATE, item) for todo, digest, item in duplicates]
        failed: set[int] = set()
        for todo, fault in faults:
            if todo.id in failed:
                continue
            failed.add(todo.id)
            self.attempts[todo.id] = self.attempts.get(todo.id, 0) + 1
            if not fault.again or self.attempts[todo.id] >= ATTEMPTS:
                reason = display(f"{fault.side}: {fault.text}")
                settled.append(Settled(todo, Outcome.FAILED, None, reason, todo.size, None, todo.kind))
        if settled:
            await self._run.settle([item for _, item, _ in items], settled)

    def _follower(self, todo: Todo, digest: Digest) -> Callable[[Item | None], None]:
        """What a file does that waits for another of the same content; without that one it stays to do."""

        def follow(item: Item | None) -> None:
            if item is not None:
                self._followed.append((todo, digest, item))
            else:
                self._run.following.discard(todo.id)
            self._run.followed.set()

        return follow

    async def settle_followers(self) -> None:
        """Commit the files whose forerunner has arrived."""
        followed, self._followed = self._followed, []
        if followed:
            await self._settle([], [], followed, {})
            self._run.following.difference_update(todo.id for todo, _, _ in followed)


def _settled(todo: Todo, digest: Digest, outcome: Outcome, item: Item) -> Settled:
    return Settled(todo, outcome, item.id, None, digest.size, digest.mtime_ns, digest.kind)
