"""One import from its start to its verdict: how it is run, halted, cancelled and closed."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from core.archives.staging import remove_staged
from core.catalog import Selection
from core.errors import DatabaseError, LadingError, WorkerDiedError
from core.importing import finish, same_source
from core.importing.copying import Copying
from core.importing.halt_reasons import HaltError, closing_advice, halt_for
from core.importing.import_run import Run
from core.importing.watchdog import watch_volumes
from core.models import IN_ARCHIVE, State, Verdict, Waits
from core.paths import display
from core.workers.messages import Source
from core.workers.pool import TaskFailedError, TaskStoppedError

log = logging.getLogger("lading.imports")


class Importer:
    """Runs one import. `whole`, its root and `only` are what the verdict covers: the whole card, else the
    source."""

    def __init__(self, run: Run, whole: Source, whole_root: bytes, whole_only: bytes) -> None:
        self.run = run
        self._whole = (whole, whole_root, whole_only)
        self._copying = Copying(run)
        loop = asyncio.get_running_loop()
        self._cancelled: asyncio.Future[None] = loop.create_future()
        self._halted: asyncio.Future[HaltError] = loop.create_future()
        self._over = False
        self.check = b""
        """A file that proves, when it can be read, that the volume is back; empty: none."""

    @property
    def copying(self) -> bool:
        """Whether this run still imports files that are set to be tried again now."""
        return not self._copying.complete and not self.ending

    async def retry(self, selection: Selection) -> int:
        """Retry failed files within this run. Returns how many."""
        return await self._copying.retry(selection)

    @property
    def ending(self) -> bool:
        """Whether it can no longer be paused or resumed: it was cancelled or halted, or has ended."""
        return self._over or self.stopped

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled or halted."""
        return self._cancelled.done() or self._halted.done()

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled.done()

    def cancel(self) -> None:
        """End the import now. What was published stays, and gets a receipt."""
        self.run.source_wanted = False
        if not self._cancelled.done():
            self._cancelled.set_result(None)

    async def check_source(self) -> None:
        """Check that a paused run still has the same source before it resumes, and halt it if not. A run that
        follows another import, or has followed it to the end, does not need the source."""
        if not self.run.source_wanted:
            return
        try:
            await same_source.check(self.run, paused=True)
        except LadingError as error:
            # The reason for the pause is replaced.
            self.run.row.reason = ""
            self._halt(error if isinstance(error, HaltError) else HaltError(error.cause, error.advice))

    def halt(self, reason: str, advice: str = "", *, waits: Waits = Waits.NOTHING) -> None:
        """End this run and leave the import paused. One that was paused already keeps its reason."""
        self._halt(HaltError(reason, advice, waits=waits))

    def _halt(self, error: HaltError) -> None:
        if not self._halted.done():
            self._halted.set_result(error)

    def _watch_ended(self, watch: "asyncio.Task[HaltError]") -> None:
        """Halt the import because its watchdog has ended. An archive that does not answer halts all imports into
        it."""
        if watch.cancelled():
            return
        if fault := watch.exception():
            log.error("the watch of an import has failed", exc_info=fault, extra={"import": self.run.row.name})
            why = f"a fault of the program: {type(fault).__name__}: {fault}"
            self._halt(HaltError(why, "Resume it."))
        else:
            error = watch.result()
            if error.waits is Waits.ARCHIVE:
                self.run.archive.lock.lose(error.cause, away=True)
            self._halt(error)

    async def go(self) -> State:
        """Run to the end. Returns DONE, CANCELLED, or PAUSED, with reason and advice in the catalog.

        Raises unexpected errors, after the import was left paused.
        """
        fault: Exception | None = None
        watch = asyncio.create_task(watch_volumes(self.run), name=f"watch_volumes {self.run.row.name}")
        watch.add_done_callback(self._watch_ended)
        try:
            await self.run.recount()
            self.run.resumed = self.run.counters.counted(*IN_ARCHIVE).files > 0
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
        await self.clean_staging()
        self.run.ended = state
        self.run.tell_followers()
        if fault is not None:
            raise fault
        return state

    async def _leave(self, error: Exception) -> State:
        """Record that the run ended early. A cancelled import that has no receipt yet gets it when its archive is
        opened the next time (core.journal.replay)."""
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
            verdict, why, ended = Verdict.KEEP, finish.CANCELLED, time.time()
        reason = display(cause)
        with suppress(DatabaseError):
            # If the database cannot be written, the next engine finds the import interrupted.
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
            await run.record_read()
        # Shown only after it is recorded, because the engine may be killed by someone who sees it.
        run.row.state, run.row.reason, run.row.advice, run.row.waits = state, reason, advice, waits
        return state

    async def clean_staging(self) -> None:
        """Remove this import's staging. An archive that does not answer is cleaned when it is opened the next
        time."""
        if self.run.archive.lock.away:
            return
        await remove_staged(self.run.workers.pool, self.run.archive.place, self.run.row.name)

    async def _close(self, state: State) -> None:
        """Write verdict and receipt, unless `halt` comes first. A cancel has no effect any more."""
        run = self.run
        work = asyncio.create_task(finish.close(run, state, *self._whole), name=f"close {run.row.name}")
        try:
            ends: list[asyncio.Future[Any]] = [work, self._halted]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise self._halted.result()
            work.result()
        except TaskFailedError as error:
            raise halt_for(error.fault, run) or HaltError(
                f"the import could not be closed: {error.fault.text}", closing_advice(error.fault)
            ) from error
        except (WorkerDiedError, TaskStoppedError) as error:
            raise HaltError("the import could not be closed: a worker ended", "Resume it.") from error
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> State:
        """Copy until all files are settled, or until `cancel` or `halt`. Raises HaltError."""
        if self._cancelled.done():
            return State.CANCELLED
        work = asyncio.create_task(self._copying.copy(), name=f"import {self.run.row.name}")
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


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the run: a HaltError, if there is one in the group."""
    halts, others = group.split(HaltError)
    chosen: BaseException | None = halts or others
    while isinstance(chosen, BaseExceptionGroup):
        chosen = chosen.exceptions[0]
    if isinstance(chosen, TaskStoppedError):
        return HaltError("a worker was stopped", "Resume it.")
    return chosen or group
