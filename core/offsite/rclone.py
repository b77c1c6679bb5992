"""The program rclone (rclone.org), through which remotes are accessed. Versions 1.60 to 1.75 are tested."""

import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import msgspec

from core import tools
from core.errors import LadingError, UsageError
from core.paths import display
from core.tasks.child_processes import Child, guarded

PREFIX = "rclone:"

QUIET = ("--ask-password=false", "--stats=0")
"""Options for all commands: rclone asks for no password, and writes no progress to standard error."""

NOT_FOUND = 3
"""The exit status for a directory that was not found (rclone.org/docs, exit codes)."""

KEPT = 20
"""The most lines of errors that are kept."""

_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")
_NO_CONFIG = "using defaults"


class OffsiteError(LadingError):
    """A remote cannot be used."""

    title = "Off-site"


class Remote(msgspec.Struct, frozen=True):
    """A place on a remote, in rclone's notation: NAME:PATH."""

    spec: str

    @classmethod
    def of(cls, text: str) -> "Remote":
        """Parse `rclone:NAME:PATH`. Raises UsageError."""
        spec = text.removeprefix(PREFIX)
        if not spec.rstrip("/").count(":") or spec.startswith("-"):
            raise UsageError(
                f"{display(text)} names no remote.", "Write rclone:NAME:PATH; `rclone listremotes` has the names."
            )
        return cls(spec.rstrip("/"))

    def at(self, path: str) -> str:
        """The place of `path` below this one, in rclone's notation."""
        return self.spec + (path if self.spec.endswith(":") else f"/{path}")

    def __str__(self) -> str:
        return PREFIX + self.spec


class Ended(msgspec.Struct):
    """How a command of rclone ended. `status`: its exit status. `errors`: the last lines that it wrote to standard
    error, without time and level."""

    status: int = 0
    errors: deque[str] = msgspec.field(default_factory=lambda: deque[str](maxlen=KEPT))

    @property
    def why(self) -> str:
        """The last error; without one, the exit status in words."""
        return display(self.errors[-1]) if self.errors else f"rclone ended with status {self.status}"


class Rclone:
    """Runs rclone. A command is killed when this process ends, or its caller is cancelled."""

    def __init__(self) -> None:
        """Raises UsageError if rclone is not installed."""
        path = tools.find("rclone")
        if path is None:
            raise UsageError("rclone is not installed.", f"Install it: {_install()}, then `rclone config`.")
        self._path = path

    async def lines(self, ended: Ended, *arguments: str) -> AsyncGenerator[str, None]:
        """Run a command. Yields the lines of its standard output, then fills in `ended`. The caller has to close
        the generator."""
        argv = guarded([self._path, *arguments, *QUIET])
        child = await Child.start(argv, errors=asyncio.subprocess.PIPE)
        process = child.process
        assert process.stdout is not None  # noqa: S101 - for the type checker
        assert process.stderr is not None  # noqa: S101
        reading = asyncio.create_task(_errors(process.stderr, ended))
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

    async def run(self, *arguments: str) -> tuple[Ended, list[str]]:
        """Run a command that writes little. Returns how it ended, and its lines."""
        ended = Ended()
        async with aclosing(self.lines(ended, *arguments)) as lines:
            return ended, [line async for line in lines]

    async def must(self, *arguments: str) -> list[str]:
        """Run a command that has to succeed. Returns its lines. Raises OffsiteError if it fails."""
        ended, lines = await self.run(*arguments)
        if ended.status:
            raise OffsiteError(f"{ended.why}.", "The same command goes on where it stopped.")
        return lines

    async def hashes(self, remote: Remote) -> Sequence[str]:
        """The names of the checksums that a remote has of its files; empty if it has none. Raises OffsiteError."""
        found = json.loads("\n".join(await self.must("backend", "features", remote.spec)))
        return [str(name) for name in found.get("Hashes") or ()]

    async def names(self, place: str, *options: str) -> list[str]:
        """The names in a folder, those of folders with a slash at the end; empty if there is no such folder.
        Raises OffsiteError."""
        ended, lines = await self.run("lsf", place, *options)
        if ended.status not in (0, NOT_FOUND):
            raise OffsiteError(f"{ended.why}.", "Check the remote: rclone lsd, rclone config.")
        return lines if not ended.status else []

    async def compared(self, ended: Ended, *arguments: str) -> AsyncGenerator[tuple[str, str], None]:
        """Run a comparison. Yields (sign, path) for each file: `=` equal, `*` differs, `+` missing in the
        destination, `-` missing in the source, `!` could not be read. Raises OffsiteError if rclone fails without
        having told of a difference."""
        count = 0
        async with aclosing(self.lines(ended, *arguments, "--combined", "-")) as lines:
            async for line in lines:
                count += line[0] != "="
                yield line[0], line[2:]
        if ended.status and not count:
            raise OffsiteError(f"{ended.why}.", "The same command goes on where it stopped.")


async def _errors(stream: asyncio.StreamReader, ended: Ended) -> None:
    while line := await stream.readline():
        text = _STAMP.sub("", line.decode(errors="replace").strip())
        if text and not text.endswith(_NO_CONFIG):
            ended.errors.append(text)


def _install() -> str:
    return tools.install("rclone", sys.platform, tools.os_release(), root=False)
