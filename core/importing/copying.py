"""The stages of one import that run side by side: the listing, and the transfers of the files that it finds."""

import asyncio
from functools import partial

from core.aio import to_the_end
from core.archives.presence import present
from core.catalog import Selection
from core.catalog.linking import link
from core.errors import WorkerDiedError
from core.importing import same_source
from core.importing.batches import Batches
from core.importing.following import Following
from core.importing.halt_reasons import HaltError, away, halt_for
from core.importing.import_files import Settled, Todo
from core.importing.import_run import Run
from core.importing.reverify_sample import Sampling
from core.importing.scan import intake
from core.importing.transfer import Transfer
from core.media.left_out import FROM_RECORD
from core.models import Outcome, Waits
from core.paths import relative
from core.workers.pool import TaskFailedError

PAGE = 1024
"""Files per page of the catalog."""


class Copying:
    """Lists the source of one run and imports its files, until no file is to do."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.complete = False
        """Whether no file is to do any more. A file that is retried after that waits for another run."""
        self._transfer = Transfer(run)
        limits = run.workers.limits
        self._room = asyncio.Semaphore(limits.hash.ceiling + limits.copy.ceiling)
        self._more = asyncio.Event()
        """Set when the listing has entered more files."""
        self._retries_begun = 0
        """How many calls of `retry` are in progress."""

    async def retry(self, selection: Selection) -> int:
        """Retry failed files within this run. Returns how many."""
        run = self.run
        self._retries_begun += 1
        try:
            async with run.entering:
                files = await to_the_end(run.catalog.reset_failed(run.row.id, selection))
                for id, size, cause in files:
                    self._transfer.retries.forget(id)
                    run.counters.forget_cause(cause)
                    run.counters.count(Outcome.FAILED, size, -1)
                    run.counters.count(Outcome.TODO, size)
        finally:
            self._retries_begun -= 1
            run.followed.set()
        return len(files)

    async def copy(self) -> None:
        """Run until no file is to do. Raises HaltError, in an exception group."""
        run = self.run
        async with asyncio.TaskGroup() as tasks:
            sampling = Sampling(run)
            tasks.create_task(sampling.on_the_way())
            followed = False
            if run.choose_leader is not None:
                batches = Batches(tasks, self._room, self._bring)
                followed = await Following(run, self._transfer, batches).copy()
            if not followed or await self._todo_left():
                await self._from_source(tasks)
            sampling.stop()

    async def _from_source(self, tasks: asyncio.TaskGroup) -> None:
        run = self.run
        if not run.source_here:
            raise away(run, Waits.SOURCE, "is needed for what no other archive has")
        run.judged_by = None
        run.source_wanted = True
        # Rows that were entered from a leader's listing count as an earlier listing, too: the leader may have
        # listed another card than the one that is present now.
        run.listing.begin_anew(run.catalog.last_file_id)
        listing = tasks.create_task(self._list())
        # New files come first, while the listing continues; previously imported ones are read at the end. Files
        # that are to do since an earlier listing wait for the end of this listing, which may find that the source
        # is another one, or that they have changed.
        await self._sweep(tasks, known=False, listing=listing, after=run.listing.newest_before)
        while await self._todo_left():
            await self._sweep(tasks, known=False)
            await self._sweep(tasks, known=True)

    async def _list(self) -> None:
        """List the source, then link files that belong together, while transfers go on."""
        run = self.run
        await same_source.check(run)
        if run.row.source != run.source.root:
            # The root is recorded only now that the source has proved to be the same.
            run.row.source = run.source.root
            await run.catalog.set_import(run.row.id, source=run.source.root)
        await intake(run, self._more)
        await link(run.catalog, run.row.id, run.row.root)
        run.listing.linked = True
        self._more.set()

    async def _todo_left(self) -> bool:
        """Whether a file is still to do. Waits for pending duplicates of other imports' files."""
        run = self.run
        while True:
            run.followed.clear()
            await self._transfer.pending.settle()
            if not run.following and not self._retries_begun:
                if await run.catalog.todo(run.row.id, 0, 1):
                    return True
                if not self._retries_begun and not run.followed.is_set():
                    self.complete = True
                    return False
            else:
                await run.followed.wait()

    async def _sweep(
        self,
        tasks: asyncio.TaskGroup,
        *,
        known: bool,
        listing: "asyncio.Task[None] | None" = None,
        after: int = 0,
    ) -> None:
        """Give every file to do, either previously imported or new ones, to a transfer once. Returns when these
        have ended."""
        run = self.run
        batches = Batches(tasks, self._room, self._bring)
        recorded = Batches(tasks, self._room, self._bring)
        while True:
            listed = listing is None or listing.done()
            self._more.clear()
            following = set(run.following)
            page = await run.catalog.todo(run.row.id, after, PAGE)
            if not page:
                await batches.flush()
                await recorded.flush()
                if listed:
                    break
                await self._more.wait()
                continue
            after = page[-1][0]
            paths = [relative(run.row.root, path) for _, path, _, _, _ in page]
            in_lists = await run.catalog.listed(run.row.id, paths) if run.listing.lists else {}
            for (id, _, size, kind, item_id), path in zip(page, paths, strict=True):
                todo = Todo(id, path, size, kind, item_id, listed=in_lists.get(path, frozenset()))
                if id in self._transfer.previous.unlike:
                    todo.item_id = None
                if todo.known != known or id in following:
                    continue
                if known and run.from_record(todo):
                    await recorded.add(todo, size=0)
                else:
                    await batches.add(todo, alone=self._transfer.retries.tried(id))
        await batches.ended()
        await recorded.ended()

    async def _bring(self, batch: list[Todo]) -> None:
        if batch[0].known and self.run.from_record(batch[0]):
            await self._from_record(batch)
        else:
            await self._transfer.bring(batch)

    async def _from_record(self, batch: list[Todo]) -> None:
        """Settle previously imported files without reading them: duplicates, if their payload is there."""
        run = self.run
        items = await run.catalog.items({todo.item_id for todo in batch if todo.item_id}, run.archive.id)
        wanted = [item for item in items.values() if item.damage is None]
        async with run.workers.worker(batch) as worker:
            try:
                paths = await present(partial(run.workers.ask, worker), run.archive.place, wanted)
            except TaskFailedError as error:
                raise halt_for(error.fault, run) or HaltError(
                    f"the archive cannot be looked at: {error.fault.text}", "Resume it."
                ) from error
            except WorkerDiedError as error:
                raise HaltError(error.cause, "Resume it.") from error
        there = {item.id for item in wanted if item.path in paths}
        self._transfer.previous.unlike |= {todo.id for todo in batch if todo.item_id not in there}
        why, sort, _ = FROM_RECORD
        settled = [
            Settled(
                todo,
                Outcome.DUPLICATE,
                item.id,
                why,
                todo.size,
                None,
                todo.kind or item.kind,
                sort=sort,
                checksums={name: getattr(item, name) for name in todo.listed},
            )
            for todo in batch
            if todo.item_id in there and (item := items[todo.item_id])
        ]
        await to_the_end(run.settle([], settled))
