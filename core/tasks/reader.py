"""The process around one exiftool: `python -m core.tasks.reader EXIFTOOL`, started by `core.tasks.daemon`.

pyexiftool waits for ever for a daemon that hangs, and for ever at full speed for one that died. Here it may: this
process can be killed. It ends by itself when its exiftool has died, and takes that with it when the engine has.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

import msgspec
from exiftool import ExifTool  # type: ignore[import-untyped]

from core.models import Value
from core.tasks.metadata import Metadata, pack, parse, raw_of

FRAME = 4
"""Bytes that give the length of a message."""

DIED = 3
"""Exit status: exiftool ended."""

COMMON = (
    "-json",
    "-a",  # also those that another group has, too
    "-G1",
    "-n",
    "--sort",  # off: sorting by group, as it does for -G1, takes a twentieth of its time
    "-q",
    "-charset",
    "filename=utf8",
    "-api",
    "largefilesupport=1",
)
"""No -fast: exiftool seeks past picture and film anyway, and with it some lengths and sizes would be missing."""


class Read(Value, frozen=True, kw_only=True):
    """What became of one file. `failure`: nothing could be said of it, as it could not be opened."""

    metadata: Metadata | None = None
    raw: bytes = b""
    failure: str = ""


Said = msgspec.Raw | Read
"""What exiftool said of one file, or what became of it where it said nothing."""


def argument(path: bytes) -> bytes | None:
    """A path as one line for exiftool's `-@`; None for one that no line can say.

    A line break is written in exiftool's C notation, which leaves stray backslashes before `$` and `@` (12.57).
    """
    if not any(byte in path for byte in b"\r\n"):
        return path
    if any(byte in path for byte in b"$@\0"):
        return None
    return b"#[CSTR]" + path.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def main() -> None:
    """Answer lists of paths with lists of `Read` until the engine closes the line."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    signal.signal(signal.SIGCHLD, _bereaved)
    # An empty configuration: the user's own may hold Perl code.
    tool = ExifTool(sys.argv[1], list(COMMON), config_file="", encoding="utf-8")
    tool.block_size = 1 << 16
    tool.run()
    # Only now: pyexiftool forks with a preexec_fn, which threads would endanger. While exiftool reads some files,
    # what it said of those before is taken apart.
    waiting: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()
    said: queue.SimpleQueue[list[Said]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    threading.Thread(target=_answer, args=(said, replies), daemon=True).start()
    while True:
        said.put(_read(tool, waiting.get()))


def _bereaved(_signal: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(-1, os.WNOHANG)[0] == 0:  # only stopped
            return
    os._exit(DIED)


def _listen(requests: BinaryIO, waiting: "queue.SimpleQueue[list[bytes]]") -> None:
    decoder = msgspec.msgpack.Decoder(list[bytes])
    while len(head := requests.read(FRAME)) == FRAME:
        waiting.put(decoder.decode(requests.read(int.from_bytes(head, "big"))))
    os.killpg(0, signal.SIGKILL)


def _answer(said: "queue.SimpleQueue[list[Said]]", replies: BinaryIO) -> None:
    while True:
        answers = [one if isinstance(one, Read) else _one(bytes(one)) for one in said.get()]
        reply = msgspec.msgpack.encode(answers)
        with contextlib.suppress(BrokenPipeError):
            replies.write(len(reply).to_bytes(FRAME, "big") + reply)
            replies.flush()


def _read(tool: ExifTool, paths: list[bytes]) -> "list[Said]":
    """Read files in one go, or one by one when the answers cannot be told apart.

    exiftool passes over files that it cannot find.
    """
    lines = [line for path in paths if (line := argument(path)) is not None]
    if len(lines) == len(paths):
        said: bytes = tool.execute(*lines, raw_bytes=True)
        with contextlib.suppress(msgspec.DecodeError):
            answers = msgspec.json.decode(said or b"[]", type=list[msgspec.Raw])
            if len(paths) == 1 or list(map(_about, answers)) == list(map(os.path.basename, paths)):
                return [*answers] or [Read(failure=_complaint(tool))]
    elif len(paths) == 1:
        return [Read(failure="its path holds a line break beside $ or @, which exiftool cannot be told")]
    if len(paths) == 1:
        return [Read(metadata=Metadata(error="exiftool's answer makes no sense"))]
    return [answer for path in paths for answer in _read(tool, [path])]


def _about(answer: msgspec.Raw) -> bytes:
    """The name of the file that an answer is about; payload names are plain ASCII."""
    return os.path.basename(msgspec.json.decode(answer, type=_Source).path.encode())


class _Source(msgspec.Struct):
    path: str = msgspec.field(name="SourceFile")


def _complaint(tool: ExifTool) -> str:
    said: bytes = tool.last_stderr
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[0].partition(" - ")[0] if lines else "exiftool said nothing"


def _one(json: bytes) -> Read:
    metadata = parse(json)
    if metadata.error is not None and metadata.error.startswith("Error opening file"):
        return Read(failure=metadata.error)
    return Read(metadata=metadata, raw=pack(raw_of(json)))


if __name__ == "__main__":
    main()
