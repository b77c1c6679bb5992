"""The demo's environment: a temporary folder with cards, archive and engine, removed at the end."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager

import msgspec

from core import config, tools
from core.config import Config
from core.errors import LadingError
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount
from core.volumes.space import space
from core.volumes.volume import Volume, volumes
from tui.demo import cards

PREFIX = "lading-demo-"

NEEDED_BYTES = 1 << 30
"""Bytes that cards and archive need, with a margin."""

READ_LIMIT = 2
"""Megabytes per second that are read from each card: slow enough to watch."""

DEMO_LOCATION = "Mill Creek Asylum"


class DemoError(LadingError):
    """The demo cannot be set up."""

    title = "No demo"


class DemoStage(msgspec.Struct, frozen=True):
    """Settings for the demo's engine, and the folders of the cards."""

    settings: Config
    cards: tuple[str, ...]

    def volumes(self) -> list[Volume]:
        """The cards, as if they were mounted volumes."""
        return volumes(
            among=[
                Mount(mount=card, device="demo", filesystem="folder", kind=StorageKind.LOCAL, read_only=False)
                for card in self.cards
            ]
        )


@contextmanager
def stage(environ: MutableMapping[str, str], told: Callable[[str], None]) -> Iterator[DemoStage]:
    """Set the demo up, and remove it afterwards; `environ` is what the engine inherits. Raises DemoError,
    ConfigError.

    A separate process removes it, so that nothing stays, however this process ends.
    """
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX)
    except OSError as error:
        raise DemoError(f"there is no temporary folder: {error.strerror}.", "Set TMPDIR to another.") from error
    sweeper = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui.demo.sweep", folder],
        stdin=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    before = dict(environ)
    try:
        yield _set_up(folder, environ, told)
    finally:
        _rest.set()
        environ.clear()
        environ.update(before)
        sweeper.communicate()


def _set_up(folder: str, environ: MutableMapping[str, str], told: Callable[[str], None]) -> DemoStage:
    home, root = os.path.join(folder, "home"), os.path.join(folder, "cards")
    try:
        room = space(os.fsencode(folder))
        if room is not None and room.available < NEEDED_BYTES:
            raise DemoError(f"{folder} has less than 1 GB of room.", "Set TMPDIR to a folder that has more.")
        os.makedirs(home, mode=0o700)
        made = cards.make(root, tools.find("ffmpeg"), told)
        _keep_writing(cards.loose(made[-1]))
    except OSError as error:
        raise DemoError(f"it cannot be set up: {error}.", "Set TMPDIR to another folder.") from error
    for name in [name for name in environ if name.startswith(config.ENVIRONMENT_PREFIX)]:
        del environ[name]
    environ.update(
        LADING_HOME=home,
        LADING_ARCHIVE=os.path.join(folder, "archive"),
        LADING_LOCATION=DEMO_LOCATION,
        LADING_OPERATOR="Ada",
        LADING_READ_LIMIT=str(READ_LIMIT),
        # A worker with a read limit keeps its place, so on a small machine two cards would take turns without
        # these.
        LADING_WORKERS_HASH="6",
        LADING_WORKERS_COPY="9",
    )
    return DemoStage(config.load({}, environ), tuple(made))


_rest = threading.Event()


def _keep_writing(path: str) -> None:
    """Make a file that grows until the end, like a recording or a copy that is still running."""
    with open(path, "wb") as file:
        file.write(os.urandom(cards.LOOSE))
    _rest.clear()

    def write() -> None:
        with open(path, "ab", buffering=0) as file:
            while not _rest.wait(0.1):
                file.write(b"more")

    threading.Thread(target=write, name="recording", daemon=True).start()
