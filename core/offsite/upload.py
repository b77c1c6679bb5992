"""Uploads an archive to a remote: only files that the remote lacks, and only content that is as it was archived.

Journals are uploaded first, then the payload of each location followed by its bag's tag files, then the log of
moves, access notes and derivatives. Nothing is deleted on the remote.

rclone does what takes long with the archive's files, so that it can be killed; the rest is done in threads that
are abandoned when the archive does not answer.
"""

import asyncio
import filecmp
import os
import shutil
import time
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from core import archive_layout
from core.bagit.tag_files import MANIFEST, TAG_MANIFEST
from core.errors import UsageError
from core.models import Count
from core.offsite.book import RemoteBook
from core.offsite.lists import call_with_timeout, count_lines, folders
from core.offsite.payload_upload import NOTED, PayloadUpload, why_unequal
from core.offsite.rclone import Rclone, RcloneResult, Remote
from core.offsite.upload_progress import UploadProgress
from core.paths import display
from core.results import OffsiteResult

TAG_ATTEMPTS = 3
"""How often a run uploads a bag that changes during the upload."""

RETRY_PAUSE = 1.0
"""Seconds until the next attempt: the engine changes a file first, and makes the bag after that."""

NOT_MADE = "its bag is not made yet"
NOT_NAMED = "its bag does not name it as it is yet"
CHANGES = "its bag is just being changed: mirror once more"

UPLOAD_LISTS = f"{archive_layout.OWN}/offsite"
"""The remote's folder of lists of what was verified there, one file for each run."""

RECEIPT, WORKING = ".txt", "working"
"""In the state folder: the ending of such a list; the folder of what one run needs."""

_FORMER_WORKING = ("names.txt", "sums.txt", "*.manifest", "*.newer", "*.new")
"""In the state folder: what earlier versions left there, and names that were just being noted."""

_OTHERS = (archive_layout.MOVES, *archive_layout.DERIVATIVES)


