"""An engine's process: `python -m core.engine.process STATUS [IDLE]`, started by core.client.attach, or in the
foreground.

STATUS is the descriptor that is told, in MessagePack, the `Welcome` of the engine that answers now, or `Failed`.
IDLE is how many idle seconds it stays.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config import Config
    from core.protocol import Failed, Welcome

UMASK = 0o077
"""For the state folder. Workers set one of their own: the archive is for others to read, too."""


def main() -> None:
    """Leave the process that was started, and be the engine in a child of it that no terminal can reach."""
    if os.fork():
        os._exit(0)
    import msgspec

    from core import config
    from core.engine.life import IDLE
    from core.errors import LadingError
    from core.protocol import Failed

    status = int(sys.argv[1])

    def ready(said: "Welcome | Failed") -> None:
        with open(status, "wb") as pipe:
            pipe.write(msgspec.msgpack.encode(said))

    try:
        settings = config.load({}, os.environ)
    except LadingError as error:
        ready(Failed.of(error))
        sys.exit(1)
    run(settings, ready, float(sys.argv[2]) if len(sys.argv) > 2 else IDLE)


def run(settings: "Config", ready: "Callable[[Welcome | Failed], None]", idle: float | None) -> None:
    """Be an engine; never returns. A thread that is stuck on a dead mount does not keep the process."""
    import asyncio
    import faulthandler

    from core.engine.life import live

    os.umask(UMASK)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()

    async def whole() -> None:
        status = 1
        try:
            status = await live(settings, ready, idle)
        finally:
            os._exit(status)

    asyncio.run(whole())


if __name__ == "__main__":
    main()
