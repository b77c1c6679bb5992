"""Engines for tests: started, asked, killed, and gone when the test ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil

from core.client import launcher
from core.client.client import Client
from core.client.connection import Connection
from core.config import Config
from core.engine.state_lock import LOCK_FILE
from core.models import ImportRequest
from core.snapshot import ImportView

ROOT = str(Path(__file__).resolve().parents[2])

PATIENCE = 120.0
"""Seconds that anything may take on a loaded machine."""

CLIP = "CLIP.MOV"

SLOWLY = {"LADING_READ_LIMIT": "80"}
"""The environment of an engine that reads a clip for some seconds, so that a test can act in the middle of it."""

COMMAND = [sys.executable, "-c", "from tui.cli import main; import sys; sys.argv[0] = 'lading'; main()"]


def environ(home: Path, **more: str) -> dict[str, str]:
    """The environment of a command that uses the state folder `home`."""
    # With COLUMNS lists are as wide as that.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LADING_", "COLUMNS"))}
    return {**kept, "PYTHONPATH": ROOT, "LADING_HOME": str(home), **more}


def lading(
    home: Path, *arguments: str, timeout: float = PATIENCE, more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end. `more` is added to its environment, and to that of an engine that it starts."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environ(home, **(more or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def engine_of(home: Path) -> psutil.Process | None:
    """The process that holds the state folder, if there is one."""
    with suppress(OSError, ValueError, psutil.NoSuchProcess):
        process = psutil.Process(int((home / LOCK_FILE).read_text()))
        # The process id may have been reused.
        if "core.server.daemonize" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def the_engine(home: Path) -> psutil.Process:
    """The process that holds the state folder; there must be one."""
    found = engine_of(home)
    assert found
    return found


@contextmanager
def swept(home: Path) -> Iterator[Path]:
    """`home`, whose engine with its children is killed at the end, and checked to be gone."""
    try:
        yield home
    finally:
        engine = engine_of(home)
        if engine is not None:
            family = kin(engine)
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            gone(family)


def kin(process: psutil.Process) -> list[psutil.Process]:
    """A process and all its descendants; only the process when it has just ended by itself."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return [process]


def gone(processes: list[psutil.Process], timeout: float = PATIENCE) -> None:
    """Wait until all have ended. Raises AssertionError."""
    until = time.monotonic() + timeout
    while left := [one for one in processes if alive(one)]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.02)


def alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def until(true: Callable[[], object], timeout: float = PATIENCE) -> None:
    """Wait until the condition holds. Raises AssertionError."""
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


async def soon(true: Callable[[], Awaitable[object]]) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not await true():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def attached(home: Path) -> AsyncIterator[Client]:
    """A client of the engine of `home`."""
    client = Client(Config(home=str(home)))
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def connection(home: Path) -> Connection:
    """A bare connection to the engine of `home`, which must run."""
    found = await launcher.look(str(home))
    assert found
    return found[0]


async def view(client: Client, id: str) -> ImportView:
    """An import's view in the engine's newest snapshot."""
    await client.subscribe()
    return next(view for view in client.snapshot().imports if view.id == id)


def card(folder: Path, files: int = 4, size: int = 1 << 20) -> Path:
    """Make a source with this many different files."""
    folder.mkdir(parents=True)
    for number in range(files):
        (folder / f"IMG_{number:04}.JPG").write_bytes(os.urandom(64) + bytes(size - 64))
    return folder


def clip(folder: Path, size: int = 1 << 30) -> Path:
    """Make a source with one file that takes a while to read; the file is sparse, its copy is not."""
    folder.mkdir(parents=True)
    with open(folder / CLIP, "wb") as file:
        file.truncate(size)
    return folder


def freeze(home: Path) -> list[psutil.Process]:
    """Stop the workers of the engine of `home` that are reading a clip, in the middle of it."""
    frozen: list[psutil.Process] = []

    def found() -> bool:
        engine = engine_of(home)
        for worker in kin(engine)[1:] if engine else []:
            with suppress(psutil.Error):
                if reads(worker):
                    worker.suspend()
                    # The worker may have reached the end meanwhile.
                    if reads(worker):
                        frozen.append(worker)
                    else:
                        worker.resume()
        return bool(frozen)

    def reads(worker: psutil.Process) -> bool:
        return any(file.path.endswith(CLIP) for file in worker.open_files())

    until(found)
    return frozen


def request(source: Path, archive: Path) -> ImportRequest:
    """The request to import `source`."""
    return ImportRequest(source=str(source), archive=str(archive), location="Here")