class Upload:
    """One run of an upload. `state`: a folder used for this archive and this remote only; between runs it holds
    the names of payload that was never compared, and the lists of what was, if they did not reach the remote.
    `total`: (files, bytes) of all items of the archive, if the caller knows them."""

    def __init__(
        self,
        rclone: Rclone,
        archive: str,
        remote: Remote,
        state: str,
        book: RemoteBook | None = None,
        total: Count | None = None,
    ) -> None:
        self._rclone = rclone
        self._archive = archive
        self._remote = remote
        self._state = Path(state)
        self._working = self._state / WORKING
        self._book = book
        self._hashes = False
        self.progress = UploadProgress(total or Count())

    async def go(self) -> OffsiteResult:
        """Upload and compare everything. Raises UsageError, OffsiteError, ArchiveAwayError."""
        await asyncio.to_thread(self._clean)
        await asyncio.to_thread(self._working.mkdir, parents=True)
        try:
            return await self._upload_all()
        finally:
            await asyncio.to_thread(self._clean)

    async def _upload_all(self) -> OffsiteResult:
        began, moment = time.monotonic(), datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        progress, total = self.progress, 0
        await self._check_remote()
        if self._book is not None:
            progress.held = list(await self._book.begin())
        hashes = await self._rclone.hashes(self._remote)
        self._hashes = bool(hashes)
        receipt = self._state / f"{moment}{RECEIPT}"
        payload = PayloadUpload(
            self._rclone,
            self._archive,
            self._remote,
            self._state,
            self._working,
            receipt,
            hashes,
            progress,
            self._book,
        )
        await self._copy(archive_layout.OWN, "--size-only", "--include=/archive.toml", "--include=/imports/**")
        there = os.path.join(self._archive, archive_layout.LOCATIONS)
        for folder in await call_with_timeout(self._archive, lambda: folders(there)):
            total += await self._upload_location(folder, payload)
        notes = f"--include=/{os.path.basename(archive_layout.ACCESS_NOTES)}/**"
        await self._copy(archive_layout.OWN, self._compare_option, notes)
        others = [f"--include=/{os.path.basename(name)}/**" for name in _OTHERS]
        await self._copy(archive_layout.OWN, "--size-only", *others)
        result = OffsiteResult(
            archive=display(self._archive),
            remote=str(self._remote),
            total=total,
            brought=progress.brought[0],
            brought_bytes=progress.brought[1],
            compared=payload.how,
            lacking_count=progress.lacking_count,
            lacking=tuple(progress.lacking),
            not_arrived=progress.not_arrived,
            receipt=f"{UPLOAD_LISTS}/{receipt.name}" if payload.compared else "",
            seconds=time.monotonic() - began,
        )
        await self._send_receipts()
        return result

    def _clean(self) -> None:
        """Remove the files that only one run needs, which a killed run has left, and empty lists of noted
        names."""
        shutil.rmtree(self._working, ignore_errors=True)
        former = [file for pattern in _FORMER_WORKING for file in self._state.glob(pattern)]
        for file in (*former, *self._state.glob(f"*{NOTED}")):
            if file.is_file() and not (file.suffix == NOTED and file.stat().st_size):
                file.unlink()

    async def _send_receipts(self) -> None:
        """Upload the lists of what was compared, also those of runs that broke off. Raises OffsiteError."""
        lists = await asyncio.to_thread(lambda: sorted(self._state.glob(f"*{RECEIPT}")))
        if not lists:
            return
        await self._rclone.must("copy", str(self._state), self._remote.at(UPLOAD_LISTS), f"--include=/*{RECEIPT}")
        for file in lists:
            await asyncio.to_thread(file.unlink)

    async def _check_remote(self) -> None:
        """Check that the remote is empty, or holds this archive. Raises UsageError if it does not, or the archive
        cannot be read; OffsiteError; ArchiveAwayError."""
        toml = archive_layout.ARCHIVE_TOML
        try:
            ours = await call_with_timeout(self._archive, (Path(self._archive) / toml).read_text)
        except OSError as error:
            raise UsageError(
                f"{display(self._archive)} is no archive: {error.strerror}.", "Name an archive, then its remote."
            ) from error
        if os.path.basename(toml) in await self._rclone.names(self._remote.at(archive_layout.OWN)):
            theirs = "\n".join(await self._rclone.must("cat", self._remote.at(toml)))
            if theirs.strip() != ours.strip():
                raise UsageError(f"{self._remote} holds another archive.", "Give a path of its own.")
        elif await self._rclone.names(self._remote.spec):
            raise UsageError(f"{self._remote} holds something else.", "Give a path of its own, which is empty.")

    async def _copy(self, folder: str, *options: str) -> None:
        """Upload the files below `folder` that `options` select. A file that grows meanwhile, as the journal of a
        running import does, is uploaded up to the size that it had. Raises OffsiteError."""
        both = os.path.join(self._archive, folder), self._remote.at(folder)
        await self._rclone.must("copy", *both, "--local-no-check-updated", *options)

    @property
    def _compare_option(self) -> str:
        """The option of rclone for files that may have changed without changing their size: compare checksums, or
        where the remote has none, upload them all."""
        return "--checksum" if self._hashes else "--ignore-times"

    # One location

    async def _upload_location(self, folder: str, payload: PayloadUpload) -> int:
        """Upload a location. If its manifest changes meanwhile, the location is compared once more: the manifest
        may name now what it lacked before, and the bag at the remote may name files that the remote lacks. Returns
        how many files the bag names. Raises OffsiteError, ArchiveAwayError."""
        path = archive_layout.location(folder)
        listed = os.path.join(self._archive, path, MANIFEST)
        manifest, newer = self._working / MANIFEST, self._working / "newer"
        mark = self.progress.mark()
        for _ in range(TAG_ATTEMPTS):
            self.progress.forget_since(mark)
            if not await call_with_timeout(self._archive, lambda: os.path.isfile(listed)):
                self.progress.lack(path, NOT_MADE)
                return 0
            # A local copy of the manifest, because it is read once for each FILES_PER_UPLOAD, and is long in a
            # large archive.
            await self._fetch(listed, manifest)
            await payload.upload_location(path, manifest)
            if self.progress.mark() == mark:
                await self._upload_tags(path)
            await self._fetch(listed, newer)
            if await asyncio.to_thread(filecmp.cmp, manifest, newer, shallow=False):
                break
        else:
            if self.progress.mark() == mark:
                self.progress.lack(path, CHANGES)
        return await asyncio.to_thread(count_lines, manifest)

    async def _fetch(self, path: str, to: Path) -> None:
        await self._rclone.must("copyto", path, str(to), "--ignore-times")

    async def _upload_tags(self, path: str) -> None:
        """Upload and compare the bag's tag files; the tag manifest goes last. The engine may add a receipt or make
        the bag anew meanwhile: then all of them are uploaded once more."""
        differing: dict[str, str] = {}
        for attempt in range(TAG_ATTEMPTS):
            await asyncio.sleep(RETRY_PAUSE if attempt else 0)
            await self._copy(path, self._compare_option, "--exclude=/data/**", f"--exclude=/{TAG_MANIFEST}")
            await self._copy(path, self._compare_option, f"--include=/{TAG_MANIFEST}")
            differing = await self._tags_unlike_remote(path) or await self._tags_unlike_manifest(path)
            if not differing:
                return
        for name, why in differing.items():
            self.progress.lack(f"{path}/{name}", why)

    async def _tags_unlike_manifest(self, path: str) -> dict[str, str]:
        """Names of the bag's tag files here that the tag manifest states otherwise, and why. Raises
        OffsiteError."""
        local = os.path.join(self._archive, path)
        sums = os.path.join(local, TAG_MANIFEST)
        if not await call_with_timeout(self._archive, lambda: os.path.isfile(sums)):
            return {TAG_MANIFEST: NOT_MADE}
        async with aclosing(
            self._rclone.compare(RcloneResult(), "checksum", "sha256", sums, local, "--one-way")
        ) as files:
            return {name: NOT_NAMED async for sign, name in files if sign != "="}

    async def _tags_unlike_remote(self, path: str) -> dict[str, str]:
        """Names of the bag's tag files that are not equal on the remote, and why. Raises OffsiteError."""
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        options = ("--one-way", "--exclude=/data/**", *([] if self._hashes else ["--download"]))
        async with aclosing(self._rclone.compare(RcloneResult(), "check", local, there, *options)) as compared:
            return {name: why_unequal(sign) async for sign, name in compared if sign != "="}
