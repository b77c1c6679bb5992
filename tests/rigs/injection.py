"""Killing a process at a system call: strace is attached to it when it is ready, and kills it at a call
(Linux)."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.rigs.counting import strace

ROOT = str(Path(__file__).resolve().parents[2])
CALLS = "%file,%desc"
"""Every call about files or descriptors; calls about memory or the clock change nothing."""


class Victim:
    """A command that does its work on request, as `tests.rigs.conversation` does."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=dict(os.environ)
        )

    def _heard(self, word: str) -> int:
        assert self._process.stdout
        said = self._process.stdout.readline().split()
        assert said[:1] == [word.encode()], said
        return int(said[1])

    def _traced(self, *options: str) -> int:
        """Do the work under strace. Returns the exit status (negative: the signal)."""
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        pid = self._heard("ready")
        with subprocess.Popen(
            [strace(), "-f", "-o", str(self._log), *options, "-p", str(pid)], stderr=subprocess.DEVNULL
        ) as tracing:
            end = time.monotonic() + 60
            while f"TracerPid:\t{tracing.pid}\n" not in Path(f"/proc/{pid}/status").read_text():
                assert tracing.poll() is None, "strace did not attach"
                assert time.monotonic() < end, "strace did not attach"
                time.sleep(0.001)
            os.kill(pid, signal.SIGUSR1)
            code = self._heard("ended")
            tracing.wait(60)
        return code

    def calls(self) -> Counter[str]:
        """How many times it makes each of its calls."""
        assert self._traced("-e", f"trace={CALLS}") == 0
        found = re.findall(r"^\d+ +(\w+)\(", self._log.read_text(errors="replace"), re.MULTILINE)
        return Counter(name for name in found if not name.startswith("syscall_"))

    def killed(self, call: str, number: int) -> bool:
        """Kill -9 it at call `number` of this name; False when it made fewer calls."""
        code = self._traced("-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
        assert code in (0, -9), f"it ended with {code}"
        return code == -9

    def close(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def victim(argv: Sequence[str], log: Path) -> Iterator[Victim]:
    """A victim, which is killed at the end."""
    made = Victim(argv, log)
    try:
        yield made
    finally:
        made.close()
