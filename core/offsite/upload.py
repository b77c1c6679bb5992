"""Uploads an archive to a remote: only files that the remote lacks, and only content that is as it was archived.

Journals are uploaded first, then the payload of each location followed by its bag's tag files, then the log of
moves, access notes and derivatives.
Payload that the remote has with the same name and size is not uploaded again. New payload is compared with the
bag's manifest before the upload; afterwards the uploaded file is compared with the local one, by a checksum that
the remote has, else by downloading it. The name of each payload is noted before its upload, so that it is compared
even if the upload was interrupted. Nothing is deleted on the remote, and no payload is replaced that this state
folder has not noted.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from core import archive_layout
from core.errors import UsageError
from core.offsite.rclone import Ended, OffsiteError, Rclone, Remote
from core.paths import display
from core.results import OffsiteResult

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"

CHUNK = 5000
"""Files per upload; the names of so many are in memory."""

NAMED = 1000
"""The most files that a result names."""

RECEIPTS = f"{archive_layout.OWN}/offsite"
"""The remote's folder of lists of what was verified there, one file for each run."""

DOWNLOADED = "downloaded again"


class Upload:
    """One run. `state`: a folder used for this archive and this remote only. `tell` is called with lines about the
    progress."""

    def __init__(
        self, rclone: Rclone, archive: str, remote: Remote, state: str, tell: Callable[[str], None]
    ) -> None:
        self._rclone = rclone
        self._archive = archive
        self._remote = remote
        self._state = Path(state)
        self._tell = tell
        self._hashes = False
        self._how = DOWNLOADED
        self._total = self._brought = self._size = 0
        self._lacking: list[tuple[str, str]] = []
        self._lacking_count = 0

    async def go(self) -> OffsiteResult:
        """Upload and compare everything. Raises UsageError, OffsiteError."""
        began, moment = time.monotonic(), datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        await asyncio.to_thread(self._state.mkdir, parents=True, exist_ok=True)
        await self._same()
        hashes = await self._rclone.hashes(self._remote)
        self._hashes = bool(hashes)
        self._how = f"by its own {hashes[0].upper()}" if hashes else DOWNLOADED
        receipt = self._state / f"{moment}.txt"
        await self._copy(archive_layout.OWN, "--size-only", "--include=/archive.toml", "--include=/imports/**")
        locations = await asyncio.to_thread(folders, os.path.join(self._archive, archive_layout.LOCATIONS))
        for folder in locations:
            await self._location(folder, receipt)
        notes = [f"--include=/{os.path.basename(name)}/**" for name in _OTHERS]
        await self._copy(archive_layout.OWN, "--size-only", *notes)
        result = OffsiteResult(
            archive=display(self._archive),
            remote=str(self._remote),
            total=self._total,
            brought=self._brought,
            brought_bytes=self._size,
            compared=self._how,
            lacking_count=self._lacking_count,
            lacking=tuple(self._lacking),
            receipt=f"{RECEIPTS}/{receipt.name}" if self._brought else "",
            seconds=time.monotonic() - began,
        )
        if self._brought:
            await self._rclone.must("copyto", str(receipt), self._remote.at(result.receipt))
        return result

    async def _same(self) -> None:
        """Raises UsageError unless the remote is empty, or holds this archive; OffsiteError."""
        toml = archive_layout.ARCHIVE_TOML
        try:
            ours = await asyncio.to_thread((Path(self._archive) / toml).read_text)
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
        """Upload the files below `folder` that `options` select. Raises OffsiteError."""
        await self._rclone.must("copy", os.path.join(self._archive, folder), self._remote.at(folder), *options)

    # One location

    async def _location(self, folder: str, receipt: Path) -> None:
        path = archive_layout.location(folder)
        manifest = Path(self._archive) / path / MANIFEST
        if not await asyncio.to_thread(manifest.is_file):
            self._lack(path, "its bag is not made yet")
            return
        before = self._brought, self._lacking_count
        self._total += await asyncio.to_thread(_count, manifest)
        async for names in self._missing(path):
            await self._bring(path, manifest, names, receipt)
        if self._lacking_count == before[1]:
            await self._tags(path)
        self._tell(f"{folder}: {self._brought - before[0]:,} new")

    async def _missing(self, path: str) -> AsyncIterator[list[str]]:
        """Names of payload that the remote lacks, or whose upload was interrupted, about CHUNK at a time. Payload
        that the remote has with another size is recorded as lacking."""
        noted = await asyncio.to_thread(_read, self._noted(path))
        ended, names = Ended(), list(noted)
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        options = ("--size-only", "--one-way", "--include=/data/**")
        async with aclosing(self._rclone.compared(ended, "check", local, there, *options)) as compared:
            async for sign, name in compared:
                if name in noted or sign == "=":
                    continue
                if sign == "+":
                    names.append(name)
                else:
                    self._lack(f"{path}/{name}", "another size lies there under its name, and is not replaced")
                if len(names) >= CHUNK:
                    yield names
                    names = []
        if names:
            yield names

    async def _bring(self, path: str, manifest: Path, names: list[str], receipt: Path) -> None:
        """Upload some payload: compare it with the manifest here, upload it, compare it there. Raises
        OffsiteError."""
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        wanted = await asyncio.to_thread(_lines_of, manifest, names)
        for name in names:
            if name not in wanted:
                self._lack(f"{path}/{name}", "its bag does not name it yet")
        sums, listed = self._state / "sums.txt", self._state / "names.txt"
        await asyncio.to_thread(sums.write_text, "".join(f"{sha}  {name}\n" for name, sha in wanted.items()))
        sound: list[str] = []
        options = ("checksum", "sha256", str(sums), local, "--one-way")
        async with aclosing(self._rclone.compared(Ended(), *options)) as compared:
            async for sign, name in compared:
                if sign == "=":
                    sound.append(name)
                else:
                    self._lack(f"{path}/{name}", "it is not what was archived: lading audit")
        if not sound:
            return
        await asyncio.to_thread(
            _write, self._noted(path), {*await asyncio.to_thread(_read, self._noted(path)), *sound}
        )
        await asyncio.to_thread(listed.write_text, "".join(f"{name}\n" for name in sound))
        from_list = ("--files-from-raw", str(listed))
        ended, _ = await self._rclone.run("copy", local, there, "--size-only", *from_list)
        well = await self._arrived(local, there, from_list, path)
        if not well and ended.status:
            raise OffsiteError(f"{ended.why}.", "The same command goes on where it stopped.")
        await asyncio.to_thread(self._record, path, local, well, wanted, receipt)

    async def _arrived(self, local: str, there: str, from_list: tuple[str, str], path: str) -> list[str]:
        """The names of uploaded files that are equal on the remote; the others are recorded as lacking."""
        for download in (not self._hashes, True):
            ended = Ended()
            well: list[str] = []
            bad: list[tuple[str, str]] = []
            options = ("check", local, there, "--one-way", *from_list, *(["--download"] if download else []))
            async with aclosing(self._rclone.compared(ended, *options)) as compared:
                async for sign, name in compared:
                    if sign == "=":
                        well.append(name)
                    else:
                        bad.append((name, "it did not arrive" if sign == "+" else "what arrived differs"))
            # For files that have no checksum on the remote, rclone compares only the size, and says so.
            if not any("could not be checked" in line for line in ended.errors) or download:
                break
            self._how = DOWNLOADED
        for name, why in bad:
            self._lack(f"{path}/{name}", why)
        return well

    def _record(self, path: str, local: str, well: list[str], wanted: dict[str, str], receipt: Path) -> None:
        _write(self._noted(path), set(_read(self._noted(path))) - set(well))
        with receipt.open("a", encoding="utf-8") as file:
            if not file.tell():
                file.write(f"VERIFIED AT {display(str(self._remote))}\n\n")
            for name in well:
                file.write(f"{wanted[name]}  {path}/{name}  {self._how}\n")
                self._size += os.path.getsize(os.path.join(local, name))
        self._brought += len(well)

    async def _tags(self, path: str) -> None:
        """Upload and compare the bag's tag files; the tag manifest goes last."""
        changed = "--checksum" if self._hashes else "--ignore-times"
        await self._copy(path, changed, "--exclude=/data/**", f"--exclude=/{TAG_MANIFEST}")
        await self._copy(path, changed, f"--include=/{TAG_MANIFEST}")
        local, there = os.path.join(self._archive, path), self._remote.at(path)
        options = ("--one-way", "--exclude=/data/**", *([] if self._hashes else ["--download"]))
        async with aclosing(self._rclone.compared(Ended(), "check", local, there, *options)) as compared:
            async for sign, name in compared:
                if sign != "=":
                    self._lack(f"{path}/{name}", "what arrived differs")

    def _noted(self, path: str) -> Path:
        """The file with the names of payload whose upload was begun, but which was not compared yet."""
        return self._state / f"{os.path.basename(path)}.noted"

    def _lack(self, path: str, why: str) -> None:
        self._lacking_count += 1
        if len(self._lacking) < NAMED:
            self._lacking.append((display(path), why))


_OTHERS = (archive_layout.MOVES, archive_layout.ACCESS_NOTES, *archive_layout.DERIVATIVES)


def folders(path: str) -> list[str]:
    """The names of the folders in a folder, sorted; empty if it does not exist."""
    try:
        with os.scandir(path) as found:
            return sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _count(manifest: Path) -> int:
    with manifest.open("rb") as file:
        return sum(1 for _ in file)


def _lines_of(manifest: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 in hex by name, for those of `names` that the manifest has."""
    wanted, found = set(names), dict[str, str]()
    with manifest.open(encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            sha, _, name = line.rstrip("\n").partition("  ")
            if name in wanted:
                found[name] = sha
    return found


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if path.exists() else []


def _write(path: Path, names: Iterable[str]) -> None:
    new = path.with_suffix(".new")
    new.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8", errors="surrogateescape")
    new.replace(path)
