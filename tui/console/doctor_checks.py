"""The checks of `lading doctor`, without their output."""

import asyncio
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing

import msgspec

from core import VERSION, hardware, subprocesses
from core.archives import copies
from core.config import Config, profile
from core.errors import DatabaseError, LadingError, OlderDatabaseError
from core.paths import display
from core.schema import DATABASE_FILE
from core.server.offline import ReadOnlyDatabase
from core.sqlite import sqlite3
from core.tools import Tool, tools
from core.volumes import macos_permissions
from core.volumes.devices import filesystem_on
from core.volumes.filesystems import UNFLUSHED, FileSystem, Level, StorageKind, filesystem
from core.volumes.mounts import Mount, mounted_at, mounts
from core.volumes.probe import VolumeProbe, probe
from core.volumes.volume import Volume, volumes
from core.workers.pool import Pool
from tui.console.import_selection import any_yet, size

OPEN_TIMEOUT = 15.0
"""Seconds that an archive gets to open."""

ASK_TIMEOUT = 5.0
"""Seconds that a program of the system gets to answer."""

# Apple Support, "Adjust SMB browsing behavior in macOS".
_STORES = ("com.apple.desktopservices", "DSDontWriteNetworkStores")
FINDER = (
    "Finder leaves .DS_Store files in the folders of this archive that are opened with it. To keep it from doing "
    f"so on shares: defaults write {' '.join(_STORES)} -bool true, then log out and in again. lading tidy removes "
    "those that are there."
)


class Sqlite(msgspec.Struct, frozen=True, kw_only=True):
    """Python's SQLite."""

    version: str
    warning: str = ""


class FolderCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A folder to write to, and what its file system supports.

    exists: it exists already. publish: how files get their final names; empty: not tried. available: bytes; None
    when not known. problem: why it cannot be used. warning: a reason against using it for an archive.
    """

    path: str
    exists: bool
    filesystem: str
    kind: StorageKind
    level: Level
    flush: str
    largest_file: int | None
    available: int | None
    publish: str = ""
    problem: str = ""
    warning: str = ""


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all checks. `overridden`: the numbers of the profile that the configuration replaced."""

    version: str
    python: str
    system: str
    profile: hardware.Profile
    overridden: tuple[str, ...]
    tools: list[Tool]
    sqlite: Sqlite
    state: FolderCheck
    volumes: list[Volume]
    archive: FolderCheck | None
    hints: list[str]

    @property
    def usable(self) -> bool:
        """Whether an import could run."""
        return not self.state.problem and not (self.archive and self.archive.problem)


def catalog(home: str) -> str:
    """Why the catalog of a state folder cannot be used; empty if it can, or if there is none yet."""
    if not (size(os.path.join(home, DATABASE_FILE)) or any_yet(home)):
        return ""
    try:
        with closing(ReadOnlyDatabase(home)):
            return ""
    except OlderDatabaseError:
        return ""
    except DatabaseError as error:
        return f"{error.cause} {error.advice}"


async def examine(config: Config, path: str | None, environ: Mapping[str, str]) -> Checkup:
    """Run all checks in parallel; `path` is the archive's. Nothing is made or changed."""
    found, listed, state, opened = await asyncio.gather(
        asyncio.to_thread(tools),
        asyncio.to_thread(volumes),
        asyncio.to_thread(folder, config.home),
        archive_folder(path) if path else asyncio.sleep(0, None),
    )
    if not filesystem(state.filesystem, state.kind).sqlite:
        problem = "SQLite's locks cannot be relied on there: set LADING_HOME to a folder on a local disk"
        state = msgspec.structs.replace(state, problem=state.problem or problem)
    if not state.problem:
        state = msgspec.structs.replace(state, problem=await asyncio.to_thread(catalog, config.home))
    return Checkup(
        version=VERSION,
        python=platform.python_version(),
        system=system(await asyncio.to_thread(macos_version)),
        profile=profile(config, hardware.detect()),
        overridden=tuple(name for name, given in msgspec.structs.asdict(config.workers).items() if given),
        tools=found,
        sqlite=sqlite(sqlite3.sqlite_version_info),
        state=state,
        volumes=listed,
        archive=opened,
        hints=await asyncio.to_thread(hints, listed, opened, environ),
    )


