"""Uploads the payload of an archive's locations.

Payload that the remote has with the same name and size is not uploaded again. New payload is compared with the
bag's manifest before the upload; afterwards the uploaded file is compared with the local one, by a checksum that
the remote has, else by downloading it. The name of each payload is noted before its upload, so that it is compared
even if the upload was interrupted. Payload that the remote has, but that was never compared there as far as the
catalog knows, is compared once. No payload is replaced that this state folder has not noted.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from pathlib import Path

from core.offsite.book import RemoteBook
from core.offsite.lists import absent, call_with_timeout, digests_of, entries, read_names, total_size, write_names
from core.offsite.rclone import Rclone, RcloneResult, Remote
from core.offsite.upload_progress import UploadProgress
from core.paths import display

FILES_PER_UPLOAD = 5000
"""Files per upload; the names of so many are in memory."""

ATTEMPTS = 2
"""How often a run uploads a file that does not arrive, or differs at the remote. Within each attempt, rclone
itself repeats what fails."""

ARRIVED_DIFFERENT = "what arrived differs"
_WHY = {"+": "it did not arrive"}
"""Why a file is not equal on the remote, by rclone's sign for it."""

DOWNLOADED = "by downloading it again"

DIFFERS = "its content is not what was archived"
"""Damage of payload at a remote."""

NOT_REPLACED = "what lies there differs, and is not replaced"

CAUSES_TOLD = 2
"""How many causes are told to a person. rclone names several in one line, each the cause of the one before it."""

NOTED = ".noted"
"""The ending of a file with the names of a location's payload that was not compared yet."""


def why_unequal(sign: str) -> str:
    """Why a file is not equal on the remote, by rclone's sign for it."""
    return _WHY.get(sign, ARRIVED_DIFFERENT)


