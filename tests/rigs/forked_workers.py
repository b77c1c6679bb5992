"""Workers and makers for tests, forked from processes that have imported the program: most of their start is
imports, and most of what a test costs is the start of its processes.

They are started as the program does it where a test has changed the interpreter, what the environment says to it,
or the limits; in the tests of the start itself; and by each engine that is a process of its own.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from core import process_start

SCRIPT = Path(__file__).with_name("fork_server.py")

DECIDES = ("PYTHON", "LD_", "COV", "MALLOC_")
"""Beginnings of the names of variables that decide how a process starts."""

LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_NPROC)

as_shipped = process_start.start


class Forked:
    """A process that a fork server has made. As `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, end: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(end, self._read)

    def _read(self) -> None:
        asyncio.get_running_loop().remove_reader(self._end)
        told = os.read(self._end, 64)
        os.close(self._end)
        self.returncode = int(told) if told else -signal.SIGKILL
        self._ended.set()

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code; a signal's number is negative."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode


class ForkServers:
    """The processes that fork: one for each module, started when it is first needed; they end with this one."""

    def __init__(self) -> None:
        self._how = _how()
        self._lock = threading.Lock()
        self._asked: dict[str, socket.socket] = {}

    def _server(self, module: str) -> socket.socket:
        if module not in self._asked:
            self._asked[module], theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [sys.executable, "-P", str(SCRIPT), str(theirs.fileno()), module]
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        return self._asked[module]

    async def start(self, module: str, arguments: Sequence[str], fds: Sequence[int]) -> process_start.Process:
        """As `core.process_start.start`."""
        if _how() != self._how:
            return await as_shipped(module, arguments, fds)
        request = {
            "arguments": list(arguments),
            "fds": [0, 1, 2, *fds],
            "folder": os.getcwd(),
            "environ": dict(os.environ),
        }
        end, told = os.pipe2(os.O_CLOEXEC)
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            with self._lock:
                data = json.dumps(request, ensure_ascii=True).encode()
                server = self._server(module)
                socket.send_fds(server, [data], [told, nothing, nothing, 2, *fds])
                pid = int(server.recv(64))
        finally:
            os.close(told)
            os.close(nothing)
        return Forked(pid, end)

    def close(self) -> None:
        """End them."""
        for server in self._asked.values():
            server.close()


def _how() -> object:
    """What decides how a process starts here."""
    return (
        sys.executable,
        {name: value for name, value in os.environ.items() if name.startswith(DECIDES)},
        [resource.getrlimit(one) for one in LIMITS],
        os.nice(0),
    )
