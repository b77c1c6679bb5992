"""Keeps the machine from going to sleep while work is under way, by a child that the system's own tool is."""

import asyncio
import logging
import os
import shutil
import sys
from contextlib import suppress

LEAVE = 1.0
"""Seconds the child has to end by itself."""

log = logging.getLogger("lading.awake")


def command(platform: str, pid: int) -> list[str] | None:
    """What holds sleep off until it ends: by itself with process `pid`, or at the end of its standard input."""
    if platform == "darwin":
        # caffeinate(8): -i idle sleep, -m the disk's, -w until that process ends.
        return ["/usr/bin/caffeinate", "-i", "-m", "-w", str(pid)]
    tool = shutil.which("systemd-inhibit")
    if tool is None:
        return None
    # cat(1) ends when the engine does, however that dies: nobody else holds the other end of the pipe.
    why = ["--what=idle:sleep", "--who=Lading", "--why=An import is under way", "--mode=block"]
    return [tool, *why, "cat"]


class Awake:
    """Holds sleep off between `hold(True)` and `hold(False)`. Where there is no tool, nothing happens."""

    def __init__(self, argv: list[str] | None = None) -> None:
        self._argv = argv or command(sys.platform, os.getpid())
        self._held = False
        self._child: asyncio.subprocess.Process | None = None

    async def hold(self, wanted: bool) -> None:
        """Hold sleep off, or let go."""
        if wanted == self._held or self._argv is None:
            return
        self._held = wanted
        if not wanted:
            await self._let_go()
            return
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                cwd="/",
                process_group=0,
            )
        except OSError as error:
            log.warning("sleep cannot be held off", extra={"reason": str(error)})

    async def _let_go(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        if self._argv and "-w" in self._argv:
            with suppress(ProcessLookupError):
                child.terminate()
        try:
            await asyncio.wait_for(child.wait(), LEAVE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if child.returncode and child.returncode > 0:
            log.warning("sleep was not held off", extra={"status": child.returncode})
