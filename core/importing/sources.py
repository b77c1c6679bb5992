"""Sources: what a person picked, on which volume it lies, and what the verdict will speak of."""

import asyncio
import os
from collections.abc import Sequence

import msgspec

from core.catalog import ImportRow
from core.errors import SourceAwayError, SourceError
from core.paths import display
from core.volumes import privacy
from core.volumes.known import Known
from core.volumes.mounts import mounts, volume_of
from core.volumes.volume import Volume, describe
from core.workers import messages
from core.workers.messages import Place, Source
from core.workers.pool import Pool, TaskFailedError

LOOK = 20.0
"""Seconds that a source gets to answer."""


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """One source, ready to be read.

    source: its root. only: the one file picked, or empty. root: where the root lies on its volume.
    whole, whole_root, whole_only: what the verdict speaks of: the whole card, else the source itself.
    above: (device, inode) of the root and all folders above it.
    capacity: bytes of its volume.
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


class Sources:
    """Looks at what was picked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known = Known()

    async def pick(self, paths: Sequence[str]) -> list[Picked | None]:
        """The sources at `paths`, in their order; None for one that another of them holds already.

        Raises SourceError.
        """
        looks = [asyncio.create_task(self._pick(path)) for path in paths]
        try:
            picked = await asyncio.gather(*looks)
        finally:
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
        kept: list[Picked | None] = []
        for index, one in enumerate(picked):
            others = [other for at, other in enumerate(picked) if at != index]
            inside = any(_holds(other, one) for other in others if not _equal(other, one))
            again = any(_equal(earlier, one) for earlier in picked[:index])
            kept.append(None if inside or again else one)
        return kept

    async def places(self, row: ImportRow, age: float = 0.0) -> list[bytes]:
        """Where the source of an import may be now: on its volume, wherever that is; where it was comes first.

        What is mounted may have been found out `age` seconds ago.
        """
        roots = await asyncio.to_thread(self._known.places, row.volume_identity, row.root, age)
        return [
            os.path.join(root, row.single) if row.single else root
            for root in sorted(roots, key=lambda root: root != row.source)
        ]

    async def again(self, row: ImportRow) -> Picked:
        """The source of an unfinished import. Raises SourceAwayError."""
        cause = f"{display(row.volume_name)}, the volume of {display(row.source)}, is not here."
        for path in await self.places(row):
            try:
                picked = await self._pick(os.fsdecode(path))
            except SourceError as error:
                cause = error.cause
                continue
            if (picked.volume.identity, picked.root, picked.only) == (row.volume_identity, row.root, row.single):
                return picked
        raise SourceAwayError(cause, f"Plug it in or mount it. If it never comes back: lading cancel {row.name}")

    async def _pick(self, path: str) -> Picked:
        looked = await self._look(path)
        root = looked.source.root
        mount = volume_of(root, mounts())
        if mount is None:
            raise SourceError(f"{display(path)} lies on no known volume.", "Check that it is mounted.")
        volume = await asyncio.to_thread(describe, mount)
        # A mount point can hold any bytes, what is kept as text cannot.
        volume = msgspec.structs.replace(volume, identity=display(volume.identity), name=display(volume.name))
        top = os.fsencode(mount.mount)
        relative = os.path.relpath(root, top)  # noqa: ASYNC240 - touches no disk
        relative = b"" if relative == b"." else relative
        whole, whole_root, whole_only = looked.source, relative, looked.only
        if volume.removable:
            whole, whole_root, whole_only = (await self._look(os.fsdecode(top))).source, b"", b""
        return Picked(
            source=looked.source,
            only=looked.only,
            volume=volume,
            root=relative,
            whole=whole,
            whole_root=whole_root,
            whole_only=whole_only,
            above=frozenset(looked.above),
            capacity=await self._capacity(looked.source),
        )

    async def _capacity(self, source: Source) -> int | None:
        """Bytes of the volume that holds a source; None when it does not say."""
        place = Place(source.root, source.device, source.inode, "", "")
        try:
            async with asyncio.timeout(LOOK), self._pool.worker("look") as worker:
                return (await worker.ask(messages.Space(place), messages.Room)).total
        except (TaskFailedError, TimeoutError):
            return None

    async def _look(self, path: str) -> messages.Looked:
        try:
            async with asyncio.timeout(LOOK), self._pool.worker("look") as worker:
                absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
                return await worker.ask(messages.Look(absolute), messages.Looked)
        except TaskFailedError as error:
            raise SourceError(
                f"{display(path)} cannot be read: {error.fault.text}.",
                privacy.switch(error.fault.code, os.environ) or "Check the path, and that you may read there.",
            ) from error
        except TimeoutError as error:
            raise SourceError(f"{display(path)} does not answer.", "Plug it in again, or remount it.") from error


def _equal(one: Picked, other: Picked) -> bool:
    return (one.source.root, one.only) == (other.source.root, other.only)


def _holds(outer: Picked, inner: Picked) -> bool:
    """Whether everything of `inner` lies below `outer`."""
    return not outer.only and (outer.source.device, outer.source.inode) in inner.above