class PayloadUpload:
    """Uploads the payload of one run.

    `noted`: the folder where names of payload are noted; `working`: one for what only this run needs. `hashes`:
    the checksums that the remote has of its files. `receipt`: the list of what was compared.
    """

    def __init__(
        self,
        rclone: Rclone,
        archive: str,
        remote: Remote,
        noted: Path,
        working: Path,
        receipt: Path,
        hashes: Sequence[str],
        progress: UploadProgress,
        book: RemoteBook | None,
    ) -> None:
        self._rclone = rclone
        self._archive = archive
        self._remote = remote
        self._notes = noted
        self._working = working
        self._receipt = receipt
        self._hashes = bool(hashes)
        self._progress = progress
        self._book = book
        self._none_arrived = False
        """Whether nothing of the last upload has arrived."""
        self.how = f"by its own {hashes[0].upper()}" if hashes else DOWNLOADED
        """How what arrived is compared."""
        self.compared = 0
        """Files that arrived, and are equal."""

    async def upload_location(self, path: str, manifest: Path) -> None:
        """Upload and compare what the remote lacks of the location `path`, whose manifest is in the file
        `manifest`. Raises OffsiteError, ArchiveAwayError."""
        async for missing, unproven in self._find_missing(path):
            await self._upload_sound(path, manifest, missing, unproven)
        await self._record_lost(path, manifest)

    async def _find_missing(self, path: str) -> AsyncIterator[tuple[list[str], list[str]]]:
        """Names of payload, about FILES_PER_UPLOAD at a time: those that the remote lacks, or whose upload was
        interrupted; and those that it has at their size, but which were never compared there. Payload that the
        remote has with another size is recorded as lacking."""
        noted = await asyncio.to_thread(read_names, self._notes_file(path))
        ended, names, there = RcloneResult(), list(noted), list[str]()
        options = ("--size-only", "--one-way", "--include=/data/**")
        async with aclosing(self._rclone.compare(ended, "check", *self._both_folders(path), *options)) as compared:
            async for sign, name in compared:
                if name in noted:
                    continue
                if sign == "=":
                    there.append(name)
                elif sign == "+":
                    names.append(name)
                else:
                    self._progress.lack(
                        f"{path}/{name}", "another size lies there under its name, and is not replaced"
                    )
                    await self._record_damage(path, [name], "it has another size")
                if len(names) + len(there) >= FILES_PER_UPLOAD:
                    yield names, await self._unproven(path, there)
                    names, there = [], []
        if names or there:
            yield names, await self._unproven(path, there)

    async def _record_lost(self, path: str, manifest: Path) -> None:
        """Record as lacking the payload that the bag names and that neither the archive nor the remote has.
        Payload that only the archive has lost is not recorded, because there is nothing to compare the remote's
        file with. Raises OffsiteError, ArchiveAwayError."""
        local, listed = os.path.join(self._archive, path), entries(manifest)
        while names := await asyncio.to_thread(lambda: list(islice(listed, FILES_PER_UPLOAD))):
            lost = await call_with_timeout(self._archive, partial(absent, local, names))
            if not lost:
                continue
            found = await self._rclone.names(self._remote.at(path), "--recursive", *await self._files_option(lost))
            for name in set(lost) - set(found):
                self._progress.lack(f"{path}/{name}", "it is not there, and the archive has it no more")
                await self._record_damage(path, [name], "it is not there")

    async def _unproven(self, path: str, names: list[str]) -> list[str]:
        if self._book is None or not names:
            return []
        unproven = await self._book.unproven([f"{path}/{name}" for name in names])
        return [name for name in names if f"{path}/{name}" in unproven]

    async def _record_damage(self, path: str, names: list[str], why: str) -> None:
        """Record in the catalog that the remote has no sound file of these names."""
        if self._book is not None and names:
            await self._book.record([f"{path}/{name}" for name in names], why)

    async def _upload_sound(self, path: str, manifest: Path, missing: list[str], unproven: list[str]) -> None:
        """Compare payload with the manifest here, upload what is sound and `missing`, and compare that and the
        `unproven` payload at the remote. Names are below `path`. Raises OffsiteError, ArchiveAwayError."""
        names = [*missing, *unproven]
        if not names:
            return
        wanted = await asyncio.to_thread(digests_of, manifest, names)
        for name in names:
            if name not in wanted:
                self._progress.lack(f"{path}/{name}", "its bag does not name it yet")
        sound = await self._find_sound(path, wanted)
        if not sound:
            return
        new = sorted(set(sound) & set(missing))
        well = await self._upload_and_compare(path, sound, new)
        brought = sorted(set(well) & set(new))
        local = os.path.join(self._archive, path)
        size = await call_with_timeout(self._archive, lambda: total_size(local, brought))
        await asyncio.to_thread(self._record, path, well, wanted)
        progress = self._progress
        progress.on_the_way = 0
        progress.brought = [progress.brought[0] + len(brought), progress.brought[1] + size]
        if self._book is not None:
            items = await self._book.record([f"{path}/{name}" for name in well])
            progress.held = [progress.held[0] + items[0], progress.held[1] + items[1]]

    async def _find_sound(self, path: str, wanted: dict[str, str]) -> list[str]:
        """Those of the names in `wanted` whose files here have these SHA-256; the others are recorded as
        lacking."""
        sums = self._working / "sums.txt"
        await asyncio.to_thread(sums.write_text, "".join(f"{sha}  {name}\n" for name, sha in wanted.items()))
        sound: list[str] = []
        options = ("checksum", "sha256", str(sums), os.path.join(self._archive, path), "--one-way")
        async with aclosing(self._rclone.compare(RcloneResult(), *options)) as compared:
            async for sign, name in compared:
                if sign == "=":
                    sound.append(name)
                else:
                    self._progress.lack(f"{path}/{name}", "it is not what was archived: lading audit")
                    self._progress.unsound.append(f"{path}/{name}")
        return sound

    async def _upload_and_compare(self, path: str, names: list[str], new: list[str]) -> list[str]:
        """Upload those of the names that are `new`, up to ATTEMPTS times. Returns which of all names are equal on
        the remote; the others are recorded as lacking.

        Raises OffsiteError when two uploads in a row have failed and nothing of them has arrived, because a store
        that is full takes no file at all. A single file that the store refuses does not end the run.
        """
        bad: dict[str, str] = {}
        left, well = names, list[str]()
        for attempt in range(ATTEMPTS):
            again = [name for name in new if name in bad] if attempt else new
            ended = await self.upload(path, again, anew=attempt > 0) if again else RcloneResult()
            found, wrong = await self.compare(path, left)
            well += found
            none = not well and bool(ended.status)
            if none and self._none_arrived:
                raise ended.error()
            self._none_arrived = none
            bad = {name: why for name, why in bad.items() if name not in found}
            bad |= {name: f"{why}{ended.about(name)}" for name, why in wrong.items()}
            left = [name for name in new if name in wrong]
            if not left or none:
                break
        old = set(names) - set(new)
        for name, why in bad.items():
            self._progress.lack(f"{path}/{name}", NOT_REPLACED if name in old else why)
        if refused := sorted(bad.keys() - old):
            self._progress.refuse(len(refused), f"{path}/{refused[0]}", bad[refused[0]])
        await self._record_damage(path, [name for name in bad if name in old], DIFFERS)
        return well

    async def upload(self, path: str, names: list[str], *, anew: bool = False) -> RcloneResult:
        """Note the names of payload, then upload it; `anew`: also what the remote has at its size. Returns how
        rclone ended."""
        noted = self._notes_file(path)
        await asyncio.to_thread(write_names, noted, {*await asyncio.to_thread(read_names, noted), *names})
        from_list, ended, progress = await self._files_option(names), RcloneResult(), self._progress

        def moved(size: int, name: str) -> None:
            stands = ended.errors and size <= progress.on_the_way
            progress.trouble = ": ".join(ended.why.split(": ")[-CAUSES_TOLD:]) if stands else ""
            progress.on_the_way = size
            progress.in_flight[path] = f"{path}/{name}"

        try:
            options = ("--ignore-times" if anew else "--size-only", *from_list)
            async with aclosing(
                self._rclone.lines(ended, "copy", *self._both_folders(path), *options, moved=moved)
            ) as lines:
                async for _ in lines:
                    pass
        finally:
            progress.trouble = ""
            progress.in_flight.clear()
        return ended

    async def compare(self, path: str, names: list[str]) -> tuple[list[str], dict[str, str]]:
        """Compare files here with those at the remote. Returns the names of those that are equal, and for all
        others why they are not, by name. Raises OffsiteError."""
        from_list = await self._files_option(names)
        well: list[str] = []
        bad: dict[str, str] = {}
        for download in (not self._hashes, True):
            ended = RcloneResult()
            well, bad = [], {}
            options = ("--one-way", *from_list, *(["--download"] if download else []))
            async with aclosing(
                self._rclone.compare(ended, "check", *self._both_folders(path), *options)
            ) as compared:
                async for sign, name in compared:
                    if sign == "=":
                        well.append(name)
                    else:
                        bad[name] = why_unequal(sign)
            # For files that have no checksum on the remote, rclone compares only the size, and says so.
            if not any("could not be checked" in line for line in ended.errors) or download:
                break
            self.how = DOWNLOADED
        return well, bad

    async def _files_option(self, names: list[str]) -> tuple[str, str]:
        """The options of rclone that limit a command to these files."""
        listed = self._working / "names.txt"
        await asyncio.to_thread(listed.write_text, "".join(f"{name}\n" for name in names))
        return ("--files-from-raw", str(listed))

    def _both_folders(self, path: str) -> tuple[str, str]:
        """The location's folder `path` here and at the remote, as arguments of rclone."""
        return os.path.join(self._archive, path), self._remote.at(path)

    def _record(self, path: str, well: list[str], wanted: dict[str, str]) -> None:
        write_names(self._notes_file(path), set(read_names(self._notes_file(path))) - set(well))
        with self._receipt.open("a", encoding="utf-8") as file:
            if not file.tell():
                file.write(f"VERIFIED AT {display(str(self._remote))}\n\n")
            for name in well:
                file.write(f"{wanted[name]}  {path}/{name}  {self.how}\n")
        self.compared += len(well)

    def _notes_file(self, path: str) -> Path:
        """The file with the names of payload whose upload was begun, but which was not compared yet."""
        return self._notes / f"{os.path.basename(path)}{NOTED}"
