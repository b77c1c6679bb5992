"""The program rclone (rclone.org), through which remotes are accessed. Versions 1.60 to 1.75 are tested."""

import asyncio
import json
import os
import re
import sys
import tomllib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress

import msgspec

from core import archive_layout, tools
from core.errors import LadingError, UsageError
from core.models import Count
from core.paths import REMOTE_PREFIX, display
from core.tasks.child_processes import Child, guarded

QUIET = ("--ask-password=false", "--stats=0")
"""Options for all commands: rclone asks for no password, and writes no progress to standard error."""

PROGRESS_OPTIONS = ("--ask-password=false", "--stats=1s", "--stats-log-level=NOTICE", "--use-json-log")
"""Options for a transfer of which the progress is shown: each line of standard error is a JSON object, and one a
second has `stats`."""

NOT_FOUND = 3
"""The exit status for a directory that was not found (rclone.org/docs, exit codes)."""

ERRORS_KEPT = 20
"""The most lines of errors that are kept."""

_UNLISTED = re.compile(r"error reading (?:source|destination) (?:root )?directory")
"""What rclone writes to standard error of a folder that it could not list (fs/march/march.go). A comparison goes
on: 1.60 names none of the folder's files, 1.75 says of all that they are missing."""

_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")
_NO_CONFIG = "using defaults"


Moved = Callable[[int, str], None]
"""Called about once a second during a transfer, with the bytes that it has moved so far, and a file that it moves
now."""


class OffsiteError(LadingError):
    """A remote cannot be used."""

    title = "Off-site"


class Remote(msgspec.Struct, frozen=True):
    """A place on a remote, in rclone's notation: NAME:PATH."""

    spec: str

    @classmethod
    def of(cls, text: str) -> "Remote":
        """Parse `rclone:NAME:PATH`. Raises UsageError."""
        spec = text.removeprefix(REMOTE_PREFIX)
        if not spec.rstrip("/").count(":") or spec.startswith("-"):
            raise UsageError(
                f"{display(text)} names no remote.", "Write rclone:NAME:PATH; `rclone listremotes` has the names."
            )
        return cls(spec.rstrip("/"))

    def at(self, path: str) -> str:
        """The place of `path` below this one, in rclone's notation."""
        return self.spec + (path if self.spec.endswith(":") else f"/{path}")

    def __str__(self) -> str:
        return REMOTE_PREFIX + self.spec


class RcloneResult(msgspec.Struct):
    """How a command of rclone ended. `status`: its exit status. `errors`: the last lines that it wrote to standard
    error, without time and level. `unlisted`: the first of them, also of those not kept, about a folder that could
    not be listed; empty if there is none."""

    status: int = 0
    unlisted: str = ""
    errors: deque[str] = msgspec.field(default_factory=lambda: deque[str](maxlen=ERRORS_KEPT))

    @property
    def not_found(self) -> bool:
        """Whether it ended because a folder does not exist."""
        return self.status == NOT_FOUND

    def error(self) -> OffsiteError:
        """The error for a command that has to succeed."""
        return OffsiteError(f"{self.why}.", "The same command goes on where it stopped.")

    def about(self, path: str) -> str:
        """The last error about a file, after a colon; empty where none is kept. An upload may have a name with a
        suffix of rclone's until it is whole."""
        said = [line.partition(": ")[2] for line in self.errors if line.startswith(path)]
        return f": {display(said[-1])}" if said else ""

    @property
    def why(self) -> str:
        """The last error; without one, the exit status in words."""
        return display(self.errors[-1]) if self.errors else f"rclone ended with status {self.status}"


