"""One mirror of an engine: its state, its control and its view."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from core.engine.store_retries import POLL_INTERVAL, StoreRetries
from core.errors import LadingError
from core.models import Count, State
from core.paths import display, distinguishing_ends
from core.rate_meter import Meter
from core.results import MirrorResult, OffsiteResult
from core.snapshot import MirrorView


class MirrorProgress(Protocol):
    """The progress of a mirror, as in `core.maintenance.mirror_run.MirrorRun`."""

    total: Count
    held: list[int]
    brought: list[int]
    lacking_count: int

    @property
    def on_the_way(self) -> int: ...

    @property
    def trouble(self) -> str: ...

    @property
    def in_flight(self) -> Mapping[Any, str]: ...

    def bytes_moved(self) -> tuple[int, ...]: ...


class Mirroring:
    """One mirror from start to end, including pauses."""

    def __init__(
        self, source: str, target: str, *, both: bool, waits: bool, environ: Mapping[str, str] | None = None
    ) -> None:
        self.id = f"{datetime.now():%Y%m%d-%H%M%S}-mirror-{secrets.token_hex(3)}"
        self.source = source
        self.target = target
        self.both = both
        self.waits = waits
        """Whether it resumes by itself when an archive that was away is back, or a while after a store failed."""
        self.state = State.RUNNING
        self.error: LadingError | None = None
        self.started = time.time()
        self.ended: float | None = None
        self.environ = environ
        """The environment in which rclone runs, where one of the two is a remote; None: that of the engine."""
        self.run: MirrorProgress | None = None
        self.meter = Meter()
        self.results: list[MirrorResult] = []
        self.offsite: OffsiteResult | None = None
        """The result where one of the two is a remote."""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when both archives are open."""
        self.over = asyncio.Event()
        """Set when it has ended or was left paused."""
        self.away = asyncio.Event()
        """Set while it waits for an archive that is away, or for the next retry with a store."""
        self.again: float | None = None
        """When the mirror is tried again (Unix time), if it waits for that moment; else None."""
        self.retries = StoreRetries()
        self._woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def running(self, run: MirrorProgress) -> None:
        """Note that the mirror is running: `run` has its progress."""
        self.run = run
        if not self.begun.done():
            self.begun.set_result(None)

    def try_now(self) -> None:
        """If the mirror waits, try it at once, and count retries from the beginning."""
        if self.away.is_set():
            self.away.clear()
            self.retries.reset()
            self._woken.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not longer than until `try_now`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()

    async def sleep_until_retry(self, delay: float) -> None:
        """Show the time of the next retry, `delay` seconds from now, and sleep until then, or until `try_now`."""
        end = time.monotonic() + delay
        self.again = time.time() + delay
        self.away.set()
        try:
            # The time of day goes on while the machine sleeps; the monotonic clock is never set back. The first of
            # the two ends the wait.
            while self.away.is_set() and (left := min(self.again - time.time(), end - time.monotonic())) > 0:
                await self.sleep(min(left, POLL_INTERVAL))
        finally:
            self.again = None
            self.away.clear()

    def view(self) -> MirrorView:
        """The view that clients show."""
        run, error = self.run, self.error
        held = Count(files=run.held[0], bytes=run.held[1]) if run else Count()
        total = run.total if run else Count()
        running = run is not None and self.state is State.RUNNING
        on_the_way = run.on_the_way if run is not None and running else 0
        trouble = run.trouble if run is not None and running else ""
        rate = self.meter.rate if running else 0.0
        return MirrorView(
            id=self.id,
            label=display(distinguishing_ends((self.source, self.target))[self.target] or self.target),
            source=display(self.source),
            target=display(self.target),
            state=self.state,
            reason=error.cause if error else trouble,
            advice=self._advice(),
            again=self.again,
            total=total,
            held=held,
            on_the_way=on_the_way,
            brought=Count(files=run.brought[0], bytes=run.brought[1]) if run else Count(),
            lacking=run.lacking_count if run else 0,
            rate=rate,
            seconds_left=max(0, total.bytes - held.bytes - on_the_way) / rate if rate > 0 else None,
            path=display(next(iter(run.in_flight.values()), "")) if run else "",
            started=self.started,
            ended=self.ended,
        )

    def _advice(self) -> str:
        if self.again is not None:
            return f"It goes on by itself. At once: lading mirror {display(self.source)} {display(self.target)}"
        return self.error.advice if self.error else ""

    async def at_rest(self) -> None:
        """Wait until it has ended, was left paused, or waits as `away` says."""
        ends = [asyncio.create_task(event.wait()) for event in (self.over, self.away)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
