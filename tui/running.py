"""An engine in this process, from its start to its stop, with the terminal as a window on it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import Any, Protocol, TypeVar

import msgspec

from core.errors import LadingError
from core.models import Snapshot
from tui import bill, crash
from tui.exits import Exit, StoppedError
from tui.output import Console
from tui.progress import JsonLines, Lines, Quiet
from tui.window import Printer, Window

T = TypeVar("T")

Begin = Callable[[], Coroutine[Any, Any, Sequence[str]]]
"""Starts imports of a running engine and gives their ids."""

PERIOD = 0.25
"""Seconds between two looks at the engine."""


class Engine(Protocol):
    """What a command asks of the engine (`core.engine.Engine`)."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def pause_import(self, id: str, reason: str = ...) -> None: ...
    async def wait(self, ids: Sequence[str]) -> None: ...
    def snapshot(self) -> Snapshot: ...


class Signals:
    """The first signal to stop sets `stop`; Ctrl-C after that leaves at once."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reason = ""
        self._loop = asyncio.get_running_loop()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch SIGINT, SIGTERM and SIGHUP, but not one that is ignored, as under nohup(1)."""
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {one: handler for one in wanted if (handler := signal.getsignal(one)) is not signal.SIG_IGN}
        for one in before:
            signal.signal(one, self._caught)
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. A signal cancels it and raises StoppedError."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            stop.cancel()
            task.cancel()
            # What goes wrong while it ends is of no interest to a person.
            await asyncio.gather(task, return_exceptions=True)
        raise StoppedError(f"stopped {self.reason}.")

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.reason and number == signal.SIGINT:
            # Workers see the end of their pipe; what was begun is taken up by the next resume.
            os._exit(Exit.PAUSED)
        names = {signal.SIGINT: "by Ctrl-C", signal.SIGTERM: "by SIGTERM", signal.SIGHUP: "as the terminal went"}
        self.reason = self.reason or names[signal.Signals(number)]
        self._loop.call_soon_threadsafe(self.stop.set)


def printer(form: str, quiet: bool, console: Console) -> Printer[Snapshot]:
    """The printer for what the command was asked for and what it writes to."""
    if form == "json":
        return Quiet(console.err) if quiet else JsonLines(console.out, console.err)
    return Lines(console.out) if console.out.terminal and not quiet else Quiet(console.err)


@asynccontextmanager
async def started(engine: Engine, signals: Signals) -> AsyncIterator[None]:
    """The engine runs in this block. Raises LadingError when it cannot."""
    asyncio.get_running_loop().set_exception_handler(_kept)
    with signals.caught():
        await signals.unless(engine.start())
        try:
            yield
        finally:
            await engine.stop()


def carry_out(engine: Engine, begin: Begin, form: str, quiet: bool, console: Console) -> Exit:
    """Run the imports that `begin` starts, show them, tell how they ended. Raises LadingError."""
    began = time.time()
    snapshot = asyncio.run(attend(engine, begin, printer(form, quiet, console)))
    if not snapshot.imports:
        console.err.line("Nothing is unfinished.")
    with suppress(OSError):
        # Nobody reads it any more; the status still says how it went.
        bill.tell(snapshot, form, console.out, began)
    return bill.exit_of(snapshot.imports)


async def perform(engine: Engine, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of `work` done by the running engine. Raises LadingError."""
    signals = Signals()
    async with started(engine, signals):
        return await signals.unless(work())


async def attend(engine: Engine, begin: Begin, shows: Printer[Snapshot]) -> Snapshot:
    """Run the imports that `begin` starts until each is done or paused; the last snapshot of them.

    Raises LadingError from the engine's start or from `begin`.
    """
    signals = Signals()
    window = Window(shows)
    try:
        async with started(engine, signals):
            ids = await signals.unless(begin())
            await _watch(engine, ids, signals, window)
        # Only now is a paused one at rest.
        return only(engine.snapshot(), ids)
    finally:
        await asyncio.to_thread(window.close)


async def _watch(engine: Engine, ids: Sequence[str], signals: Signals, window: Window[Snapshot]) -> None:
    """Show the imports until they have ended. A signal pauses them at once."""
    waiting, stop = asyncio.create_task(engine.wait(ids)), asyncio.create_task(signals.stop.wait())
    try:
        while not (waiting.done() or stop.done()):
            window.show(only(engine.snapshot(), ids))
            await asyncio.wait([waiting, stop], timeout=PERIOD, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            window.note("Pausing. Ctrl-C once more leaves at once.")
            for id in ids:
                with suppress(LadingError):
                    # One that has just ended cannot be paused.
                    await engine.pause_import(id, signals.reason)
        else:
            waiting.result()
    finally:
        stop.cancel()
        waiting.cancel()


def _kept(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what a task left behind in a file: tracebacks are not for the terminal."""
    error = context.get("exception") or RuntimeError(context["message"])
    with suppress(OSError):
        crash.keep(error, os.environ)


def only(snapshot: Snapshot, ids: Sequence[str]) -> Snapshot:
    """The part of a snapshot that is about these imports, in their order."""
    views = {view.id: view for view in snapshot.imports}
    return msgspec.structs.replace(
        snapshot,
        imports=tuple(views[id] for id in ids if id in views),
        in_flight=tuple(one for one in snapshot.in_flight if one.import_id in ids),
        errors=tuple(group for group in snapshot.errors if group.import_id in ids),
    )
