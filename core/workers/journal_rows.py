"""The rows that a worker writes into the import's journal; journal/journal_format.py defines their meaning."""

import base64

import msgspec

from core.files.checksummed_lines import sealed
from core.paths import encode
from core.workers.source_messages import Digest, SourceMetadata


class ReadFile(msgspec.Struct):
    """The result of reading one file: its digest, its stat(2) and extended attributes before the first byte was
    read."""

    digest: Digest
    facts: SourceMetadata


def row(
    path: bytes, read: ReadFile, outcome: str, payload: str, before: tuple[str, str, float] | None = None
) -> bytes:
    """The journal line of one file."""
    digest = read.digest
    members: dict[str, object] = {
        "file": encode(path),
        "outcome": outcome,
        "size": digest.size,
        "mtime_ns": digest.mtime_ns,
        "mode": read.facts.mode,
        "kind": digest.kind,
        "xxh128": digest.xxh128.hex(),
        "sha256": digest.sha256.hex(),
    }
    if read.facts.mtime_exact:
        members["mtime_exact"] = read.facts.mtime_exact
    if read.facts.born is not None:
        members["born"] = read.facts.born
    if payload:
        members["payload"] = payload
    if digest.unkept:
        members["xattrs_unkept"] = digest.unkept
    if before:
        members["before"] = dict(zip(("xxh128", "sha256", "imported"), before, strict=True))
    if read.facts.attributes:
        members["xattrs"] = {
            encode(name): base64.b64encode(value).decode() for name, value in read.facts.attributes.items()
        }
    return sealed(members)
