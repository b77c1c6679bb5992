"""An engine's process: `python -m core.server.daemonize STATUS [IDLE]`, started by core.client.launcher, or in the
foreground.

STATUS is the descriptor to which the result is written in MessagePack: the `Welcome` of the engine that answers
now, or `Failed`. IDLE is the number of idle seconds after which it exits.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config import Config
    from core.protocol import Failed, Welcome

UMASK = 0o077
"""For the state folder. Workers have the user's umask, because the user decides about access to the archive."""


def main() -> None:
    """Fork, let the parent exit, and run the engine in the child, which no terminal can reach."""
    if os.fork():
        os._exit(0)
    from core import light_start

    light_start.import_asyncio()
    # isort: split
    import msgspec

    from core import config
    from core.errors import LadingError
    from core.protocol import Failed
    from core.server.lifecycle import IDLE_TIMEOUT

    status = int(sys.argv[1])

    def ready(said: "Welcome | Failed") -> None:
        # The command that started the engine may have been killed meanwhile; the engine stays for the next one.
        with suppress(BrokenPipeError), open(status, "wb") as pipe:
            pipe.write(msgspec.msgpack.encode(said))

    try:
        settings = config.load({}, os.environ)
    except LadingError as error:
        ready(Failed.of(error))
        sys.exit(1)
    run(settings, ready, float(sys.argv[2]) if len(sys.argv) > 2 else IDLE_TIMEOUT)


def run(settings: "Config", ready: "Callable[[Welcome | Failed], None]", idle: float | None) -> None:
    """Run an engine; never returns. A thread that is stuck on a dead mount does not keep the process alive."""
    import asyncio
    import faulthandler

    from core.files.descriptor_limit import raise_limit
    from core.server.lifecycle import live

    raise_limit()
    umask = os.umask(UMASK)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()

    async def live_and_exit() -> None:
        status = 1
        try:
            status = await live(settings, ready, idle, umask)
        finally:
            os._exit(status)

    asyncio.run(live_and_exit())


if __name__ == "__main__":
    main()
