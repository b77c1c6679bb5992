"""Removes a demo when its process has ended, for any reason: `python -m tui.demo.sweep FOLDER`.

Its standard input is a pipe of which only the demo holds the other end.
"""

import asyncio
import os
import shutil
import sys
import time

from core.client import launcher
from core.errors import LadingError
from tui.demo.stage import PREFIX

ENGINE_EXIT_TIMEOUT = 40.0
"""Seconds that the engine gets to end."""

TRIES = 50
"""How often removing the folder is tried, because something may still write into it."""


def main(folder: str) -> None:
    """Wait for the end, stop the engine, remove the folder."""
    if not os.path.basename(folder).startswith(PREFIX):
        raise SystemExit(f"{folder} is no demonstration's.")
    sys.stdin.buffer.read()
    asyncio.run(_stop(os.path.join(folder, "home")))
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.1)


async def _stop(home: str) -> None:
    try:
        async with asyncio.timeout(ENGINE_EXIT_TIMEOUT):
            found = await launcher.look(home)
            if found is not None:
                await launcher.end(found[0])
    except (LadingError, TimeoutError, OSError):
        # The engine has ended, or cannot be stopped.
        return


if __name__ == "__main__":
    main(sys.argv[1])
