"""Uploads an archive to a remote: only files that the remote lacks, and only content that is as it was archived.

Journals are uploaded first, then the payload of each location followed by its bag's tag files, then the log of
moves, access notes and derivatives.
Payload that the remote has with the same name and size is not uploaded again. New payload is compared with the
bag's manifest before the upload; afterwards the uploaded file is compared with the local one, by a checksum that
the remote has, else by downloading it. The name of each payload is noted before its upload, so that it is compared
even if the upload was interrupted. Payload that the remote has, but that was never compared there as far as the
catalog knows, is compared once. Nothing is deleted on the remote, and no payload is replaced that this state
folder has not noted.

rclone does what takes long with the archive's files, so that it can be killed; the rest is done in threads that
are abandoned when the archive does not answer.
"""

import asyncio
import filecmp
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from core import archive_layout
from core.errors import UsageError
from core.models import Count
from core.offsite.book import RemoteBook
from core.offsite.lists import (
    absent,
    answered,
    count_lines,
    digests_of,
    entries,
    folders,
    read_names,
    total_size,
    write_names,
)
from core.offsite.rclone import Rclone, RcloneResult, Remote
from core.paths import display
from core.results import OffsiteResult

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"

FILES_PER_UPLOAD = 5000
"""Files per upload; the names of so many are in memory."""

NAMED = 1000
"""The most files that a result names."""

ATTEMPTS = 2
"""How often a run uploads a file that does not arrive, or differs there. rclone itself repeats what fails."""

TAG_ATTEMPTS = 3
"""How often a run uploads a bag that changes meanwhile."""

RETRY_PAUSE = 1.0
"""Seconds until the next attempt: the engine changes a file first, and makes the bag after that."""

ARRIVED_DIFFERENT = "what arrived differs"
NOT_MADE = "its bag is not made yet"
NOT_NAMED = "its bag does not name it as it is yet"
CHANGES = "its bag is just being changed: mirror once more"
_WHY = {"+": "it did not arrive"}
"""Why a file is not equal on the remote, by rclone's sign for it."""

UPLOAD_LISTS = f"{archive_layout.OWN}/offsite"
"""The remote's folder of lists of what was verified there, one file for each run."""

RECEIPT, NOTED, WORKING = ".txt", ".noted", "working"
"""In the state folder: the endings of such a list and of the names of a location's payload that was not compared
yet; the folder of what one run needs."""

_FORMER_WORKING = ("names.txt", "sums.txt", "*.manifest", "*.newer", "*.new")
"""In the state folder: what earlier versions left there, and names that were just being noted."""

CAUSES_TOLD = 2
"""Of the causes that rclone names in one line, each of the one before, how many tell what holds an upload up."""

DOWNLOADED = "by downloading it again"

DIFFERS = "its content is not what was archived"
"""Damage of payload at a remote."""

NOT_REPLACED = "what lies there differs, and is not replaced"


