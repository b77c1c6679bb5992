"""The process around one exiftool: `python -m core.tasks.exiftool_process EXIFTOOL`, started by exiftool_client.

pyexiftool waits forever for a daemon that hangs, and in a busy loop for one that died. Here that is harmless,
because this process can be killed. It ends by itself when its exiftool has died, and kills exiftool when the
engine has died. exiftool ends when this process was killed, although nothing closes its `-stay_open` (CONFIG).
"""

import core.light_start  # noqa: F401

# isort: split
import contextlib
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

import msgspec
from exiftool import ExifTool  # type: ignore[import-untyped]

from core import vital_threads
from core.ipc import PREFIX_LENGTH, framed, length_of
from core.media.metadata import Metadata, pack, parse, raw_of
from core.models import Value

DIED = 3
"""Exit status when exiftool has ended."""

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exiftool_as_printed.config")
"""exiftool's configuration: it adds the tag AS_PRINTED. The user's own is not loaded, because it may contain Perl
code."""

AS_PRINTED = "Composite:AsPrinted"
"""A tag of CONFIG: a list of [group:name, value], for tags that are read as exiftool prints them for people."""

PARENT, WATCHED = "LADING_EXIFTOOL_PARENT", "LADING_EXIFTOOL_WATCHED"
"""Of the environment, for CONFIG: the id of the process around exiftool; set if exiftool has to watch that process
itself."""

COMMON = (
    "-json",
    "-a",  # also tags that another group has, too
    "-G1",
    "-n",  # as numbers, but what AS_PRINTED tells
    "--sort",  # no sorting: sorting by group, the default with -G1, takes a twentieth of its time
    "-q",
    "-charset",
    "filename=utf8",
    "-api",
    "largefilesupport=1",
)
"""Without -fast: exiftool seeks past media data anyway, and with it some durations and sizes would be missing."""


class Read(Value, frozen=True, kw_only=True):
    """The result for one file. `failure`: there is none, because the file could not be opened."""

    metadata: Metadata | None = None
    raw: bytes = b""
    failure: str = ""


_NO_SENSE = Read(metadata=Metadata(error="exiftool's answer makes no sense"))

Values = dict[str, msgspec.Raw]
"""exiftool's answer about one file: JSON by group:name."""

Answer = Values | Read
"""What exiftool answered about one file, or a result where that was nothing."""

_answers = msgspec.json.Decoder(list[Values])
_path = msgspec.json.Decoder(str)
_printed = msgspec.json.Decoder(list[tuple[str, msgspec.Raw]])


def argument(path: bytes) -> bytes | None:
    """A path as one line for exiftool's `-@`; None for a path that no line can express.

    A line break is written in exiftool's C notation, which leaves stray backslashes before `$` and `@` (12.57).
    """
    if not any(byte in path for byte in b"\r\n"):
        return path
    if any(byte in path for byte in b"$@\0"):
        return None
    return b"#[CSTR]" + path.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def main() -> None:
    """Answer lists of paths with lists of `Read` until the engine closes the pipe."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    vital_threads.install()
    signal.signal(signal.SIGCHLD, _exit_with_exiftool)
    tool = ExifTool(sys.argv[1], list(COMMON), config_file=CONFIG, encoding="utf-8")
    tool.block_size = 1 << 16
    os.environ[PARENT] = str(os.getpid())
    if sys.platform != "linux":
        # On Linux pyexiftool has the kernel tell it: prctl(2), PR_SET_PDEATHSIG.
        os.environ[WATCHED] = "1"
    tool.run()
    # Threads start only now: pyexiftool forks with a preexec_fn, which is unsafe with threads. While exiftool
    # reads some files, its answers about the files before are parsed.
    waiting: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()
    said: queue.SimpleQueue[list[Answer]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    threading.Thread(target=_answer, args=(said, replies), daemon=True).start()
    while True:
        said.put(read(tool, waiting.get()))


def _exit_with_exiftool(_signal: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(-1, os.WNOHANG)[0] == 0:  # only stopped
            return
    os._exit(DIED)


def _listen(requests: BinaryIO, waiting: "queue.SimpleQueue[list[bytes]]") -> None:
    decoder = msgspec.msgpack.Decoder(list[bytes])
    while len(head := requests.read(PREFIX_LENGTH)) == PREFIX_LENGTH:
        waiting.put(decoder.decode(requests.read(length_of(head))))
    os.killpg(0, signal.SIGKILL)


def _answer(said: "queue.SimpleQueue[list[Answer]]", replies: BinaryIO) -> None:
    while True:
        answers = [one if isinstance(one, Read) else parsed(one) for one in said.get()]
        reply = msgspec.msgpack.encode(answers)
        with contextlib.suppress(BrokenPipeError):
            replies.write(framed(reply))
            replies.flush()


def read(tool: ExifTool, paths: list[bytes]) -> list[Answer]:
    """Read files in one call, or one by one when the answers cannot be matched with the files.

    exiftool skips files that it cannot find.
    """
    lines = [line for path in paths if (line := argument(path)) is not None]
    if len(lines) == len(paths):
        told: bytes = tool.execute(*lines, raw_bytes=True)
        # exiftool cleans values, but not names, which may come from the file: a damaged XMP prefix.
        said = told.decode("utf-8", "replace").encode()
        with contextlib.suppress(ValueError, RecursionError):
            answers = _answers.decode(said or b"[]")
            if len(paths) == 1 or list(map(_about, answers)) == list(map(os.path.basename, paths)):
                return [*answers] or [Read(failure=_first_error(tool))]
    elif len(paths) == 1:
        return [Read(failure="its path holds a line break beside $ or @, which exiftool cannot be told")]
    if len(paths) == 1:
        return [_NO_SENSE]
    return [answer for path in paths for answer in read(tool, [path])]


def _about(answer: Values) -> bytes:
    """The file name that an answer is about; payload names are plain ASCII."""
    return os.path.basename(_path.decode(answer.get("SourceFile", b'""')).encode())


def _first_error(tool: ExifTool) -> str:
    said: bytes = tool.last_stderr
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[0].partition(" - ")[0] if lines else "exiftool said nothing"


def parsed(values: Values) -> Read:
    """Parse the answer for one file. It never raises, so that the other files of the call keep their results."""
    try:
        return _parsed(values)
    except Exception:
        return _NO_SENSE


def _parsed(values: Values) -> Read:
    raw = raw_of(with_printed(values))
    metadata = parse(raw)
    if metadata.error is not None and metadata.error.startswith("Error opening file"):
        return Read(failure=metadata.error)
    return Read(metadata=metadata, raw=pack(raw))


def with_printed(values: Values) -> Values:
    """The answer for one file with the values that AS_PRINTED tells in place of those tags' numbers, and first;
    without AS_PRINTED. Raises msgspec.DecodeError."""
    printed = values.get(AS_PRINTED)
    if printed is None:
        return values
    told = dict(_printed.decode(printed))
    return told | {name: value for name, value in values.items() if name not in told and name != AS_PRINTED}


if __name__ == "__main__":
    main()