class Rclone:
    """Runs rclone. A command is killed when this process ends, or its caller is cancelled."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: the environment for rclone, if not this process's; it may name rclone's configuration and
        hold its password. Raises UsageError if rclone is not installed."""
        self._environ = environ
        path = tools.find("rclone", None if environ is None else environ.get("PATH"))
        if path is None:
            raise UsageError("rclone is not installed.", f"Install it: {_install()}, then `rclone config`.")
        self._path = path

    async def lines(
        self, ended: RcloneResult, *arguments: str, moved: Moved | None = None
    ) -> AsyncGenerator[str, None]:
        """Run a command. Yields the lines of its standard output, then fills in `ended`. `moved` is told of a
        transfer's progress. The caller has to close the generator."""
        argv = guarded([self._path, *arguments, *(PROGRESS_OPTIONS if moved else QUIET)])
        child = await Child.start(argv, errors=asyncio.subprocess.PIPE, environ=self._environ)
        process = child.process
        assert process.stdout is not None  # noqa: S101 - for the type checker
        assert process.stderr is not None  # noqa: S101
        reading = asyncio.create_task(_errors(process.stderr, ended, moved))
        try:
            while line := await process.stdout.readline():
                yield line.decode(errors="surrogateescape").rstrip("\n")
            await reading
            ended.status = await process.wait()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            if process.returncode is None:
                child.kill()
                await child.gone()

    async def run(self, *arguments: str, moved: Moved | None = None) -> tuple[RcloneResult, list[str]]:
        """Run a command that writes little. Returns how it ended, and its lines."""
        ended = RcloneResult()
        async with aclosing(self.lines(ended, *arguments, moved=moved)) as lines:
            return ended, [line async for line in lines]

    async def must(self, *arguments: str, moved: Moved | None = None) -> list[str]:
        """Run a command that has to succeed. Returns its lines. Raises OffsiteError if it fails."""
        ended, lines = await self.run(*arguments, moved=moved)
        if ended.status:
            raise ended.error()
        return lines

    async def hashes(self, remote: Remote) -> Sequence[str]:
        """The names of the checksums that a remote has of its files; empty if it has none. Raises OffsiteError."""
        found = json.loads("\n".join(await self.must("backend", "features", remote.spec)))
        return [str(name) for name in found.get("Hashes") or ()]

    async def size(self, remote: Remote) -> Count:
        """How many files a remote holds, and their bytes. Raises OffsiteError."""
        found = msgspec.json.decode("".join(await self.must("size", remote.spec, "--json")), type=_Size)
        return Count(files=found.count, bytes=found.bytes)

    async def archive_id(self, remote: Remote) -> str:
        """The id of the archive that a remote holds; empty if it holds none. Raises OffsiteError."""
        toml = archive_layout.ARCHIVE_TOML
        if os.path.basename(toml) not in await self.names(remote.at(archive_layout.OWN)):
            return ""
        with suppress(tomllib.TOMLDecodeError):
            return str(tomllib.loads("\n".join(await self.must("cat", remote.at(toml)))).get("id", ""))
        return ""

    async def names(self, place: str, *options: str) -> list[str]:
        """The names in a folder, those of folders with a slash at the end; empty if there is no such folder.
        Raises OffsiteError."""
        ended, lines = await self.run("lsf", place, *options)
        if ended.status and not ended.not_found:
            raise OffsiteError(f"{ended.why}.", "Check the remote: rclone lsd, rclone config.")
        return lines if not ended.status else []

    async def compare(self, ended: RcloneResult, *arguments: str) -> AsyncGenerator[tuple[str, str], None]:
        """Run a comparison. Yields (sign, path) for each file: `=` equal, `*` differs, `+` missing in the
        destination, `-` missing in the source, `!` could not be read. Raises OffsiteError if rclone fails without
        having told of a difference, and if it has left out a folder because it could not list it."""
        count = 0
        async with aclosing(self.lines(ended, *arguments, "--combined", "-")) as lines:
            async for line in lines:
                count += line[0] != "="
                yield line[0], line[2:]
        if ended.unlisted:
            raise OffsiteError(f"{display(ended.unlisted)}.", "The same command goes on where it stopped.")
        if ended.status and not count:
            raise ended.error()


async def _errors(stream: asyncio.StreamReader, ended: RcloneResult, moved: Moved | None) -> None:
    while line := await stream.readline():
        text = line.decode(errors="replace").strip()
        if moved and text.startswith("{"):
            text = _logged(text, moved)
        text = _STAMP.sub("", text)
        if not ended.unlisted and _UNLISTED.search(text):
            ended.unlisted = text
        if text and not text.endswith(_NO_CONFIG):
            ended.errors.append(text)


def _logged(text: str, moved: Moved) -> str:
    """The message in a line of rclone's JSON log; one with `stats` is told to `moved` instead."""
    try:
        line = msgspec.json.decode(text, type=_Logged)
    except msgspec.MsgspecError:
        return text
    if line.stats is not None:
        moved(line.stats.bytes, line.stats.transferring[0].name if line.stats.transferring else "")
        return ""
    return f"{line.object}: {line.msg}" if line.object else line.msg


class _Size(msgspec.Struct):
    """The answer of `rclone size --json`."""

    count: int
    bytes: int


class _Transfer(msgspec.Struct):
    name: str = ""


class _Stats(msgspec.Struct):
    bytes: int = 0
    transferring: list[_Transfer] | None = None


class _Logged(msgspec.Struct):
    """A line of `--use-json-log` (rclone.org/docs)."""

    msg: str = ""
    object: str = ""
    stats: _Stats | None = None


def _install() -> str:
    return tools.install("rclone", sys.platform, tools.os_release(), root=False)
