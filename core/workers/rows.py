"""What a worker writes of a file into the import's journal; importing/journal.py says what the lines mean."""

import base64
import os

import msgspec

from core.files.sealed import sealed
from core.paths import encode
from core.workers.messages import Digest


class Read(msgspec.Struct):
    """What was read of one file: its digest, and what the system said of it before the first byte."""

    digest: Digest
    facts: os.stat_result
    attributes: dict[str, bytes]


def row(path: bytes, read: Read, outcome: str, payload: str) -> bytes:
    """The line of one file."""
    digest = read.digest
    members: dict[str, object] = {
        "file": encode(path),
        "outcome": outcome,
        "size": digest.size,
        "mtime_ns": digest.mtime_ns,
        "mode": read.facts.st_mode & 0o7777,
        "kind": digest.kind,
        "xxh128": digest.xxh128.hex(),
        "sha256": digest.sha256.hex(),
    }
    born = getattr(read.facts, "st_birthtime", None)
    if born is not None:
        members["born"] = born
    if payload:
        members["payload"] = payload
    if read.attributes:
        members["xattrs"] = {
            encode(os.fsencode(name)): base64.b64encode(value).decode() for name, value in read.attributes.items()
        }
    return sealed(members)
