"""The tag files of a bag (RFC 8493, section 2.2): written when they differ from those on disk, each as a whole."""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from core import archive_layout
from core.archives import bag_info
from core.bagit import manifest
from core.bagit.folder import BagFolder
from core.catalog.locations import Location
from core.errors import ArchiveError
from core.paths import display
from core.workers.source_messages import Digest

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
BAG_INFO, BAGIT = bag_info.FILE, "bagit.txt"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

BATCH = 64
"""The most files hashed per request."""


class BagContext(Protocol):
    """What making a bag needs: the catalog, and the archive that holds the bag (as core.tasks.task.Context)."""

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on committed data."""

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy a local file to `target` in the archive, replacing a file there; the local file is removed."""

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """Returns the content of one of Lading's own small files in the archive; None when it does not exist."""


class TagFiles:
    """The tag files of one bag. `scratch`: a folder on the local disk."""

    def __init__(self, context: BagContext, location: Location, folder: BagFolder, scratch: str) -> None:
        self._context = context
        self._location = location
        self._folder = folder
        self._scratch = scratch

    async def write_manifest(self, tags: list[bytes], ours: Mapping[str, bytes]) -> None:
        """Write the tag manifest over all tag files of the bag; `ours`: SHA-256 of those just written, by name."""
        digests = {name.encode(): sha256 for name, sha256 in ours.items()}
        others = [path for path in tags if path not in digests and not path.startswith(b"tagmanifest-")]
        others = [path for path in others if manifest.agreed(path)]
        for at in range(0, len(others), BATCH):
            part = others[at : at + BATCH]
            found = zip(await self._folder.digests(part), part, strict=True)
            digests |= {path: one.sha256 for one, path in found if is_there(one, path)}
        await self.write(TAG_MANIFEST, b"".join(manifest.line(*entry) for entry in sorted(digests.items())))

    async def write(self, name: str, data: bytes) -> bytes:
        """Publish a small file unless the same is there already. Returns its SHA-256."""
        draft = manifest.Draft(os.path.join(self._scratch, name))
        draft.add(data)
        draft.close()
        if await self.text(name) != data:
            await self.publish(draft.path, name)
        return draft.sha256()

    async def text(self, name: str) -> bytes | None:
        """The content of a tag file; None when there is none."""
        return await self._context.text(self._location.archive_id, f"{self._folder.path}/{name}")

    async def publish(self, local: str, name: str) -> None:
        """Put a local file into the bag under this name, replacing one there."""
        await self._context.publish(self._location.archive_id, local, f"{self._folder.path}/{name}")

    @property
    def _beside(self) -> str:
        return archive_layout.access_notes(self._location.folder)

    async def access_note(self) -> str:
        """The access note that the archive keeps beside the bag; empty when there is none."""
        said = await self._context.text(self._location.archive_id, self._beside)
        return (said or b"").decode(errors="replace").strip()

    async def keep_access_note(self, note: str) -> None:
        """Keep the access note in the archive, so that a rebuilt database has it."""
        if note != await self.access_note():
            draft = manifest.Draft(os.path.join(self._scratch, "access-note.txt"))
            draft.add(f"{note}\n".encode() if note else b"")
            draft.close()
            await self._context.publish(self._location.archive_id, draft.path, self._beside)


def foreign(tags: list[bytes]) -> Iterator[str]:
    """Names of manifests of other programs: they cannot be made anew without reading all payload."""
    for path in tags:
        name = path.decode(errors="replace")
        of_payload = name.startswith("manifest-") and name.endswith(".txt") and name != MANIFEST
        of_tags = name.startswith("tagmanifest-") and name.endswith(".txt") and name != TAG_MANIFEST
        if of_payload or of_tags or name == "fetch.txt":
            yield name


def is_there(digest: Digest, path: bytes) -> bool:
    """Whether a file could be read; False when it has disappeared since. Raises ArchiveError."""
    if digest.fault is None:
        return True
    if digest.fault.code == errno.ENOENT and not digest.fault.lost:
        return False
    raise ArchiveError(f"{display(path)}: {digest.fault.text}.", "Retry the job.")
