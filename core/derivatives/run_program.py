"""Running a program from a maker, in its process group, so that it dies with the maker."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

import msgspec

from core import tools
from core.derivatives.messages import OrderRefusedError

LARGEST_OUTPUT = 1 << 30
"""The most bytes that a program may print."""

_KEPT = 8192
"""Bytes kept of standard error: the first, which usually name the cause."""


class ProgramResult(msgspec.Struct, frozen=True):
    """The result of a program: exit status (negative: a signal's number), standard output, standard error."""

    status: int
    output: bytes
    said: str


def program(name: tools.Name) -> str:
    """The path of a program. Raises OrderRefusedError when it is not installed."""
    path = tools.find(name)
    if path is None:
        raise OrderRefusedError(f"{name} is not installed", final=False)
    return path


def run(
    argv: Sequence[str | bytes],
    folder: bytes = b"/",
    line: Callable[[bytes], None] | None = None,
    kept: int = _KEPT,
) -> ProgramResult:
    """Run a program in `folder` until it ends; `line` gets each line of its output, which is then not kept.

    The first `kept` bytes of standard error are kept.

    There is no time limit: the engine watches for progress and kills the whole group. Raises OSError and what
    `line` raises, after killing the program.
    """
    process = subprocess.Popen(
        argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said = bytearray()
    with process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        assert process.stderr is not None  # noqa: S101 - for the type checker
        drain = threading.Thread(target=_drain, args=(process.stderr, said, kept), daemon=True)
        drain.start()
        try:
            output = b""
            if line is None:
                output = process.stdout.read(LARGEST_OUTPUT + 1)
                if len(output) > LARGEST_OUTPUT:
                    raise OSError("a program printed too much")
            else:
                for text in process.stdout:
                    line(text)
            process.wait()
        finally:
            process.kill()
            drain.join()
    return ProgramResult(process.returncode, output, said.decode("utf-8", "replace").strip())


def _drain(pipe: IO[bytes], said: bytearray, kept: int) -> None:
    while data := pipe.read(4096):
        said += data[: kept - len(said)]
