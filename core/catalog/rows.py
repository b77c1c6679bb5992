"""The catalog's rows as structs."""

import json
from collections.abc import Iterable, Sequence

import msgspec

from core.content import Content
from core.models import ImportRequest

MARKS = 500
"""The most values in one `IN (…)`."""


class SeenRow(msgspec.Struct, frozen=True, array_like=True):
    """An earlier file row with the path of an entry just listed."""

    path: bytes
    import_id: int
    id: int
    size: int
    mtime_ns: int
    outcome: int
    item_id: int | None
    sort: str
    target: bytes | None


class FileRow(msgspec.Struct, array_like=True):
    """A new or changed file row. `sort` and `target` are those of one that was not read (core.media.left_out)."""

    id: int
    import_id: int
    volume_id: int
    path: bytes
    stem: bytes
    size: int
    mtime_ns: int
    kind: str
    outcome: int
    item_id: int | None
    reason: str | None
    sort: str = ""
    target: bytes | None = None


class FailureRow(msgspec.Struct, frozen=True, array_like=True):
    """At what stage a file failed and on which side; the cause is in `FileRow.reason`.

    `stage` is list, read, copy, flush, verify or publish, empty where it is not known. `side` is source, archive
    or program, `code` an errno (0: none). `detail` is true of this file only: an offset, sizes.
    """

    file_id: int
    stage: str
    attempts: int
    side: str
    code: int = 0
    detail: str = ""


class SeenVolume(msgspec.Struct, frozen=True, array_like=True):
    """A volume as it was seen last; `capacity` in bytes."""

    identity: str
    name: str
    filesystem: str
    capacity: int | None


class Item(msgspec.Struct, array_like=True):
    """A distinct content in an archive.

    size: bytes. path: of the payload, below the archive's root. level: the verification level that it reached;
    empty if it was never read back. read_back: when it was last found intact (Unix time); None: never. damage:
    what was wrong with it when it was last read; None if nothing was.
    """

    id: int
    location_id: int
    xxh128: bytes
    sha256: bytes
    size: int
    kind: str
    path: str
    level: str
    read_back: float | None
    damage: str | None = None

    @property
    def content(self) -> Content:
        """The identity of its content."""
        return Content(self.size, self.xxh128, self.sha256)


class CopyRow(msgspec.Struct, frozen=True, array_like=True):
    """A copy of an archive. It was last seen at `path`, which is `root` on the volume of identity `volume`; these
    two are empty where the volume could not be identified.

    `number` is 0 for the copy in use. `fsid` and `mark` are those of ArchiveFacts (core.workers.archive_messages).
    """

    number: int
    archive_id: int
    path: bytes
    volume: str
    root: bytes
    fsid: str
    mark: str


class ImportRow(msgspec.Struct, array_like=True):
    """An import as the catalog stores it. `runs` is 0 for an import that is known from the archive's journal only.

    `together`: the group of imports that bring one source into several archives: the id of its first import; empty
    for an import of no group.
    """

    id: int
    name: str
    archive_id: int
    archive_uuid: str
    archive_path: bytes
    location_id: int
    location_folder: str
    location_name: str
    volume_id: int
    volume_identity: str
    root: bytes
    source: bytes
    single: bytes
    options: str
    state: str
    reason: str
    advice: str
    listed: int
    started: float
    ended: float | None
    verdict: str
    verdict_reason: str
    receipt: str
    runs: int
    machine: str
    zone: str
    previous: str
    waits: str
    volume_name: str
    together: str

    @property
    def first(self) -> bool:
        """Whether it is the first import of its group, or of none."""
        return self.together in ("", self.name)

    def request(self) -> ImportRequest:
        """The request that started the import."""
        return msgspec.convert(json.loads(self.options), ImportRequest)

    @staticmethod
    def options_of(request: ImportRequest) -> str:
        """A request as the column `options` stores it. Uses the standard library's JSON, which keeps surrogate
        escapes in paths."""
        return json.dumps(msgspec.to_builtins(request))


def marks(count: int) -> str:
    """SQL placeholders for `count` values."""
    return ",".join("?" * count)


def parts(values: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """The values in chunks that fit into one statement."""
    return (values[at : at + MARKS] for at in range(0, len(values), MARKS))
