"""Another program asked for an answer, and left behind when it gives none."""

import subprocess
import threading
from collections.abc import Sequence

import msgspec

_left: list[subprocess.Popen[bytes]] = []
_lock = threading.Lock()


class Answer(msgspec.Struct, frozen=True):
    """What a program printed to its standard output, and its exit status (negative: a signal's number)."""

    status: int
    output: bytes


def ask(argv: Sequence[str | bytes], timeout: float, *, errors: bool = False) -> Answer | None:
    """The answer of `argv`; None when it cannot be started or has not ended within `timeout` seconds.

    errors: what it says on standard error belongs to the answer.

    A program that is late is killed and never waited for: one that is stuck in the kernel, on a dead mount,
    does not even die of SIGKILL. While such a one still lives the same question is not asked again, so a
    dead mount costs one process however often it is looked at. Its working directory is `/`, its standard
    input is empty, and a signal from the terminal does not reach it.
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
            _left.append(process)
        return None
    return Answer(process.returncode, output)


def _still_left(argv: Sequence[str | bytes]) -> bool:
    with _lock:
        # Popen.poll() reaps those that have died by now.
        _left[:] = [process for process in _left if process.poll() is None]
        return any(process.args == argv for process in _left)
