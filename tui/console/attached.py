"""A command that is attached to the engine, and shows its progress."""

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import Any, Protocol, TypeVar

import msgspec

from core.errors import LadingError
from core.models import State
from core.snapshot import Snapshot
from tui.console import crash, import_summary
from tui.console.exits import Exit, StoppedError
from tui.console.mirrors import Everything
from tui.console.output import Console, UnwrittenError
from tui.console.progress import JsonLines, Quiet
from tui.console.render_thread import Printer, Window

T = TypeVar("T")

Begin = Callable[[], Coroutine[Any, Any, Sequence[str]]]
"""Starts imports in the running engine, and returns their ids."""

End = Callable[[Sequence[str]], Coroutine[Any, Any, None]]
"""Asks for the results of the imports with these ids."""

POLL_INTERVAL = 0.25
"""Seconds between two polls of the engine's snapshot."""


class EngineClient(Protocol):
    """What a command needs of the engine (`core.client.client.Client`)."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def leave(self) -> None: ...
    async def subscribe(self) -> None: ...
    async def pause_import(self, id: str, reason: str = ...) -> None: ...
    async def wait(self, ids: Sequence[str]) -> None: ...
    def snapshot(self) -> Snapshot: ...


class Signals:
    """Handles signals: the first one sets `stop`; Ctrl-C after that, and any signal after Ctrl-C, exits at once.

    lost: it was not Ctrl-C, but the terminal or the command is to end; imports continue.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.lost = False
        self.reason = ""
        self._loop = asyncio.get_running_loop()
        self._terminal: select.poll | None = None
        if sys.stdin and sys.stdin.isatty() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._terminal = select.poll()
            self._terminal.register(sys.stdin, 0)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle SIGINT, SIGTERM and SIGHUP inside the block, except for one that is ignored, as under
        nohup(1)."""
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {one: handler for one in wanted if (handler := signal.getsignal(one)) is not signal.SIG_IGN}
        for one in before:
            signal.signal(one, self._caught)
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def unless(self, engine: EngineClient | None, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which `engine` does, or without one this process. A signal cancels it and raises
        StoppedError."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            if self.lost and engine is not None:
                await engine.leave()
            stop.cancel()
            task.cancel()
            # Errors during the cancellation are of no interest to a person.
            await asyncio.gather(task, return_exceptions=True)
        if engine is None:
            raise StoppedError(f"stopped: {self.reason}.", "The same command begins anew.")
        raise self.error()

    def error(self) -> StoppedError:
        """The error with which the command ends."""
        if self.lost:
            return StoppedError(f"{self.reason}.", "What was begun goes on: lading status", title="Detached")
        return StoppedError(f"stopped {self.reason}.")

    def watch(self) -> None:
        """Notice a terminal that has gone without a signal; under nohup(1) that is intended."""
        if self._terminal and any(events & select.POLLHUP for _, events in self._terminal.poll(0)):
            self.lost, self.reason = True, self.reason or "the terminal went"
            self.stop.set()

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.reason and (number == signal.SIGINT or not self.lost):
            # The engine has been asked to pause already.
            os._exit(Exit.PAUSED)
        names = {signal.SIGINT: "by Ctrl-C", signal.SIGTERM: "SIGTERM came", signal.SIGHUP: "the terminal went"}
        self.reason = self.reason or names[signal.Signals(number)]
        self.lost = self.lost or number != signal.SIGINT
        self._loop.call_soon_threadsafe(self.stop.set)


def printer(form: str, quiet: bool, console: Console) -> Printer[Snapshot]:
    """The printer for the output format and the kind of output stream."""
    if form == "json":
        return Quiet(console.err) if quiet else JsonLines(console.out, console.err)
    return Everything(console.out) if console.out.terminal and not quiet else Quiet(console.err)


@asynccontextmanager
async def started(engine: EngineClient, signals: Signals) -> AsyncIterator[None]:
    """Attach to the engine inside the block. Raises LadingError when that fails."""
    asyncio.get_running_loop().set_exception_handler(_kept)
    with signals.caught():
        await signals.unless(engine, engine.start())
        try:
            yield
        finally:
            await engine.stop()


def carry_out(
    engine: EngineClient,
    begin: Begin,
    form: str,
    quiet: bool,
    console: Console,
    nothing: tuple[str, Exit] = ("Nothing was begun.", Exit.FAILED),
) -> Exit:
    """Run the imports that `begin` starts, show their progress, and print how they ended; `nothing`: message and
    exit status when there are none.

    Raises LadingError.
    """
    began, clock = time.time(), time.monotonic()
    snapshot = asyncio.run(attend(engine, begin, printer(form, quiet, console)))
    if not snapshot.imports:
        console.err.line(nothing[0])
        return nothing[1]
    try:
        import_summary.tell(snapshot, form, console.out, began, time.monotonic() - clock)
    except OSError as error:
        # When nobody reads the output any more, the exit status still reports the result.
        if isinstance(error, UnwrittenError) and not console.out.terminal:
            raise
    return import_summary.exit_of(snapshot.imports)


async def perform(engine: EngineClient, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of `work`, carried out by the running engine. Raises LadingError."""
    signals = Signals()
    async with started(engine, signals):
        return await signals.unless(engine, work())


