"""The journal of an import, `.lading/imports/ID.jsonl`: what the archive itself knows of names and digests.

One JSON object a line; the last member, `check`, is a checksum: the XXH3-64 of the line up to that member. Names
are raw bytes, percent-encoded. Readers skip a line that is torn or damaged. A later line for the same path
replaces an earlier one. The kinds of line, by their first member:

- `import`: its id; `archive`, `location` {folder, name}, `volume` {identity, name, filesystem, capacity},
  `root`, `source`, `single`, `options`, `machine`, `version`, `started`, `zone`; after: the import of this archive
  that began before it, empty if there is none. Each run begins with one, and the options of the last one hold.
- `file`: its path below the source's root; outcome archived or duplicate, size, mtime_ns, mode, kind, xxh128,
  sha256, payload (archived only), xattrs (base64), xattrs_unkept (names, where some could not be kept); before
  (xxh128, sha256, imported): what an earlier import read under that path, where the content differs although size
  and time are the same.
- `entry`: a path that was skipped, litter (a junk file) or failed, or a previously imported file that was taken
  from the record, with outcome, size, mtime_ns, kind and reason. Also xxh128 and sha256 of a file taken from the
  record; stage, side, code and detail (as in `core.catalog.FailureRow`) of one that failed; sort (as in
  `core.media.left_out`) of one that was skipped or taken from the record, and the target of a symbolic link.
- `folder`: a path, with mtime_ns.
- `list`: the path of a checksum list on the source; fault (why the rest of it is not understood), not_understood
  (entries), outside (entries of files that are not below the source), judged (1: all that could be is compared).
- `listed`: a path as the list `in` spells it; algorithm (core.checksums.algorithms), digest; read, the path of the
  file that it is of, and found, the file's own checksum, where there is such a file.
- `end`: state, verdict, reason, ended, previous (the SHA-256 of the receipt before), otherwise (verdict and reason
  once it is accepted). Nothing but additions of this import comes after it, unless another run begins.
  copies: it is SAFE once there are this many verified copies on distinct devices; then: the reason with that.
- additions: `accepted` (when, by): a person has accepted what differs from an earlier import; `copied` (when):
  there are as many copies as `end` asks for. `adjusted` (when, which is its number; what, by, dates): a person has
  corrected dates of capture; each of `dates` is an xxh128 with captured, captured_local, offset and captured_zone
  as the table `metadata` has them. `unadjusted` (such a number; when, by, contents): that was undone for these.

Where a time is outside the range of `mtime_ns` (64 bits: 1677 to 2262), that member has the nearest time inside,
and `mtime_exact` the time itself, in decimal digits.
"""

from collections.abc import Iterator
from typing import Any

from core import VERSION
from core.catalog import ImportRow, SeenVolume
from core.files.checksummed_lines import sealed, unsealed
from core.paths import encode

Line = dict[str, Any]


def lines(data: bytes) -> Iterator[Line]:
    """The lines of a piece of a journal whose checksums match. The piece must end with a whole line."""
    for line in data.split(b"\n"):
        if line and (row := unsealed(line)) is not None:
            yield row


def head(row: ImportRow, volume: SeenVolume, after: str) -> bytes:
    """The first line of each run in an import's journal. `after`: the import that began before it."""
    return sealed(
        {
            "import": row.name,
            "archive": row.archive_uuid,
            "location": {"folder": row.location_folder, "name": row.location_name},
            "volume": {
                "identity": volume.identity,
                "name": volume.name,
                "filesystem": volume.filesystem,
                "capacity": volume.capacity,
            },
            "root": encode(row.root),
            "source": encode(row.source),
            "single": encode(row.single),
            "options": row.options,
            "machine": row.machine,
            "version": VERSION,
            "started": row.started,
            "zone": row.zone,
            "after": after,
        }
    )


__all__ = ["Line", "head", "lines", "sealed", "unsealed"]
