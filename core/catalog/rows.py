"""The catalog's rows as the engine handles them."""

import json
import os
from collections.abc import Iterable, Sequence

import msgspec

from core.models import ImportRequest

MARKS = 500
"""Values in one `IN (…)`."""


class SeenRow(msgspec.Struct, frozen=True, array_like=True):
    """A file row that bears the path of an entry just listed."""

    path: bytes
    import_id: int
    id: int
    size: int
    mtime_ns: int
    outcome: int
    item_id: int | None


class FileRow(msgspec.Struct, array_like=True):
    """A new or changed file row."""

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


class Item(msgspec.Struct, array_like=True):
    """One content in the archive."""

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


class ImportRow(msgspec.Struct, array_like=True):
    """One import as the database has it. `runs` is 0 for one that is known from the archive's journal only."""

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

    def request(self) -> ImportRequest:
        """What was asked for."""
        return msgspec.convert(json.loads(self.options), ImportRequest)

    @staticmethod
    def options_of(request: ImportRequest) -> str:
        """As the database holds it. The standard library's JSON: it keeps escaped bytes of a path."""
        return json.dumps(msgspec.to_builtins(request))


def marks(count: int) -> str:
    """Placeholders for `count` values."""
    return ",".join("?" * count)


def parts(values: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """The values, as many at a time as one statement takes."""
    return (values[at : at + MARKS] for at in range(0, len(values), MARKS))


def below(root: bytes, path: bytes) -> bytes:
    """`path`, which lies below `root`, as seen from `root`; both relative to one volume."""
    return path[len(root) + 1 :] if root else path


def beside(root: bytes, path: bytes) -> bytes:
    """The reverse of `below`."""
    return os.path.join(root, path) if root and path else root or path
