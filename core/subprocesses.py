"""Running another program with a time limit; one that cannot be killed is left behind."""

import subprocess
import threading
from collections.abc import Sequence

import msgspec

left_running: list[subprocess.Popen[bytes]] = []
"""Programs that were killed because they were late, and have not ended yet."""
_lock = threading.Lock()


class Completed(msgspec.Struct, frozen=True):
    """What a program printed to its standard output, and its exit status (negative: a signal's number)."""

    status: int
    output: bytes


def ask(argv: Sequence[str | bytes], timeout: float, *, errors: bool = False) -> Completed | None:
    """Run `argv`. Returns None when it cannot be started or has not ended within `timeout` seconds.

    errors: its standard error is included in the output.

    A program that is late is killed and never waited for: one that is stuck in the kernel, on a dead mount, does
    not even die of SIGKILL. While it still exists the same command is not started again, so a dead mount costs one
    process however often it is probed. Its working directory is `/`, its standard input is empty, and a signal
    from the terminal does not reach it.
    """
    if _still_left(argv):
        return None
    try:
        process = subprocess.Popen(
            argv,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        if process.stdout:
            process.stdout.close()
        with _lock:
            left_running.append(process)
        return None
    return Completed(process.returncode, output)


def _still_left(argv: Sequence[str | bytes]) -> bool:
    with _lock:
        # Popen.poll() also reaps a process that has ended.
        left_running[:] = [process for process in left_running if process.poll() is None]
        return any(process.args == argv for process in left_running)
