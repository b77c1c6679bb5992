"""Keeps the machine from sleeping while there is work, by running the system's own tool."""

import asyncio
import logging
import os
import shutil
import sys
from contextlib import suppress

EXIT_TIMEOUT = 1.0
"""Seconds until a child that does not end is killed."""

log = logging.getLogger("lading.awake")


def command(platform: str, pid: int) -> list[str] | None:
    """The command that prevents sleep while it runs; None when there is none. It ends with process `pid` (macOS),
    or when its standard input is closed."""
    if platform == "darwin":
        # caffeinate(8): -i prevents idle sleep, -m the disk's; -w ends it with that process.
        return ["/usr/bin/caffeinate", "-i", "-m", "-w", str(pid)]
    tool = shutil.which("systemd-inhibit")
    if tool is None:
        return None
    # cat(1) ends when the engine does, even in a crash, because only the engine holds the other end of the pipe.
    why = ["--what=idle:sleep", "--who=Lading", "--why=An import is under way", "--mode=block"]
    return [tool, *why, "cat"]


class Awake:
    """Prevents sleep between `hold(True)` and `hold(False)`. Does nothing where the system has no tool for it."""

    def __init__(self, argv: list[str] | None = None) -> None:
        self._argv = argv
        self._held = False
        self._child: asyncio.subprocess.Process | None = None

    async def hold(self, wanted: bool) -> None:
        """Prevent sleep, or allow it again."""
        if wanted == self._held:
            return
        self._held = wanted
        if not wanted:
            await self._let_go()
            return
        if self._argv is None:
            # A folder in PATH may be on a mount that does not answer, so it is not searched on the event loop.
            self._argv = await asyncio.to_thread(command, sys.platform, os.getpid()) or []
        if not self._argv:
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
            await asyncio.wait_for(child.wait(), EXIT_TIMEOUT)
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if child.returncode and child.returncode > 0:
            log.warning(
                "the machine may go to sleep during imports: see that this program works",
                extra={"program": self._argv[0] if self._argv else "", "status": child.returncode},
            )