def macos_version(system: str = sys.platform, known: str = platform.mac_ver()[0]) -> str:
    """The version of macOS; empty on other systems.

    `known` is what Python takes for it: 16.0 on macOS 26 when it was built with an older SDK
    (python/cpython#135675).
    """
    if system != "darwin":
        return ""
    answer = subprocesses.ask(["/usr/bin/sw_vers", "-productVersion"], ASK_TIMEOUT)
    return (display(answer.output.strip()) if answer and answer.status == 0 else "") or known


def system(mac: str) -> str:
    """The operating system and its version; for macOS its own version `mac`, not that of its kernel."""
    name = f"macOS {mac}" if mac else f"{platform.system()} {platform.release()}"
    return f"{name} {platform.machine()}"


def sqlite(version: Sequence[int]) -> Sqlite:
    """The version, with a warning for those with the WAL-reset race (sqlite.org, "The WAL-reset bug")."""
    number = tuple(version[:3])
    fixed = number >= (3, 51, 3) or (3, 50, 7) <= number < (3, 51) or (3, 44, 6) <= number < (3, 45)
    warning = (
        "has a rare race between several connections that can damage a database; fixed in 3.44.6, 3.50.7 and "
        "3.51.3. The archive is not at risk: the database can be rebuilt from it. Update Python, or the system's "
        "SQLite that it uses, then: make setup."
    )
    return Sqlite(version=".".join(map(str, number)), warning="" if fixed else warning)


def folder(path: str) -> FolderCheck:
    """Check a folder that exists or could be made. Blocks at most for the timeouts of its probes."""
    looked = probe(os.fsencode(path))
    place, exists = path, not looked.error
    while looked.error and looked.answers and place != os.path.dirname(place) and not os.path.lexists(place):
        place = os.path.dirname(place)
        looked = probe(os.fsencode(place))
    found = mounted_at(looked.mount, mounts())
    kind = filesystem_on(found) if found else filesystem("unknown")
    return FolderCheck(
        path=path,
        exists=exists,
        filesystem=kind.name,
        kind=kind.kind,
        level=kind.level,
        flush=flush(kind),
        warning=kind.warning,
        largest_file=kind.largest_file,
        available=looked.space.available if looked.space else None,
        problem=_problem(looked, place, found),
    )


def flush(kind: FileSystem, system: str = sys.platform) -> str:
    """The call that flushes data to the medium."""
    if system != "darwin":
        return "fsync"
    if kind.kind is StorageKind.NETWORK:
        return "fsync, and what the server makes of it"
    return "F_FULLFSYNC" if kind.flushes else "fsync"


def hints(
    listed: Sequence[Volume], archive: FolderCheck | None, environ: Mapping[str, str], system: str = sys.platform
) -> list[str]:
    """What a person should switch on; `archive` is the archive's folder."""
    errors = {volume.mount: volume.error for volume in listed}
    if system == "darwin":
        errors |= macos_permissions.refusals(["/Volumes"])
    found = macos_permissions.blocked_lines(errors, environ, system)
    if (
        system == "darwin"
        and archive
        and archive.kind is StorageKind.NETWORK
        and not _finder_leaves_shares_alone()
    ):
        found.append(FINDER)
    return found


def _finder_leaves_shares_alone() -> bool:
    answer = subprocesses.ask(["/usr/bin/defaults", "read", *_STORES], ASK_TIMEOUT)
    return answer is not None and answer.output.strip() == b"1"


async def archive_folder(path: str) -> FolderCheck:
    """Check an archive's folder, and which verification level a file written there can reach."""
    found = await asyncio.to_thread(folder, path)
    if found.problem or not (await asyncio.to_thread(probe, os.fsencode(os.path.join(path, ".lading")))).directory:
        return found
    pool = Pool()
    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            facts = await copies.examine(path, pool, create=False)
    except LadingError as error:
        return msgspec.structs.replace(found, problem=error.cause)
    except TimeoutError:
        return msgspec.structs.replace(found, problem="it does not answer")
    finally:
        await pool.stop()
    found = msgspec.structs.replace(found, publish=facts.way)
    if facts.flushes or found.kind is StorageKind.NETWORK:
        return found
    return msgspec.structs.replace(found, level=Level.UNPROVEN, flush="fsync", warning=UNFLUSHED)


def _problem(looked: VolumeProbe, place: str, found: Mount | None) -> str:
    if not looked.answers:
        return "it does not answer"
    if looked.error:
        return looked.error
    if not looked.directory:
        return "it is not a folder"
    if found and found.read_only:
        return "its volume is read-only"
    return "" if os.access(place, os.W_OK | os.X_OK) else "you may not write there"
