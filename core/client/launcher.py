"""Finding the engine of a state folder, or starting one."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Mapping

import msgspec

from core import VERSION
from core.client.connection import Connection
from core.config import FILE_VARIABLE, Config
from core.errors import EngineError, EngineLostError, OtherVersionError
from core.protocol import Failed, Welcome
from core.protocol.requests import Stop

START_TIMEOUT = 60.0
"""Seconds from an engine's start to its first answer; a large database may have to be migrated first."""

RETRY_INTERVAL = 0.02
"""Seconds until the next attempt to connect, after an engine has ended during the first request."""

PASSED_VARIABLES = frozenset(
    (
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "SSH_CONNECTION",
        "XPC_SERVICE_NAME",
    )
)
NEEDED_PREFIXES = ("LADING_", "LC_", "PYTHON", "XDG_", "DYLD_", "SSL_")
"""The beginnings of the environment variables that an engine inherits from the command that starts it; from
SSH_CONNECTION and XPC_SERVICE_NAME it knows whose permissions it has (core.volumes.macos_permissions)."""


async def attach(settings: Config) -> Connection:
    """Connect to the engine of `settings.home`, starting one if none runs.

    An idle engine of an older version is replaced. Raises EngineError, OtherVersionError, and what the start
    raises.
    """
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                try:
                    connection, welcome = await Connection.open(settings.home)
                except EngineLostError:
                    # The engine was about to exit.
                    await asyncio.sleep(RETRY_INTERVAL)
                    continue
                except OSError:
                    await launch(settings)
                    continue
                if welcome.version == VERSION:
                    return connection
                await _replace(connection, welcome)
    except TimeoutError as error:
        raise EngineError(f"it does not come up within {START_TIMEOUT:.0f} seconds.", "See: lading log") from error


async def look(home: str) -> tuple[Connection, Welcome] | None:
    """Connect to the engine of `home`, of any version; None when none runs. Raises EngineError."""
    try:
        return await Connection.open(home)
    except (OSError, EngineLostError):
        return None


async def end(connection: Connection, *, if_idle: bool = False) -> None:
    """Stop an engine, and wait until it has ended. Raises EngineError when it is not idle."""
    await connection.call(Stop(if_idle=if_idle))
    await connection.ended()
    await connection.close()


async def _replace(connection: Connection, welcome: Welcome) -> None:
    """Stop an idle engine of an older version. Raises OtherVersionError."""
    told = f"process {welcome.pid} is version {welcome.version}, this is {VERSION}."
    try:
        if version_numbers(welcome.version) > version_numbers(VERSION):
            raise OtherVersionError(told, "Use the newer one, or stop it: lading engine stop")
        try:
            await end(connection, if_idle=True)
        except EngineLostError:
            return
        except EngineError as error:
            raise OtherVersionError(
                told, "It is at work: wait until it is done, or stop it: lading engine stop"
            ) from error
    finally:
        await connection.close()


def version_numbers(version: str) -> list[int]:
    """A version as numbers that can be compared."""
    return [int(part) if part.isdigit() else -1 for part in version.split(".")]


async def launch(settings: Config, *more: str) -> None:
    """Start an engine and wait until it, or another one, answers. Raises what its start raises."""
    from core import log

    reader = asyncio.StreamReader()
    ours, theirs = os.pipe()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb")
    )
    try:
        try:
            await asyncio.to_thread(_spawn, settings, theirs, more)
        except OSError as error:
            raise cannot_be_started(error, settings.home) from error
        finally:
            os.close(theirs)
        said = await reader.read()
    finally:
        transport.close()
    if not said:
        raise EngineError("it ended as soon as it was started.", f"See {log.folder(settings.home)}")
    failed = msgspec.msgpack.decode(said, type=Failed | Welcome)
    if isinstance(failed, Failed):
        raise failed.error()


def _spawn(settings: Config, status: int, more: tuple[str, ...]) -> None:
    """Start the engine as a grandchild: the child exits at once, so that nobody has to wait for the engine."""
    from core import log

    with log.streams(settings.home) as streams:
        subprocess.run(
            [sys.executable, "-P", "-m", "core.server.daemonize", str(status), *more],
            stdin=subprocess.DEVNULL,
            stdout=streams,
            stderr=streams,
            cwd="/",
            env=environment(os.environ, settings.home),
            pass_fds=(status,),
            start_new_session=True,
            check=False,
        )


def cannot_be_started(error: OSError, home: str) -> EngineError:
    """The EngineError to show when the engine of `home` cannot be started, because its state folder cannot be
    written to."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = f"Make room on the disk of {home}." if full else "Set LADING_HOME to a folder of yours."
    where = f"{error.filename}: " if error.filename else ""
    return EngineError(f"it cannot be started: {where}{error.strerror}.", advice)


def environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """The environment of an engine: nothing of the terminal that started it, and no relative paths."""
    given = {
        key: value for key, value in environ.items() if key in PASSED_VARIABLES or key.startswith(NEEDED_PREFIXES)
    }
    if given.get(FILE_VARIABLE):
        given[FILE_VARIABLE] = os.path.abspath(os.path.expanduser(given[FILE_VARIABLE]))
    return {**given, "LADING_HOME": home}
