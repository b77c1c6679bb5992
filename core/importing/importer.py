"""One import, from its first listing to its verdict: the stages side by side, joined by the catalog."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from core.catalog import Selection, below
from core.errors import LadingError, WorkerDiedError
from core.importing import closing
from core.importing.halting import HaltError, halt_for
from core.importing.intake import intake
from core.importing.links import link
from core.importing.run import Run, Settled, Todo
from core.importing.transfer import Transfer
from core.importing.vigil import vigil
from core.models import Outcome, State, Verdict, Waits
from core.paths import display
from core.unbroken import to_the_end
from core.workers import messages
from core.workers.messages import Source
from core.workers.pool import TaskFailedError, TaskStoppedError
from core.workers.reading import ARENA

PAGE = 1024
"""Files fetched from the catalog together."""

TOGETHER = 512
"""Files in one batch at most."""

CLEAN = 10.0
"""Seconds the archive gets to remove staging; what is left then goes when it is opened next."""


class Importer:
    """Runs one import. `whole`, its root and `only` are what the verdict speaks of: the card, else the source."""

    def __init__(self, run: Run, whole: Source, whole_root: bytes, whole_only: bytes) -> None:
        self.run = run
        self._whole = (whole, whole_root, whole_only)
        self._transfer = Transfer(run)
        limits = run.limits
        self._room = asyncio.Semaphore(limits.hash.ceiling + limits.copy.ceiling)
        self._more = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._cancelled: asyncio.Future[None] = loop.create_future()
        self._halted: asyncio.Future[HaltError] = loop.create_future()
        self._over = False
        self.check = b""
        """The file that can be read when the volume it waits for is back."""
        self._copying = True
        self._asked = 0
        """How many are just now making failed files to do again."""

    @property
    def copying(self) -> bool:
        """Whether files that are to do now will still be brought in by this run."""
        return self._copying and not self.ending

    async def again(self, selection: Selection) -> int:
        """Failed files are to do once more, while this run goes on; how many."""
        run = self.run
        self._asked += 1
        try:
            files = await to_the_end(run.catalog.again(run.row.id, selection))
            for id, size, cause in files:
                self._transfer.attempts.pop(id, None)
                run.forgive(cause)
                run.count(Outcome.FAILED, size, -1)
                run.count(Outcome.TODO, size)
        finally:
            self._asked -= 1
            run.followed.set()
        return len(files)

    @property
    def ending(self) -> bool:
        """Whether it can no longer be paused or resumed: it was cancelled or halted, or is through."""
        return self._over or self._cancelled.done() or self._halted.done()

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled.done()

    def cancel(self) -> None:
        """End the import here; what was published stays, with its receipt."""
        self.run.source_wanted = False
        if not self._cancelled.done():
            self._cancelled.set_result(None)

    def halt(self, reason: str, advice: str = "", *, waits: Waits = Waits.NOTHING) -> None:
        """Leave the import paused, to be taken up by another run. One that was paused keeps its reason."""
        self._halt(HaltError(reason, advice, waits=waits))

    def _halt(self, error: HaltError) -> None:
        if not self._halted.done():
            self._halted.set_result(error)

    def _silent(self, watch: "asyncio.Task[HaltError]") -> None:
        """A volume does not answer: the import is left, and with the archive every other import into it."""
        if not watch.cancelled():
            error = watch.result()
            if error.waits is Waits.ARCHIVE:
                self.run.archive.lock.lose(error.cause, away=True)
            self._halt(error)

    async def go(self) -> State:
        """Run to the end; DONE, CANCELLED, or PAUSED with reason and advice in the catalog.

        Raises what no import should meet, once the import is left paused.
        """
        fault: Exception | None = None
        watch = asyncio.create_task(vigil(self.run), name=f"vigil {self.run.row.name}")
        watch.add_done_callback(self._silent)
        try:
            await self.run.recount()
            state = await self._work()
            await self._close(state)
        except Exception as error:
            self._over = True
            state = await self._leave(error)
            fault = None if isinstance(error, LadingError) else error
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        self._over = True
        await self._clean()
        if fault is not None:
            raise fault
        return state

    async def _leave(self, error: Exception) -> State:
        """The import stays as it is, to go on later; a cancelled one gets its receipt when that can be written."""
        run = self.run
        state = State.CANCELLED if self._cancelled.done() else State.PAUSED
        waits = Waits.NOTHING
        if run.paused and run.row.reason:
            cause, advice = run.row.reason, run.row.advice
        elif isinstance(error, HaltError):
            cause, advice, waits, self.check = error.cause, error.advice, error.waits, error.check
        elif isinstance(error, LadingError):
            cause, advice = error.cause, error.advice
        else:
            cause, advice = f"a fault of the program: {type(error).__name__}: {error}", "Resume it."
        verdict, why, ended = Verdict.OPEN, "", run.row.ended
        if state is State.CANCELLED:
            verdict, why, ended = Verdict.KEEP, closing.CANCELLED, time.time()
        reason = display(cause)
        await run.catalog.set_import(
            run.row.id,
            state=state,
            reason=reason,
            advice=advice,
            waits=waits if state is State.PAUSED else Waits.NOTHING,
            verdict=verdict,
            verdict_reason=why,
            ended=ended,
        )
        # Told once it is recorded: who sees it may kill the engine.
        run.row.state, run.row.reason, run.row.advice, run.row.waits = state, reason, advice, waits
        await run.record_read()
        return state

    async def _clean(self) -> None:
        """Remove this import's staging; what does not answer is cleaned when it is opened next."""
        if self.run.archive.lock.away:
            return
        keep = sorted(self.run.archive.active - {self.run.row.name})
        with suppress(TaskFailedError, WorkerDiedError, TimeoutError, OSError):
            async with asyncio.timeout(CLEAN), self.run.pool.worker("clean") as worker:
                await worker.ask(messages.CleanStaging(self.run.archive.place, keep), messages.Names)

    async def _close(self, state: State) -> None:
        """Verdict and receipt, unless `halt` comes first; who cancels now gets them just the same."""
        run = self.run
        work = asyncio.create_task(closing.close(run, state, *self._whole), name=f"close {run.row.name}")
        try:
            ends: list[asyncio.Future[Any]] = [work, self._halted]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise self._halted.result()
            work.result()
        except TaskFailedError as error:
            raise halt_for(error.fault, run) or HaltError(
                f"the import could not be closed: {error.fault.text}", "Resume it."
            ) from error
        except (WorkerDiedError, TaskStoppedError) as error:
            raise HaltError("the import could not be closed: a worker ended", "Resume it.") from error
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> State:
        """Copy until all is settled, or until `cancel` or `halt`. Raises HaltError."""
        if self._cancelled.done():
            return State.CANCELLED
        work = asyncio.create_task(self._copy(), name=f"import {self.run.row.name}")
        try:
            ends: list[asyncio.Future[Any]] = [work, self._cancelled, self._halted]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._cancelled.done():
                return State.CANCELLED
            if self._halted.done():
                raise self._halted.result()
            work.result()
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        return State.DONE

    async def _copy(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            listing = tasks.create_task(self._list())
            # New files first, while the listing goes on; what was known before is read again at the end. Files of
            # an earlier run wait: the listing may still find that they have changed.
            await self._sweep(tasks, known=False, listing=listing, after=self.run.newest_before)
            while await self._todo_left():
                await self._sweep(tasks, known=False)
                await self._sweep(tasks, known=True)

    async def _list(self) -> None:
        """List the source; what belongs together is found while the copying goes on."""
        await intake(self.run, self._more)
        await link(self.run)
        self._more.set()

    async def _todo_left(self) -> bool:
        """Whether a file is still to do; waits for those that follow a file of another import."""
        run = self.run
        while True:
            run.followed.clear()
            await self._transfer.followers.settle()
            if not run.following and not self._asked:
                if await run.catalog.todo(run.row.id, 0, 1):
                    return True
                if not self._asked and not run.followed.is_set():
                    self._copying = False
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
        """Give every file to do, known ones or new ones, to a transfer, once; returns when they have ended."""
        run = self.run
        started: set[asyncio.Task[None]] = set()
        batch: list[Todo] = []
        filled = 0
        while True:
            listed = listing is None or listing.done()
            self._more.clear()
            following = set(run.following)
            page = await run.catalog.todo(run.row.id, after, PAGE)
            if not page:
                if batch:
                    await self._start(tasks, started, batch)
                    batch, filled = [], 0
                elif listed:
                    break
                else:
                    await self._more.wait()
                continue
            after = page[-1][0]
            for id, path, size, kind, item_id in page:
                todo = Todo(id, below(run.row.root, path), size, kind, item_id)
                if id in self._transfer.unlike:
                    todo.item_id = None
                if todo.known != known or id in following:
                    continue
                if known and run.request.known == "record":
                    batch.append(todo)
                    if len(batch) >= TOGETHER:
                        await self._start(tasks, started, batch)
                        batch = []
                elif size > ARENA or self._transfer.attempts.get(id):
                    await self._start(tasks, started, [todo])
                else:
                    if len(batch) >= TOGETHER or filled + size > ARENA:
                        await self._start(tasks, started, batch)
                        batch, filled = [], 0
                    batch.append(todo)
                    filled += size
        await asyncio.gather(*started)

    async def _start(
        self, tasks: asyncio.TaskGroup, started: set["asyncio.Task[None]"], batch: list[Todo]
    ) -> None:
        await self._room.acquire()
        task = tasks.create_task(self._bring(batch))
        started.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            started.discard(task)
            self._room.release()

        task.add_done_callback(ended)

    async def _bring(self, batch: list[Todo]) -> None:
        if batch[0].known and self.run.request.known == "record":
            await self._from_record(batch)
        else:
            await self._transfer.bring(batch)

    async def _from_record(self, batch: list[Todo]) -> None:
        """Known files that are not read again: duplicates, if their payload is there."""
        run = self.run
        items = await run.catalog.items({todo.item_id for todo in batch if todo.item_id}, run.archive.id)
        wanted = [item for item in items.values() if item.damage is None]
        request = messages.Presence(run.archive.place, [(item.path, item.size) for item in wanted])
        async with run.worker(batch) as worker:
            try:
                present = (await run.ask(worker, request, messages.Present)).there
            except TaskFailedError as error:
                raise halt_for(error.fault, run) or HaltError(
                    f"the archive cannot be looked at: {error.fault.text}", "Resume it."
                ) from error
            except WorkerDiedError as error:
                raise HaltError(error.cause, "Resume it.") from error
        there = {item.id for item, is_there in zip(wanted, present, strict=True) if is_there}
        self._transfer.unlike |= {todo.id for todo in batch if todo.item_id not in there}
        settled = [
            Settled(todo, Outcome.DUPLICATE, item.id, closing.FROM_RECORD, todo.size, None, todo.kind or item.kind)
            for todo in batch
            if todo.item_id in there and (item := items[todo.item_id])
        ]
        await to_the_end(run.settle([], settled))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the run: the one that says why it halts, if there is one."""
    halts, others = group.split(HaltError)
    chosen: BaseException | None = halts or others
    while isinstance(chosen, BaseExceptionGroup):
        chosen = chosen.exceptions[0]
    if isinstance(chosen, TaskStoppedError):
        return HaltError("a worker was stopped", "Resume it.")
    return chosen or group
