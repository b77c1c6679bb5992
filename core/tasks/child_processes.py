"""Child processes of tasks: lower in priority than copying, killed when the engine dies, and never joined."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache

import psutil

Argument = str | bytes

EXIT_TIMEOUT = 1.0
"""Seconds that a killed process gets to end before it counts as stuck in the kernel."""

# `read` returns when the engine closes its end or dies; then the whole group is killed. In POSIX a background
# command's input is /dev/null, so the pipe is kept as descriptor 3.
_GUARD = """
exec 3<&0
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
"$@" </dev/null 3<&-
status=$?
kill $! 2>/dev/null
exit $status
"""


NICE = 15
"""Beside copies on all cores a process at 10 takes a tenth of a core from them, one at 15 a thirtieth.
Linux's idle class would get nothing while any other program computes, and count as stuck."""


def lowered(argv: Sequence[Argument]) -> list[Argument]:
    """Wrap `argv` so that it has a lower priority for processor and disk than copying: nice(1), and on Linux
    ionice(1).

    On macOS taskpolicy(8) with the QoS clamp "utility": a lower priority than interactive work, but on all cores.
    Its `-b` (PRIO_DARWIN_BG) leaves only the slow ones of Apple silicon, as is seen there, not documented.
    This searches PATH once per process, so call it outside the event loop.
    """
    return [*_prefix(), *argv]


@cache
def _prefix() -> tuple[Argument, ...]:
    prefix: list[Argument] = ["nice", "-n", str(NICE)] if shutil.which("nice") else []
    if sys.platform == "darwin":
        policy = shutil.which("taskpolicy") or shutil.which("taskpolicy", path="/usr/sbin")
        prefix += [policy, "-c", "utility"] if policy else []
    elif shutil.which("ionice"):
        # The lowest best-effort priority, not the idle class, which would starve for as long as copies run.
        prefix += ["ionice", "-c", "2", "-n", "7"]
    return tuple(prefix)


def guarded(argv: Sequence[Argument]) -> list[Argument]:
    """Wrap `argv` in a shell that kills it when its standard input, a pipe from the engine, is closed."""
    return ["/bin/sh", "-c", _GUARD, "sh", *argv]


class Child:
    """A process and its children, in a process group of their own. Its standard input is a pipe from the
    engine."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._members: list[psutil.Process] = []
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        argv: Sequence[Argument],
        *,
        errors: int = asyncio.subprocess.DEVNULL,
        environ: Mapping[str, str] | None = None,
    ) -> "Child":
        """Start `argv`, lowered, in `/`. Its output is a pipe; `errors` is where its standard error goes.
        `environ`: its environment, if not this process's."""
        process = await asyncio.create_subprocess_exec(
            *await asyncio.to_thread(lowered, argv),
            cwd="/",
            env={**(os.environ if environ is None else environ), "TZ": "UTC", "LC_ALL": "C"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            process_group=0,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether any process of the group still runs, as far as that is known after `kill`."""
        return self.process.returncode is None or any(map(_running, self._members))

    async def work(self) -> float:
        """A number that grows while the process or one of its children does any work."""
        # Finding the children means iterating over all processes of the machine, so it is done in a thread.
        return await asyncio.to_thread(self._work)

    def _work(self) -> float:
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
        """Kill the whole group now. A process that is stuck in the kernel ends when the kernel allows it."""
        if self._ending:
            return
        self._members = self._family()
        self._ending = asyncio.create_task(self._end())
        if self.process.stdin:
            self.process.stdin.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # macOS answers EPERM for a group in which only a zombie is left (xnu, bsd/kern/kern_sig.c: killpg1).
            return

    async def gone(self) -> None:
        """Wait until the process is reaped, but no longer than `EXIT_TIMEOUT` seconds."""
        await asyncio.wait([self._ending or asyncio.create_task(self._end())], timeout=EXIT_TIMEOUT)

    async def _end(self) -> None:
        # A pipe that nobody reads never ends, and stays registered in the event loop.
        with suppress(RuntimeError):  # another task still reads it, and will see its end
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
