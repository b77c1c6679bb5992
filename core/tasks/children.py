"""Child processes of background work: below copying in priority, dead when the engine is, and never waited for."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import psutil

Argument = str | bytes

LEAVE = 1.0
"""Seconds a killed process gets to be gone before it counts as stuck in the kernel."""

# `read` returns when the engine closes its end or dies; the whole group goes then. POSIX gives a command in the
# background /dev/null as its input, so the line is kept as descriptor 3.
_GUARD = """
exec 3<&0
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
"$@" </dev/null 3<&-
status=$?
kill $! 2>/dev/null
exit $status
"""


NICE = 15
"""Beside copies on all cores a process at 10 takes a tenth of a core from them, this a thirtieth. Linux's idle
class would get nothing while any other program computes, and be taken for stuck."""


def lowered(argv: Sequence[Argument]) -> list[Argument]:
    """`argv` with less of a claim on processor and disk than copying has: nice(1), and on Linux ionice(1).

    On macOS taskpolicy(8) with the clamp "utility": below what people wait for, yet on all cores, where its
    `-b` would leave only the slow ones.
    """
    prefix: list[Argument] = ["nice", "-n", str(NICE)] if shutil.which("nice") else []
    if sys.platform == "darwin":
        policy = shutil.which("taskpolicy") or shutil.which("taskpolicy", path="/usr/sbin")
        prefix += [policy, "-c", "utility"] if policy else []
    elif shutil.which("ionice"):
        # Best effort at its lowest, not idle: idle would starve for as long as copies run.
        prefix += ["ionice", "-c", "2", "-n", "7"]
    return [*prefix, *argv]


def guarded(argv: Sequence[Argument]) -> list[Argument]:
    """`argv` under a shell that kills it when its standard input, a pipe from the engine, comes to its end."""
    return ["/bin/sh", "-c", _GUARD, "sh", *argv]


class Child:
    """A process and what it starts, in a process group of their own. Its standard input is a pipe to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._members: list[psutil.Process] = []
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, argv: Sequence[Argument], *, errors: int = asyncio.subprocess.DEVNULL) -> "Child":
        """Start `argv`, lowered, in `/`; output comes by a pipe, `errors` says where its errors go."""
        process = await asyncio.create_subprocess_exec(
            *lowered(argv),
            cwd="/",
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            process_group=0,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether any process of it still runs, as far as that is known after `kill`."""
        return self.process.returncode is None or any(map(_running, self._members))

    def work(self) -> float:
        """A number that grows while the process or one of its children does anything."""
        total = 0.0
        for member in self._family():
            try:
                times = member.cpu_times()
                total += times.user + times.system
                if hasattr(member, "io_counters"):  # not on macOS
                    total += member.io_counters().read_count
            except psutil.Error:
                continue
        return total

    def kill(self) -> None:
        """End the whole group now. One that is stuck in the kernel goes when the kernel lets it."""
        if self._ending:
            return
        self._members = self._family()
        self._ending = asyncio.create_task(self._end())
        if self.process.stdin:
            self.process.stdin.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # macOS answers EPERM for a group of which only a zombie is left.
            return

    async def gone(self) -> None:
        """Wait until the process is reaped, but no longer than `LEAVE` seconds."""
        await asyncio.wait([self._ending or asyncio.create_task(self._end())], timeout=LEAVE)

    async def _end(self) -> None:
        # A pipe that nobody reads never comes to its end, and keeps its place in the loop.
        with suppress(RuntimeError):  # another still reads it, and will see its end
            while self.process.stdout and await self.process.stdout.read(1 << 16):
                pass
        await self.process.wait()

    def _family(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.Error:
            return []


def _running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
