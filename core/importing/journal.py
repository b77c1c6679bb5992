"""The journal of an import, `.lading/imports/ID.jsonl`: what the archive itself knows of names and digests.

One JSON object a line; the last member, `check`, is the XXH3-64 of all that stands before it in the line.
Names are raw bytes, percent-encoded. A line that is torn or damaged is passed over. A later line for the same
path replaces an earlier one. The kinds of line, by their first member:

- `import`: its id; `archive`, `location` {folder, name}, `volume` {identity, name, filesystem, capacity},
  `root`, `source`, `single`, `options`, `machine`, `version`, `started`, `zone`. Each run begins with one.
- `file`: its path below the source's root; outcome archived or duplicate, size, mtime_ns, mode, kind, xxh128,
  sha256, payload (archived only), xattrs (base64).
- `entry`: a path that was skipped, litter or failed, or taken from the record, with outcome, size, mtime_ns, kind
  and reason; for the last one xxh128 and sha256, too.
- `folder`: a path, with mtime_ns.
- `end`: state, verdict, reason, ended, previous (the SHA-256 of the receipt before). Nothing of this import
  comes after it, unless another run begins.
"""

from collections.abc import Iterator
from typing import Any

from core import VERSION
from core.catalog import ImportRow
from core.files.sealed import sealed, unsealed
from core.paths import encode
from core.volumes.volume import Volume

FOLDER = ".lading/imports"

Line = dict[str, Any]


def path_of(import_name: str) -> str:
    """The path of an import's journal below the archive's root."""
    return f"{FOLDER}/{import_name}.jsonl"


def lines(data: bytes) -> Iterator[Line]:
    """The sound lines of a piece of a journal that ends with a whole line."""
    for line in data.split(b"\n"):
        if line and (row := unsealed(line)) is not None:
            yield row


def head(row: ImportRow, volume: Volume, capacity: int | None) -> bytes:
    """The first line of an import's journal."""
    return sealed(
        {
            "import": row.name,
            "archive": row.archive_uuid,
            "location": {"folder": row.location_folder, "name": row.location_name},
            "volume": {
                "identity": volume.identity,
                "name": volume.name,
                "filesystem": volume.filesystem,
                "capacity": capacity,
            },
            "root": encode(row.root),
            "source": encode(row.source),
            "single": encode(row.single),
            "options": row.options,
            "machine": row.machine,
            "version": VERSION,
            "started": row.started,
            "zone": row.zone,
        }
    )


__all__ = ["FOLDER", "Line", "head", "lines", "path_of", "sealed", "unsealed"]
