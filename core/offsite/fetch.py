"""Fetching an archive from a remote into an empty folder, which is a copy of the archive from then on.

Each location is compared with the manifests of its bag; files that differ are downloaded once more. Until all
files are equal, a mark in the folder allows a later run to continue.
"""

import os
import time
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path

from core import archive_layout
from core.bagit.tag_files import MANIFEST, TAG_MANIFEST
from core.checksums.names import below
from core.errors import UsageError
from core.models import Count
from core.offsite.audit import WHY, compare_with_manifest
from core.offsite.lists import call_with_timeout, folders
from core.offsite.rclone import Rclone, Remote
from core.offsite.upload_progress import NAMED
from core.paths import display
from core.results import OffsiteResult

FETCHING_MARK = f"{archive_layout.OWN}/fetching"
"""The mark: a file that exists while the fetch is not complete."""

ATTEMPTS = 2
"""How often files that differ are brought once more."""

SYNC_TIMEOUT = 600.0
"""Seconds that flushing, and a listing of all files, may take."""


class Fetch:
    """One run of a fetch from `remote` into `folder`. Its counts are read while it runs, for the progress."""

    def __init__(self, rclone: Rclone, remote: Remote, folder: str) -> None:
        self._rclone = rclone
        self._remote = remote
        self._folder = folder
        self._moving = 0
        self.total = Count()
        """(files, bytes) of all that the remote holds, once it is known."""
        self.held = [0, 0]
        """[payload files, bytes] that are equal to what the bags name; known at the end."""
        self.brought = [0, 0]
        """[payload files, bytes], as `held`: payload that was in the folder before this run counts, too."""
        self.lacking_count = 0
        self.on_the_way = 0
        self.trouble = ""
        self.in_flight: dict[object, str] = {}
        """A file that is just being downloaded."""

    def bytes_moved(self) -> tuple[int, ...]:
        """Bytes downloaded so far."""
        return (self._moving,)

    async def go(self) -> OffsiteResult:
        """Download and compare everything. Raises UsageError, OffsiteError, ArchiveAwayError."""
        began = time.monotonic()
        toml = archive_layout.ARCHIVE_TOML
        if os.path.basename(toml) not in await self._rclone.names(self._remote.at(archive_layout.OWN)):
            raise UsageError(f"{self._remote} holds no archive.", "Name it as `lading mirror` was given it.")
        await call_with_timeout(self._folder, self._begin)
        self.total = await self._rclone.size(self._remote)
        left_out = [f"--exclude=/{archive_layout.STAGING}/**", f"--exclude=/{archive_layout.LOCK}"]
        # Comparing sizes finds files that an interrupted run truncated; contents are compared below.
        try:
            options = ("--size-only", *left_out)
            await self._rclone.must("copy", self._remote.spec, self._folder, *options, moved=self._moved)
        finally:
            self.in_flight.clear()
        total, wrong = await self._compare_all()
        before: list[tuple[str, str]] = []
        for _ in range(ATTEMPTS):
            if wrong == before:
                break
            before = wrong
            await self._bring_again([path for path, _ in wrong])
            total, wrong = await self._compare_all()
        await call_with_timeout(self._folder, os.sync, SYNC_TIMEOUT)
        if not wrong:
            await call_with_timeout(self._folder, partial(os.unlink, os.path.join(self._folder, FETCHING_MARK)))
        locations = os.path.join(self._folder, archive_layout.LOCATIONS)
        size = await call_with_timeout(self._folder, partial(_size, locations), SYNC_TIMEOUT)
        self.lacking_count = len(wrong)
        self.held = self.brought = [total - len(wrong), size]
        return OffsiteResult(
            archive=display(self._folder),
            remote=str(self._remote),
            total=total,
            brought=total - len(wrong),
            brought_bytes=size,
            compared="with the SHA-256 of its bags",
            lacking_count=len(wrong),
            lacking=tuple((display(path), why) for path, why in wrong[:NAMED]),
            seconds=time.monotonic() - began,
        )

    async def _bring_again(self, paths: list[str]) -> None:
        """Download these files once more, and all tag files of their bags: an upload may have replaced them at the
        remote since they were downloaded, some without a change of size."""
        for path in filter(_is_inside, paths):
            there = os.path.join(self._folder, path)
            await call_with_timeout(self._folder, partial(_remove, there))
            await self._rclone.run("copyto", self._remote.at(path), there)
        for bag in sorted({"/".join(path.split("/")[:2]) for path in paths}):
            both = self._remote.at(bag), os.path.join(self._folder, bag)
            await self._rclone.run("copy", *both, "--ignore-times", "--exclude=/data/**")

    def _moved(self, size: int, name: str) -> None:
        self._moving = size
        self.held = self.brought = [0, size]
        self.in_flight[self] = name

    def _begin(self) -> None:
        """Make the folder and its mark. Raises UsageError if the folder holds files, but no mark, or cannot be
        written."""
        folder = Path(self._folder)
        mark = folder / FETCHING_MARK
        try:
            if folder.exists() and any(folder.iterdir()) and not mark.exists():
                raise UsageError(f"{display(self._folder)} is not empty.", "Give a folder that is empty or new.")
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except OSError as error:
            raise UsageError(
                f"{display(self._folder)} cannot be written: {error.strerror}.",
                "Give a folder that you may write in.",
            ) from error

    async def _compare_all(self) -> tuple[int, list[tuple[str, str]]]:
        """Compare all locations in the folder with the manifests of their bags. Returns how many files the
        manifests name, and (path, why) of those that differ or are missing. Raises OffsiteError,
        ArchiveAwayError."""
        total, wrong = 0, list[tuple[str, str]]()
        locations = os.path.join(self._folder, archive_layout.LOCATIONS)
        for folder in await call_with_timeout(self._folder, partial(folders, locations)):
            path = archive_layout.location(folder)
            for manifest in (TAG_MANIFEST, MANIFEST):
                async with aclosing(
                    compare_with_manifest(self._rclone, os.path.join(self._folder, path), manifest)
                ) as files:
                    async for sign, name in files:
                        total += manifest == MANIFEST
                        if sign != "=":
                            wrong.append((f"{path}/{name}", WHY.get(sign, "it cannot be read")))
        return total, wrong


def _is_inside(path: str) -> bool:
    """Whether a path that a manifest names is below the archive. Whoever can write to the remote can write any
    path into its manifests, and a file that a manifest names is removed here before it is downloaded once more."""
    name = os.fsencode(path)
    return below(b"", name) == name


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _size(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(above, name)) for above, _, names in os.walk(folder) for name in names)
