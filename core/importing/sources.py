"""Sources: what a person picked, the volume it is on, and what the verdict will cover."""

import asyncio
import os
from collections.abc import Sequence

import msgspec

from core.aio import time_limit
from core.catalog import ImportRow, SeenVolume
from core.errors import SourceAwayError, SourceError, SourceRefusedError, VolumeError
from core.files.open_beneath import REFUSED
from core.models import ENDED
from core.paths import display
from core.volumes import macos_permissions
from core.volumes.filesystems import filesystem
from core.volumes.find_volume import VolumeFinder, may_have_identity
from core.volumes.mounts import mounted_at, mounts
from core.volumes.volume import Volume, describe
from core.workers import archive_messages, source_messages
from core.workers.messages import Place, Source
from core.workers.pool import Pool, TaskFailedError

LOOK_TIMEOUT = 20.0
"""Seconds until a source counts as not answering."""


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """One source, ready to be read.

    source: its root. only: the single file picked, or empty. root: the root's path on its volume.
    whole, whole_root, whole_only: what the verdict covers: the whole card, else the source itself.
    above: (device, inode) of the root and all folders above it.
    capacity: bytes of its volume; None: not known.
    """

    source: Source
    only: bytes
    volume: Volume
    root: bytes
    whole: Source
    whole_root: bytes
    whole_only: bytes
    above: frozenset[tuple[int, int]]
    capacity: int | None = None

    @property
    def seen_volume(self) -> SeenVolume:
        """Its volume, as catalog and journal have it."""
        return SeenVolume(self.volume.identity, self.volume.name, self.volume.filesystem, self.capacity)


class PickedSources:
    """Examines what was picked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known = VolumeFinder()

    async def pick(self, paths: Sequence[str]) -> list[Picked | None]:
        """The sources at `paths`, in the same order; None for one that equals another one, or lies within it.

        Folders are compared by device and inode, because a card can be mounted at several places. Raises
        SourceError.
        """
        looks = [asyncio.create_task(self._pick(path)) for path in paths]
        try:
            picked = await asyncio.gather(*looks)
        finally:
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
        kept: list[Picked | None] = list(picked)
        for index, one in reversed(list(enumerate(picked))):
            # Only sources that are kept count as outer ones: with bind mounts, each of two folders can lie within
            # the other.
            holders = (other for at, other in enumerate(kept) if at != index and other is not None)
            if any(_holds(other, one) for other in holders):
                kept[index] = None
        return kept

    async def places(self, row: ImportRow, age: float = 0.0) -> list[bytes]:
        """Paths where the source of an import may be now: the former one, as long as its volume seems to be there;
        else wherever its volume is mounted.

        The list of mounts may be up to `age` seconds old.
        """
        roots = await asyncio.to_thread(self._known.places, row.volume_identity, row.root, age, row.source)
        return [os.path.join(root, row.single) if row.single else root for root in roots]

    async def pick_again(self, row: ImportRow) -> Picked:
        """The source of an import, picked again to go on with it. Raises SourceAwayError."""
        cause = f"{display(row.volume_name)}, the volume of {display(row.source)}, is not here."
        advice = "Mount its share again." if row.volume_identity.startswith("net:") else "Plug it in or mount it."
        for path in await self.places(row):
            try:
                picked = await self._pick(os.fsdecode(path))
            except SourceError as error:
                cause = error.cause
                advice = error.advice if isinstance(error, SourceRefusedError) else advice
                continue
            # At the former path, and nothing says that it is another volume: its content is compared later
            # (same_source).
            here = picked.source.root == row.source
            same = picked.volume.identity == row.volume_identity or (
                here and may_have_identity(picked.volume, picked.volume.identity, row.volume_identity)
            )
            if same and (picked.root, picked.only) == (row.root, row.single):
                return picked
            if picked.volume.identity != row.volume_identity:
                cause = (
                    f"what is mounted at {display(picked.volume.mount)} does not say that it is the same volume."
                )
        if row.state not in ENDED:
            advice = f"{advice} If it never comes back: lading cancel {row.name}"
        raise SourceAwayError(cause, advice)

    async def _pick(self, path: str) -> Picked:
        looked = await self.look(path)
        mount = mounted_at(looked.mount, mounts())
        if mount is None:
            raise SourceError(f"{display(path)} lies on no known volume.", "Check that it is mounted.")
        try:
            volume = await asyncio.to_thread(describe, mount)
        except VolumeError as error:
            raise SourceError(error.cause, error.advice) from error
        # A mount point can contain any bytes, but the catalog stores text.
        volume = msgspec.structs.replace(volume, identity=display(volume.identity), name=display(volume.name))
        attributes = filesystem(volume.filesystem).attributes
        source = msgspec.structs.replace(looked.source, attributes=attributes)
        whole, whole_root, whole_only = source, looked.below, looked.only
        if volume.removable:
            whole, whole_root, whole_only = (await self.look(mount.mount)).source, b"", b""
        return Picked(
            source=source,
            only=looked.only,
            volume=volume,
            root=looked.below,
            whole=whole,
            whole_root=whole_root,
            whole_only=whole_only,
            above=frozenset(looked.above),
            capacity=await self._capacity(looked.source),
        )

    async def _capacity(self, source: Source) -> int | None:
        """Bytes of the volume that holds a source; None when they are not known."""
        place = Place(source.root, source.device, source.inode, "", "")
        try:
            async with time_limit(LOOK_TIMEOUT), self._pool.worker("look") as worker:
                return (await worker.ask(archive_messages.Space(place), archive_messages.SpaceFound)).total
        except (TaskFailedError, TimeoutError):
            return None

    async def look(self, path: str) -> source_messages.Looked:
        """What is at `path`. Raises SourceError when it cannot be read, or does not answer within LOOK_TIMEOUT."""
        try:
            async with time_limit(LOOK_TIMEOUT), self._pool.worker("look") as worker:
                absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
                return await worker.ask(source_messages.LookAtPath(absolute), source_messages.Looked)
        except TaskFailedError as error:
            kind = SourceRefusedError if error.fault.code in REFUSED else SourceError
            raise kind(
                f"{display(path)} cannot be read: {error.fault.text}.",
                macos_permissions.permission_advice(error.fault.code, os.environ)
                or "Check the path, and that you may read there.",
            ) from error
        except TimeoutError as error:
            advice = macos_permissions.no_answer_advice("Plug it in again, or remount it.")
            raise SourceError(f"{display(path)} does not answer.", advice) from error


def _holds(outer: Picked, inner: Picked) -> bool:
    """Whether `inner` equals `outer`, or lies within it."""
    folder = outer.source.device, outer.source.inode
    if outer.only:
        return (*folder, outer.only) == (inner.source.device, inner.source.inode, inner.only)
    return folder in inner.above