async def alone(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of `work`, which this process does without the engine. A signal cancels it and raises
    StoppedError."""
    signals = Signals()
    with signals.caught():
        return await signals.unless(None, work())


async def attend(engine: EngineClient, begin: Begin, shows: Printer[Snapshot], end: End | None = None) -> Snapshot:
    """Run the imports or the mirror that `begin` starts until each is done or paused. Returns the last snapshot of
    them.

    `end` is called before detaching from the engine. Raises LadingError from the engine's start, `begin` or `end`.
    """
    signals = Signals()
    window = Window(shows)
    try:
        async with started(engine, signals):
            await signals.unless(engine, engine.subscribe())
            ids = await signals.unless(engine, begin())
            await _watch(engine, ids, signals, window)
            if end is not None and not signals.stop.is_set():
                await signals.unless(engine, end(ids))
        # Only now a paused import has really stopped.
        return only(engine.snapshot(), ids)
    finally:
        await asyncio.to_thread(window.close)


async def _watch(engine: EngineClient, ids: Sequence[str], signals: Signals, window: Window[Snapshot]) -> None:
    """Show the imports until they have ended. Ctrl-C pauses them at once; any other signal only detaches."""
    waiting, stop = asyncio.create_task(engine.wait(ids)), asyncio.create_task(signals.stop.wait())
    try:
        while not (waiting.done() or stop.done()):
            window.show(only(engine.snapshot(), ids))
            await asyncio.wait([waiting, stop], timeout=POLL_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            signals.watch()
        if signals.lost:
            await engine.leave()
            raise signals.error()
        if not waiting.done():
            window.note("Pausing. Ctrl-C once more leaves at once.")
            for id in ids:
                with suppress(LadingError):
                    # An import that has just ended cannot be paused.
                    await engine.pause_import(id, signals.reason)
        else:
            waiting.result()
    finally:
        stop.cancel()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def _kept(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write errors of background tasks to a file, because tracebacks are not for the terminal."""
    error = context.get("exception") or RuntimeError(context["message"])
    with suppress(OSError, LadingError):
        crash.keep(error, os.environ)


def only(snapshot: Snapshot, ids: Sequence[str]) -> Snapshot:
    """The part of a snapshot about these imports and mirrors, in their order; with imports it includes running
    mirrors, because a verdict may wait for them."""
    views = {view.id: view for view in snapshot.imports}
    mirrors = {view.id: view for view in snapshot.mirrors}
    return msgspec.structs.replace(
        snapshot,
        imports=tuple(views[id] for id in ids if id in views),
        mirrors=tuple(mirrors[id] for id in ids if id in mirrors)
        or tuple(view for view in snapshot.mirrors if view.state is State.RUNNING),
        in_flight=tuple(one for one in snapshot.in_flight if one.import_id in ids),
        errors=tuple(group for group in snapshot.errors if group.import_id in ids),
    )
