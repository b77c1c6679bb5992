"""The start of a worker process."""

import asyncio
import sys
from collections.abc import Sequence
from typing import IO, Protocol


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


async def start(arguments: Sequence[str], fds: Sequence[int], log: IO[bytes] | int | None) -> Process:
    """Start a worker with these arguments of `core.workers.main`, and these open descriptors. log: where its
    standard error goes; None: where that of this process goes. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "core.workers.main",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=log,
        pass_fds=fds,
        process_group=0,
    )
