"""The life of an engine's process: it takes the state folder, answers, and leaves when there is nothing to do."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core import VERSION
from core.client import attach
from core.config import Config
from core.engine import log, takeup
from core.engine.awake import Awake
from core.engine.engine import Engine
from core.errors import EngineHeldError, LadingError
from core.protocol import Failed, Welcome
from core.server.server import Server

IDLE = 600.0
"""Seconds without work and without anybody attached, after which an engine leaves."""

HELD = 30.0
"""Seconds that another engine gets to end, or to answer."""

TICK = 1.0
"""Seconds between two looks at what there is to do."""

STOP = 30.0
"""Seconds an orderly end may take."""

events = logging.getLogger("lading.engine")

Ready = Callable[[Welcome | Failed], None]


async def live(settings: Config, ready: Ready, idle: float | None = IDLE) -> int:
    """Be the engine of `settings.home` until there is no need for one; the exit status.

    `ready` is told once: the engine that answers now, which may be another, or why there is none.
    """
    asyncio.get_running_loop().set_exception_handler(_unforeseen)
    handler: logging.Handler | None = None
    try:
        handler = log.begin(settings.home)
        engine = await _take(settings)
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


async def _take(settings: Config) -> Engine | Welcome:
    """An engine that holds the state folder, or the one that does so already. Raises LadingError."""
    until = time.monotonic() + HELD
    while True:
        engine = Engine(settings)
        try:
            await engine.start()
        except EngineHeldError:
            other = await attach.look(settings.home)
            if other is not None:
                connection, welcome = other
                await connection.close()
                return welcome
            if time.monotonic() > until:
                raise
            # It begins, or it ends.
            await asyncio.sleep(0.05)
        else:
            return engine


async def _serve(engine: Engine, home: str, ready: Ready, idle: float | None) -> int:
    server = Server(engine, home)
    signals = (signal.SIGTERM, signal.SIGINT)
    loop = asyncio.get_running_loop()
    try:
        await server.open()
    except BaseException:
        await engine.stop()
        raise
    for number in signals:
        loop.add_signal_handler(number, _stop, server, number)
    events.info("the engine runs", extra={"pid": os.getpid(), "version": VERSION, "home": home})
    ready(server.welcome())
    taking = asyncio.create_task(takeup.take_up(engine), name="take up")
    awake = Awake()
    try:
        await _stay(engine, server, awake, taking, idle)
    finally:
        server.shut()
        taking.cancel()
        status = await _end(engine, server, awake)
        for number in signals:
            loop.remove_signal_handler(number)
    events.info("the engine has ended", extra={"status": status})
    return status


async def _stay(
    engine: Engine, server: Server, awake: Awake, taking: "asyncio.Task[None]", idle: float | None
) -> None:
    """Until somebody stops it, or there is nothing to do any more."""
    since = time.monotonic()
    tick = min(TICK, idle / 4) if idle else TICK
    while not server.stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(server.stopping.wait(), tick)
        await awake.hold(engine.running > 0 or any(queue.busy for queue in engine.background.views()))
        await server.mend()
        if engine.busy or server.busy or not taking.done():
            since = time.monotonic()
        elif idle is not None and time.monotonic() - since >= idle and server.leave():
            events.info("the engine leaves: it is idle")
            return


async def _end(engine: Engine, server: Server, awake: Awake) -> int:
    """Orderly, if that is possible in time; what is left then is taken up by the next engine."""
    status = 0
    try:
        async with asyncio.timeout(STOP):
            await awake.hold(False)
            await takeup.put_down(engine)
            await engine.stop()
    except TimeoutError:
        events.error("the engine could not end in order", extra={"seconds": STOP})
        status = 1
    await server.close()
    return status


def _stop(server: Server, number: int) -> None:
    if server.stopping.is_set():
        os._exit(1)
    events.info("the engine is stopped by a signal", extra={"signal": signal.Signals(number).name})
    server.stopping.set()


def _unforeseen(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    events.error("unforeseen", exc_info=context.get("exception"), extra={"what": str(context.get("message"))})