class Upload:
    """One run. `state`: a folder used for this archive and this remote only; between runs it holds the names of
    payload that was never compared, and the lists of what was, if they did not reach the remote. `tell` is called
    with lines about the progress."""

    def __init__(
        self,
        rclone: Rclone,
        archive: str,
        remote: Remote,
        state: str,
        tell: Callable[[str], None],
        book: RemoteBook | None = None,
    ) -> None:
        self._rclone = rclone
        self._archive = archive
        self._remote = remote
        self._state = Path(state)
        self._working = self._state / WORKING
        self._tell = tell
        self._book = book
        self._hashes = False
        self._how = DOWNLOADED
        self._total = self._compared = self._moving = 0
        self._lacking: list[tuple[str, str]] = []
        self.total = Count()
        """(files, bytes) of all items of the archive, if the caller knows them."""
        self.held = [0, 0]
        """[items, bytes] known to be intact at the remote."""
        self.brought = [0, 0]
        """[payload files, bytes] that this run has uploaded."""
        self.lacking_count = 0
        self._none_arrived = False
        """Whether nothing of the last upload has arrived."""
        self._refused: tuple[int, str] = 0, ""
        """How many files did not arrive, and of one of them why."""
        self.trouble = ""
        """What rclone says of the upload as long as nothing moves."""
        self.unsound: list[str] = []
        """Paths of payload here that is not what was archived."""
        self.in_flight: dict[object, str] = {}
        """A file that is just being uploaded."""

    @property
    def on_the_way(self) -> int:
        """Bytes uploaded, and not compared yet."""
        return self._moving

    def bytes_moved(self) -> tuple[int, ...]:
        """Bytes uploaded so far."""
        return (self.brought[1] + self._moving,)

    async def go(self) -> OffsiteResult:
        """Upload and compare everything. Raises UsageError, OffsiteError, ArchiveAwayError."""
        await asyncio.to_thread(self._clean)
        await asyncio.to_thread(self._working.mkdir, parents=True)
        try:
            return await self._all()
        finally:
            await asyncio.to_thread(self._clean)

    async def _all(self) -> OffsiteResult:
        began, moment = time.monotonic(), datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        await self._same()
        if self._book is not None:
            self.held = list(await self._book.begin())
        hashes = await self._rclone.hashes(self._remote)
        self._hashes = bool(hashes)
        self._how = f"by its own {hashes[0].upper()}" if hashes else DOWNLOADED
        receipt = self._state / f"{moment}{RECEIPT}"
        await self._copy(archive_layout.OWN, "--size-only", "--include=/archive.toml", "--include=/imports/**")
        there = os.path.join(self._archive, archive_layout.LOCATIONS)
        for folder in await answered(self._archive, lambda: folders(there)):
            await self._location(folder, receipt)
        notes = f"--include=/{os.path.basename(archive_layout.ACCESS_NOTES)}/**"
        await self._copy(archive_layout.OWN, self._changed, notes)
        others = [f"--include=/{os.path.basename(name)}/**" for name in _OTHERS]
        await self._copy(archive_layout.OWN, "--size-only", *others)
        result = OffsiteResult(
            archive=display(self._archive),
            remote=str(self._remote),
            total=self._total,
            brought=self.brought[0],
            brought_bytes=self.brought[1],
            compared=self._how,
            lacking_count=self.lacking_count,
            lacking=tuple(self._lacking),
            not_arrived=self._not_arrived(),
            receipt=f"{UPLOAD_LISTS}/{receipt.name}" if self._compared else "",
            seconds=time.monotonic() - began,
        )
        await self._send_receipts()
        return result

    def _clean(self) -> None:
        """Remove what only one run needs, since one that was killed has left it, and names of nothing."""
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

    def _not_arrived(self) -> str:
        count, one = self._refused
        return f"{count:,} file{'s' if count > 1 else ''} did not arrive ({one})" if count else ""

    async def _same(self) -> None:
        """Raises UsageError unless the remote is empty, or holds this archive; OffsiteError."""
        toml = archive_layout.ARCHIVE_TOML
        try:
            ours = await answered(self._archive, (Path(self._archive) / toml).read_text)
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
        """Upload the files below `folder` that `options` select. One that grows meanwhile, as the journal of an
        import that runs, is uploaded up to the size that it had. Raises OffsiteError."""
        both = os.path.join(self._archive, folder), self._remote.at(folder)
        await self._rclone.must("copy", *both, "--local-no-check-updated", *options)

    @property
    def _changed(self) -> str:
        """The option for files that may have changed, and kept their size."""
        return "--checksum" if self._hashes else "--ignore-times"

    # One location

    async def _location(self, folder: str, receipt: Path) -> None:
        """Upload a location. If its manifest changes meanwhile, it is compared once more: what was lacking may be
        named now, and the bag at the remote may name what is not there."""
        path = archive_layout.location(folder)
        listed = os.path.join(self._archive, path, MANIFEST)
        manifest, newer = self._working / MANIFEST, self._working / "newer"
        brought, lacked, refused = self.brought[0], (self.lacking_count, len(self._lacking)), self._refused
        for attempt in range(TAG_ATTEMPTS):
            if attempt:
                self.lacking_count, self._refused = lacked[0], refused
                del self._lacking[lacked[1] :]
            if not await answered(self._archive, lambda: os.path.isfile(listed)):
                self._lack(path, NOT_MADE)
                return
            # It is read once for each FILES_PER_UPLOAD, and may be as large as the archive has files.
            await self._fetch(listed, manifest)
            async for missing, unproven in self._missing(path):
                await self._bring(path, manifest, missing, unproven, receipt)
            await self._lost_here(path, manifest)
            if self.lacking_count == lacked[0]:
                await self._tags(path)
            await self._fetch(listed, newer)
            if await asyncio.to_thread(filecmp.cmp, manifest, newer, shallow=False):
                break
        else:
            if self.lacking_count == lacked[0]:
                self._lack(path, CHANGES)
        self._total += await asyncio.to_thread(count_lines, manifest)
        self._tell(f"{folder}: {self.brought[0] - brought:,} new")

    async def _fetch(self, path: str, to: Path) -> None:
        await self._rclone.must("copyto", path, str(to), "--ignore-times")

    async def _missing(self, path: str) -> AsyncIterator[tuple[list[str], list[str]]]:
        """Names of payload, about FILES_PER_UPLOAD at a time: those that the remote lacks, or whose upload was
        interrupted; and those that it has at their size, but which were never compared there. Payload that the
        remote has with another size is recorded as lacking."""
        noted = await asyncio.to_thread(read_names, self._noted(path))
        ended, names, there = RcloneResult(), list(noted), list[str]()
        options = ("--size-only", "--one-way", "--include=/data/**")
        both = os.path.join(self._archive, path), self._remote.at(path)
        async with aclosing(self._rclone.compared(ended, "check", *both, *options)) as compared:
            async for sign, name in compared:
                if name in noted:
                    continue
                if sign == "=":
                    there.append(name)
                elif sign == "+":
                    names.append(name)
                else:
                    self._lack(f"{path}/{name}", "another size lies there under its name, and is not replaced")
                    if self._book is not None:
                        await self._book.found([f"{path}/{name}"], "it has another size")
                if len(names) + len(there) >= FILES_PER_UPLOAD:
                    yield names, await self._unproven(path, there)
                    names, there = [], []
        if names or there:
            yield names, await self._unproven(path, there)

    async def _lost_here(self, path: str, manifest: Path) -> None:
        """Payload that the bag names and the archive has lost is compared with nothing. What the remote does not
        have either is recorded as lacking. Raises OffsiteError, ArchiveAwayError."""
        local, listed = os.path.join(self._archive, path), entries(manifest)
        while names := await asyncio.to_thread(lambda: list(islice(listed, FILES_PER_UPLOAD))):
            lost = await answered(self._archive, partial(absent, local, names))
            if not lost:
                continue
            found = await self._rclone.names(self._remote.at(path), "--recursive", *await self._listed(lost))
            for name in set(lost) - set(found):
                self._lack(f"{path}/{name}", "it is not there, and the archive has it no more")
                if self._book is not None:
                    await self._book.found([f"{path}/{name}"], "it is not there")

    async def _unproven(self, path: str, names: list[str]) -> list[str]:
        if self._book is None or not names:
            return []
        unproven = await self._book.unproven([f"{path}/{name}" for name in names])
        return [name for name in names if f"{path}/{name}" in unproven]

    async def _bring(
        self, path: str, manifest: Path, missing: list[str], unproven: list[str], receipt: Path
    ) -> None:
        """Upload some payload: compare it with the manifest here, upload what is `missing`, compare it there.
        Raises OffsiteError."""
        names = [*missing, *unproven]
        if not names:
            return
        local = os.path.join(self._archive, path)
        wanted = await asyncio.to_thread(digests_of, manifest, names)
        for name in names:
            if name not in wanted:
                self._lack(f"{path}/{name}", "its bag does not name it yet")
        sums = self._working / "sums.txt"
        await asyncio.to_thread(sums.write_text, "".join(f"{sha}  {name}\n" for name, sha in wanted.items()))
        sound: list[str] = []
        options = ("checksum", "sha256", str(sums), local, "--one-way")
        async with aclosing(self._rclone.compared(RcloneResult(), *options)) as compared:
            async for sign, name in compared:
                if sign == "=":
                    sound.append(name)
                else:
                    self._lack(f"{path}/{name}", "it is not what was archived: lading audit")
                    self.unsound.append(f"{path}/{name}")
        if not sound:
            return
        new = sorted(set(sound) & set(missing))
        well = await self._uploaded(path, sound, new)
        brought = sorted(set(well) & set(new))
        size = await answered(self._archive, lambda: total_size(local, brought))
        await asyncio.to_thread(self._record, path, well, wanted, receipt)
        self._moving = 0
        self.brought = [self.brought[0] + len(brought), self.brought[1] + size]
        if self._book is not None:
            items = await self._book.found([f"{path}/{name}" for name in well])
            self.held = [self.held[0] + items[0], self.held[1] + items[1]]

    async def _uploaded(self, path: str, names: list[str], new: list[str]) -> list[str]:
        """Upload those of the names that are `new`, more than once if need be. Returns which of all names are
        equal on the remote; the others are recorded as lacking.

        Raises OffsiteError when nothing of two uploads in a row has arrived: one file that a store refuses is to
        keep back no others, but a store that is full takes none.
        """
        bad: dict[str, str] = {}
        left, well = names, list[str]()
        for attempt in range(ATTEMPTS):
            again = [name for name in new if name in bad] if attempt else new
            ended = await self._upload(path, again, anew=attempt > 0) if again else RcloneResult()
            found, wrong = await self._arrived(path, left)
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
            self._lack(f"{path}/{name}", NOT_REPLACED if name in old else why)
        if refused := sorted(bad.keys() - old):
            one = f"{path}/{refused[0]}"
            self._refused = self._refused[0] + len(refused), f"{display(one)}: {bad[refused[0]]}"
        if self._book is not None and (damaged := [name for name in bad if name in old]):
            await self._book.found([f"{path}/{name}" for name in damaged], DIFFERS)
        return well

    async def _upload(self, path: str, names: list[str], *, anew: bool = False) -> RcloneResult:
        """Note the names of payload, then upload it; `anew`: also what the remote has at its size. Returns how
        rclone ended."""
        noted = self._noted(path)
        await asyncio.to_thread(write_names, noted, {*await asyncio.to_thread(read_names, noted), *names})
        from_list, ended = await self._listed(names), RcloneResult()

        def moved(size: int, name: str) -> None:
            stands = ended.errors and size <= self._moving
            self.trouble = ": ".join(ended.why.split(": ")[-CAUSES_TOLD:]) if stands else ""
            self._moving = size
            self.in_flight[path] = f"{path}/{name}"

        try:
            size = "--ignore-times" if anew else "--size-only"
            both = os.path.join(self._archive, path), self._remote.at(path)
            async with aclosing(self._rclone.lines(ended, "copy", *both, size, *from_list, moved=moved)) as lines:
                async for _ in lines:
                    pass
        finally:
            self.trouble = ""
            self.in_flight.clear()
        return ended

    async def _listed(self, names: list[str]) -> tuple[str, str]:
        """The options for a command on these files only."""
        listed = self._working / "names.txt"
        await asyncio.to_thread(listed.write_text, "".join(f"{name}\n" for name in names))
        return ("--files-from-raw", str(listed))

    async def _arrived(self, path: str, names: list[str]) -> tuple[list[str], dict[str, str]]:
        """Those of the names whose files are equal on the remote; and of all others, why they are not."""
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        from_list = await self._listed(names)
        well: list[str] = []
        bad: dict[str, str] = {}
        for download in (not self._hashes, True):
            ended = RcloneResult()
            well, bad = [], {}
            options = ("check", local, there, "--one-way", *from_list, *(["--download"] if download else []))
            async with aclosing(self._rclone.compared(ended, *options)) as compared:
                async for sign, name in compared:
                    if sign == "=":
                        well.append(name)
                    else:
                        bad[name] = _WHY.get(sign, ARRIVED_DIFFERENT)
            # For files that have no checksum on the remote, rclone compares only the size, and says so.
            if not any("could not be checked" in line for line in ended.errors) or download:
                break
            self._how = DOWNLOADED
        return well, bad

    def _record(self, path: str, well: list[str], wanted: dict[str, str], receipt: Path) -> None:
        write_names(self._noted(path), set(read_names(self._noted(path))) - set(well))
        with receipt.open("a", encoding="utf-8") as file:
            if not file.tell():
                file.write(f"VERIFIED AT {display(str(self._remote))}\n\n")
            for name in well:
                file.write(f"{wanted[name]}  {path}/{name}  {self._how}\n")
        self._compared += len(well)

    async def _tags(self, path: str) -> None:
        """Upload and compare the bag's tag files; the tag manifest goes last. The engine may add a receipt or make
        the bag anew meanwhile: then all of them are uploaded once more."""
        differing: dict[str, str] = {}
        for attempt in range(TAG_ATTEMPTS):
            await asyncio.sleep(RETRY_PAUSE if attempt else 0)
            await self._copy(path, self._changed, "--exclude=/data/**", f"--exclude=/{TAG_MANIFEST}")
            await self._copy(path, self._changed, f"--include=/{TAG_MANIFEST}")
            differing = await self._differing_tags(path) or await self._unlike_their_bag(path)
            if not differing:
                return
        for name, why in differing.items():
            self._lack(f"{path}/{name}", why)

    async def _unlike_their_bag(self, path: str) -> dict[str, str]:
        """Names of the bag's tag files here that the tag manifest states otherwise, and why. Raises
        OffsiteError."""
        local = os.path.join(self._archive, path)
        sums = os.path.join(local, TAG_MANIFEST)
        if not await answered(self._archive, lambda: os.path.isfile(sums)):
            return {TAG_MANIFEST: NOT_MADE}
        async with aclosing(
            self._rclone.compared(RcloneResult(), "checksum", "sha256", sums, local, "--one-way")
        ) as files:
            return {name: NOT_NAMED async for sign, name in files if sign != "="}

    async def _differing_tags(self, path: str) -> dict[str, str]:
        """Names of the bag's tag files that are not equal on the remote, and why. Raises OffsiteError."""
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        options = ("--one-way", "--exclude=/data/**", *([] if self._hashes else ["--download"]))
        async with aclosing(self._rclone.compared(RcloneResult(), "check", local, there, *options)) as compared:
            return {name: _WHY.get(sign, ARRIVED_DIFFERENT) async for sign, name in compared if sign != "="}

    def _noted(self, path: str) -> Path:
        """The file with the names of payload whose upload was begun, but which was not compared yet."""
        return self._state / f"{os.path.basename(path)}{NOTED}"

    def _lack(self, path: str, why: str) -> None:
        self.lacking_count += 1
        if len(self._lacking) < NAMED:
            self._lacking.append((display(path), why))


_OTHERS = (archive_layout.MOVES, *archive_layout.DERIVATIVES)
