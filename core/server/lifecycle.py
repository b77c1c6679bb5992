"""The life of an engine's process: it locks the state folder, serves clients, and exits when it is idle."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core import VERSION, log
from core.client import launcher
from core.config import Config
from core.engine import recovery
from core.engine.engine import Engine
from core.engine.keep_awake import Awake
from core.errors import EngineHeldError, LadingError
from core.protocol import Failed, Welcome
from core.server.config_watch import ConfigWatch
from core.server.server import Server

IDLE_TIMEOUT = 600.0
"""Seconds without work and without attached clients, after which an engine exits."""

LOCK_TIMEOUT = 30.0
"""Seconds that another engine gets to end, or to answer."""

POLL_INTERVAL = 1.0
"""Seconds between two checks of whether there is work to do."""

COLLECT_AFTER = 10_000
"""Newly allocated objects after which the garbage collector runs: a batch allocates thousands without cycles,
which live until it is archived. Objects of the program's start are exempt."""

STOP_TIMEOUT = 30.0
"""Seconds that an orderly end may take."""

events = logging.getLogger("lading.engine")

Ready = Callable[[Welcome | Failed], None]


async def live(settings: Config, ready: Ready, idle: float | None = IDLE_TIMEOUT, umask: int = 0o022) -> int:
    """Run the engine of `settings.home` until it is not needed any more. Returns the exit status.

    `ready` is called once: with the engine that answers now, which may be another, or with why there is none.
    `umask` is the user's, for what is made in archives.
    """
    asyncio.get_running_loop().set_exception_handler(_log_unforeseen)
    handler: logging.Handler | None = None
    try:
        try:
            handler = log.begin(settings.home)
        except OSError as error:
            raise launcher.cannot_be_started(error, settings.home) from error
        engine = await _start_engine(settings, umask)
        if isinstance(engine, Welcome):
            ready(engine)
            return 0
        return await _serve(engine, settings.home, ready, idle)
    except LadingError as error:
        events.error("the engine cannot run", extra={"reason": str(error)})
        ready(Failed.of(error))
    except Exception as error:
        events.exception("the engine cannot run")
        where = log.folder(settings.home)
        ready(Failed.of(LadingError(f"{type(error).__name__}: {error}.", f"Its traceback is in {where}.")))
    finally:
        if handler is not None:
            log.end(handler)
    return 1


async def _start_engine(settings: Config, umask: int) -> Engine | Welcome:
    """Start an engine that holds the state folder, or return the one that already does. Raises LadingError."""
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        engine = Engine(settings, umask)
        try:
            await engine.start()
        except EngineHeldError:
            other = await launcher.look(settings.home)
            if other is not None:
                connection, welcome = other
                await connection.close()
                return welcome
            if time.monotonic() > until:
                raise
            # The other engine is starting or ending.
            await asyncio.sleep(0.05)
        else:
            return engine


async def _serve(engine: Engine, home: str, ready: Ready, idle: float | None) -> int:
    """Serve clients until the engine is not needed any more, then stop it. Returns the exit status."""
    server = Server(engine, home)
    signals = (signal.SIGTERM, signal.SIGINT)
    loop = asyncio.get_running_loop()
    try:
        await server.open()
    except BaseException:
        await engine.stop()
        raise
    for number in signals:
        loop.add_signal_handler(number, _on_signal, server, number)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    events.info("the engine runs", extra={"pid": os.getpid(), "version": VERSION, "home": home})
    ready(server.welcome())
    taking = asyncio.create_task(_take_up(engine), name="take up")
    taking.add_done_callback(_log_failed_take_up)
    awake, homeless = Awake(), False
    try:
        homeless = await _run_until_unneeded(engine, server, awake, taking, idle)
    finally:
        server.shut()
        taking.cancel()
        status = await _stop_engine(engine, server, awake, homeless=homeless)
        for number in signals:
            loop.remove_signal_handler(number)
    events.info("the engine has ended", extra={"status": status})
    return status


async def _take_up(engine: Engine) -> None:
    """Continue the mirrors and imports that the last engine left unfinished."""
    resume = engine.config.resume_at_start
    if resume:
        await engine.mirrors.take_up()
    await recovery.take_up(engine.catalog, engine.imports, resume=resume)


async def _run_until_unneeded(
    engine: Engine, server: Server, awake: Awake, taking: "asyncio.Task[None]", idle: float | None
) -> bool:
    """Wait until a client stops the engine, a part of it has failed, its state folder was removed or replaced, or
    it has been idle for `idle` seconds (None: for ever). Returns whether the state folder was removed or
    replaced."""
    since = time.monotonic()
    watch = await asyncio.to_thread(ConfigWatch, engine, os.environ)  # it reads the file
    tick = min(POLL_INTERVAL, idle / 4) if idle else POLL_INTERVAL
    while not (server.stopping.is_set() or engine.broken.is_set()):
        with suppress(TimeoutError):
            await asyncio.wait_for(server.stopping.wait(), tick)
        await awake.hold(engine.working)
        if await asyncio.to_thread(lambda: engine.homeless):
            events.warning("the engine leaves: its state folder was removed or replaced")
            return True
        await server.mend()
        await watch.look()
        if engine.busy or server.busy or not taking.done():
            since = time.monotonic()
        elif idle is not None and time.monotonic() - since >= idle and server.leave():
            events.info("the engine leaves: it is idle")
            break
    return False


async def _stop_engine(engine: Engine, server: Server, awake: Awake, *, homeless: bool) -> int:
    """Stop the engine and the server in order, within STOP_TIMEOUT seconds. Returns the exit status. The next
    engine resumes unfinished imports."""
    status = 1 if engine.broken.is_set() else 0
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await awake.hold(False)
            await recovery.put_down(engine.catalog, engine.imports, homeless=homeless)
            await engine.stop()
    except TimeoutError:
        events.error("the engine could not end in order", extra={"seconds": STOP_TIMEOUT})
        status = 1
    await server.close()
    return status


def _log_failed_take_up(taking: "asyncio.Task[None]") -> None:
    if not taking.cancelled() and (error := taking.exception()):
        events.error("interrupted imports could not be taken up", exc_info=error)


def _on_signal(server: Server, number: int) -> None:
    """Stop in order at the first SIGTERM or SIGINT, and at once at a second one."""
    if server.stopping.is_set():
        os._exit(1)
    events.info("the engine is stopped by a signal", extra={"signal": signal.Signals(number).name})
    server.stopping.set()


def _log_unforeseen(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    events.error("unforeseen", exc_info=context.get("exception"), extra={"what": str(context.get("message"))})
