"""Reads an import back from the data of its receipt, `lading/ID.json`, when its journal is lost."""

import json
import os
from datetime import datetime
from typing import Any

import msgspec

from core.models import ENDED, ImportRequest
from core.paths import decode
from core.receipts.summary import Head

PATH_FIELDS = ("source", "root", "single", "archive_path")


class Recalled(msgspec.Struct, frozen=True):
    """One import as its receipt describes it. `values` are columns of its row, `volume` is (identity, name, file
    system, capacity).

    `differing`: by a file's path as written in the list, what an earlier import read under it: digests in hex, and
    when that import began. `accepted`: when a person accepted the differences, and who; None: nobody did.
    """

    name: str
    location: str
    volume: tuple[str, str, str, int | None]
    values: dict[str, Any]
    tsv_sha256: str
    differing: dict[str, dict[str, Any]] = {}
    accepted: tuple[float, str] | None = None


def of_json(data: bytes, archive: str) -> Recalled:
    """Parse `ID.json`. Raises ValueError when it is not what `write_data` writes for an import that has ended."""
    try:
        members = json.loads(data)
        raw = {name: decode(members[name]) for name in PATH_FIELDS}
        head = msgspec.convert(members | raw, Head, builtin_types=(bytes,))
        tsv_sha256 = str(members["list_sha256"])
        # Receipts of the first releases lack these.
        differing = {one["path"]: _before(one) for one in members.get("differing", ())}
        otherwise = members.get("otherwise") or {"verdict": "", "reason": ""}
        otherwise = {"otherwise": str(otherwise["verdict"]), "otherwise_reason": str(otherwise["reason"])}
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        raise ValueError(f"not a receipt: {error}") from error
    if head.ended is None or head.state not in ENDED:
        raise ValueError("the import had not ended")
    return Recalled(
        name=head.id,
        location=head.location_name,
        volume=(head.volume_identity, head.volume_name, head.volume_filesystem, head.volume_capacity),
        values=_values(head, head.ended, archive) | otherwise,
        tsv_sha256=tsv_sha256,
        differing=differing,
        accepted=(_moment(head.accepted), head.accepted_by) if head.accepted else None,
    )


def _before(one: dict[str, str]) -> dict[str, Any]:
    """Raises KeyError, ValueError, TypeError."""
    return {"xxh128": one["xxh128"], "sha256": one["sha256"], "imported": _moment(one["imported"])}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _values(head: Head, ended: str, archive: str) -> dict[str, Any]:
    request = ImportRequest(
        source=os.fsdecode(os.path.join(head.source, head.single) if head.single else head.source),
        archive=archive,
        location=head.location_name,
        label=head.label,
        operator=head.operator,
        note=head.note,
        **msgspec.structs.asdict(head.options),
    )
    return {
        "root": head.root,
        "source": head.source,
        "single": head.single,
        "request": request,
        "machine": head.machine,
        "version": head.version,
        "state": head.state,
        "listed": head.listed,
        "started": _moment(head.started),
        "ended": _moment(ended),
        "zone": head.zone,
        "verdict": head.verdict,
        "verdict_reason": head.verdict_reason,
        "previous": head.previous,
        "bytes_read": head.bytes_read,
        "way": head.way,
    }
