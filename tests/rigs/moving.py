"""A child process that moves imports and can be killed: `python -m tests.rigs.moving HOME ARCHIVE [NAME TO]`.

Without a name it only opens the archive, as any command does, and exits when there are no jobs left.
"""

import asyncio
import os
import subprocess
import sys

from core.config import Config
from core.engine.engine import Engine
from tests.rigs.importing import ROOT

BUSY = "SELECT count(*) FROM job WHERE state IN ('waiting', 'ready', 'claimed')"


async def work(home: str, archive: str, name: str = "", location: str = "") -> None:
    """Move the import, or only open the archive; then wait until the bags are made."""
    engine = Engine(Config(home=home))
    await engine.start()
    try:
        if name:
            await engine.maintenance.move(name, location)
        else:
            await engine.maintenance.derive(archive)
        while (await engine.database.read(BUSY))[0][0]:  # noqa: ASYNC110 - jobs end by themselves
            await asyncio.sleep(0.05)
    finally:
        await engine.stop()


def child(*arguments: str) -> "subprocess.Popen[bytes]":
    """Start the process, in its own process group."""
    command = [sys.executable, "-m", "tests.rigs.moving", *arguments]
    environ = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen(command, env=environ, cwd=ROOT, process_group=0)


def finish(*arguments: str) -> None:
    """Run the process to its end. Raises CalledProcessError, TimeoutExpired."""
    with child(*arguments) as process:
        if code := process.wait(120):
            raise subprocess.CalledProcessError(code, process.args)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
