"""What the tests of volumes that go and come back in the middle of an import wait for and look at."""

from pathlib import Path

from core.client.client import Client
from core.models import State, Verdict, Waits
from core.snapshot import ImportView
from tests.rigs import disks
from tests.rigs.engines import card, request, soon, view

FILES, SIZE = 100, 1 << 20


async def until_midway(client: Client, id: str) -> None:
    """Wait until some files of an import have arrived, and some have not."""

    async def some() -> bool:
        now = await view(client, id)
        assert now.state is State.RUNNING, now.reason
        return now.archived.files > 0

    await soon(some)


async def until_state(client: Client, id: str, state: State, waits: Waits = Waits.NOTHING) -> ImportView:
    """Wait until an import is in this state. Returns the import then."""

    seen: list[ImportView] = []

    async def so() -> bool:
        seen.append(await view(client, id))
        return (seen[-1].state, seen[-1].waits) == (state, waits)

    await soon(so)
    return seen[-1]


async def check_others_go_on(client: Client, folder: Path) -> None:
    """Check that another import, from and to volumes that are well, runs to its end."""
    name = (await client.start_imports([request(card(folder / "other"), folder / "other archive")]))[0]
    await client.wait([name])
    assert (await view(client, name)).verdict is Verdict.SAFE


def contents(folder: Path) -> set[bytes]:
    """The contents of all files below a folder."""
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def receipts(archive: Path, name: str) -> int:
    """The number of receipts that an archive has of an import."""
    return len(list(archive.glob(f"locations/*/lading/{name}.txt")))


def arrived(archive: Path) -> set[bytes]:
    """The contents of all payload of an archive."""
    return {path.read_bytes() for path in archive.glob("locations/*/data/**/*") if path.is_file()}


async def is_given_back(archive: Path) -> bool:
    """Whether the engine has let go of an archive, as all that was to be done in the background is done."""
    return not (archive / ".lading/lock").exists()


class OtherPath:
    """Another mount point for a disk."""

    def __init__(self, folder: Path, disk: disks.Disk) -> None:
        self._path = folder / "elsewhere"

    def __enter__(self) -> Path:
        self._path.mkdir()
        return self._path

    def __exit__(self, *_: object) -> None:
        if disks.mounted(self._path):
            disks.unmount(self._path)
