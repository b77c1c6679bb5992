"""Finding the engine of a state folder, or starting one."""

import asyncio
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
from core.protocol.replies import Done
from core.protocol.requests import Stop

START = 60.0
"""Seconds an engine has from its start to its first answer; a big database may have to be upgraded first."""

RETRY = 0.02

NEEDED = frozenset(
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
    )
)
NEEDED_PREFIXES = ("LADING_", "LC_", "PYTHON", "XDG_", "DYLD_", "SSL_")
"""What an engine takes over of the environment of the command that starts it; by SSH_CONNECTION it knows whose
rights it has (core.volumes.privacy)."""


async def attach(settings: Config) -> Connection:
    """A connection to the engine of `settings.home`, which is started if there is none.

    An older one that is idle is replaced. Raises EngineError, OtherVersionError, and what the start raises.
    """
    try:
        async with asyncio.timeout(START):
            while True:
                try:
                    connection, welcome = await Connection.open(settings.home)
                except EngineLostError:
                    # It was about to leave.
                    await asyncio.sleep(RETRY)
                    continue
                except OSError:
                    await launch(settings)
                    continue
                if welcome.version == VERSION:
                    return connection
                await _replace(connection, welcome)
    except TimeoutError as error:
        raise EngineError(f"it does not come up within {START:.0f} seconds.", "See: lading log") from error


async def look(home: str) -> tuple[Connection, Welcome] | None:
    """The engine of `home` if there is one, of whatever version. Raises EngineError."""
    try:
        return await Connection.open(home)
    except (OSError, EngineLostError):
        return None


async def end(connection: Connection, *, if_idle: bool = False) -> None:
    """Have an engine end, and wait until it has. Raises EngineError when it is not idle."""
    await connection.ask(Stop(if_idle=if_idle), Done)
    await connection.ended()
    await connection.close()


async def _replace(connection: Connection, welcome: Welcome) -> None:
    """End an older engine that has nothing to do. Raises OtherVersionError."""
    told = f"process {welcome.pid} is version {welcome.version}, this is {VERSION}."
    try:
        if numbers(welcome.version) > numbers(VERSION):
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


def numbers(version: str) -> list[int]:
    """A version to be compared."""
    return [int(part) if part.isdigit() else -1 for part in version.split(".")]


async def launch(settings: Config, *more: str) -> None:
    """Start an engine and wait until it answers, or until another one does. Raises what its start raises."""
    from core.engine import log

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
            raise EngineError(
                f"it cannot be started: {error}.", "Set LADING_HOME to a folder of yours."
            ) from error
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
    """The process started here leaves at once; its child, which nobody waits for, is the engine."""
    from core.engine import log

    with log.streams(settings.home) as streams:
        subprocess.run(
            [sys.executable, "-P", "-m", "core.engine.process", str(status), *more],
            stdin=subprocess.DEVNULL,
            stdout=streams,
            stderr=streams,
            cwd="/",
            env=environment(os.environ, settings.home),
            pass_fds=(status,),
            start_new_session=True,
            check=False,
        )


def environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """What an engine gets: nothing of the terminal it was started from, and no path that is relative."""
    given = {key: value for key, value in environ.items() if key in NEEDED or key.startswith(NEEDED_PREFIXES)}
    if given.get(FILE_VARIABLE):
        given[FILE_VARIABLE] = os.path.abspath(os.path.expanduser(given[FILE_VARIABLE]))
    return {**given, "LADING_HOME": home}
