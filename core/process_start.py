"""The start of the engine's own helper processes: workers, and makers of thumbnails and proxies."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Protocol


class Process(Protocol):
    """A process that was started, as `asyncio.subprocess.Process` is one."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """Its exit code; None while it runs."""

    def kill(self) -> None:
        """End it at once."""

    async def wait(self) -> int:
        """Wait for its end; the exit code."""


async def start(module: str, arguments: Sequence[str], fds: Sequence[int]) -> Process:
    """Start `python -m module` with these arguments and these open descriptors, in a process group of its own. Its
    standard error is that of this process. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        pass_fds=fds,
        process_group=0,
    )
