"""Takes a demonstration down when it has ended, however that came: `python -m tui.demo.sweep FOLDER`.

Its standard input is a pipe that nobody else has the other end of but the demonstration.
"""

import asyncio
import os
import shutil
import sys
import time

from core.client import attach
from core.errors import LadingError
from tui.demo.stage import PREFIX

PATIENCE = 40.0
"""Seconds that the engine gets to end."""

TRIES = 50
"""The folder is removed again while something still writes into it."""


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
        async with asyncio.timeout(PATIENCE):
            found = await attach.look(home)
            if found is not None:
                await attach.end(found[0])
    except (LadingError, TimeoutError, OSError):
        # It has ended, or cannot: nothing more can be done for it.
        return


if __name__ == "__main__":
    main(sys.argv[1])
