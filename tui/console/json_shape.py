"""The common shape of all JSON that commands write, derived from the values of replies: types for the schemas, and
the values themselves.

- A time is text: ISO 8601 in UTC, with its zone. The only exception are capture dates, whose zone may be unknown.
- An outcome is its word. Sizes are whole bytes, numbers stay numbers, durations are `seconds`.
- Pairs in values become objects with named members.
- `path` is the original path on the source, `payload` the path below the archive.
- The import that something belongs to is its `import_id`.
"""

import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from core.details import Derived, ItemView, LocationView, Original
from core.listings import ImportRecord
from core.models import Outcome
from core.results import Adjusted, AuditResult, CheckResult, MirrorResult, RestoreResult, Tidied

TIMES = frozenset(
    (
        *("time", "started", "starts", "ended", "mtime", "due", "again", "read_back", "sealed", "oldest_read"),
        *("since", "captured", "earliest", "latest"),
    )
)
"""Names of members that are seconds since 1970 in the values, if they are numbers."""

PAIRS: dict[tuple[type, str], tuple[str, ...]] = {
    (Adjusted, "left"): ("reason", "files"),
    (Adjusted, "shown"): ("path", "before", "now"),
    (MirrorResult, "lacking"): ("payload", "reason"),
    (RestoreResult, "planned"): ("path", "restored_as"),
    (ImportRecord, "proven"): ("level", "files"),
    (ImportRecord, "copies"): ("copy", "files", "as_of"),
    (AuditResult, "damaged"): ("payload", "reason"),
    (AuditResult, "not_read"): ("payload", "reason"),
    (AuditResult, "healed"): ("payload", "source"),
    (RestoreResult, "renamed"): ("path", "restored_as"),
    (RestoreResult, "encoded"): ("path", "restored_as"),
    (RestoreResult, "failed"): ("path", "reason"),
    (RestoreResult, "absent"): ("path", "reason"),
    (CheckResult, "reasons"): ("reason", "files"),
    (CheckResult, "files"): ("path", "reason"),
    (Tidied, "removed"): ("payload", "reason"),
    (Tidied, "kept"): ("payload", "reason"),
    (Original, "links"): ("role", "path"),
    (LocationView, "copies"): ("copy", "files", "as_of"),
    (LocationView, "kinds"): ("kind", "files"),
    (LocationView, "cameras"): ("camera", "files"),
}
"""The names of the members of pairs and triples."""

JSON_NAMES: dict[tuple[type, str], str] = {
    (ItemView, "path"): "payload",
    (Derived, "path"): "payload",
    (AuditResult, "oldest"): "oldest_payload",
}
"""Members that have another name in JSON."""

DROPPED = {(ImportRecord, "row")}
"""Members that are for the program only."""

TOOL_ANSWERS = ("exiftool", "ffprobe")
"""Members of an item that are JSON texts themselves: a tool's whole answer."""

Time = datetime
_WORDS = tuple(outcome.word for outcome in Outcome)


def shaped(value: Any) -> Any:
    """A reply's value as JSON's own types, in the shape that `shape_of` gives for its type."""
    if isinstance(value, msgspec.Struct):
        kind = type(value)
        return {
            _name(kind, name): _member(kind, name, getattr(value, name))
            for name in kind.__struct_fields__
            if not _dropped(kind, name)
        }
    if isinstance(value, Outcome):
        return value.word
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _moment(key, one) if key == "captured" else shaped(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shaped(one) for one in value]
    return value


def _member(kind: type, name: str, value: Any) -> Any:
    if pair := _looked_up(PAIRS, kind, name):
        return [dict(zip(pair, one, strict=True)) for one in value]
    if name in TOOL_ANSWERS and issubclass(kind, ItemView):
        return json.loads(value) if value else None
    return _moment(name, value) if name in TIMES else shaped(value)


def _moment(name: str, value: Any) -> Any:
    """A time as ISO 8601; a value that is not a number of seconds stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shaped(value)
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        # No calendar has this time: files may have any.
        return None


@cache
def shape_of(kind: Any) -> Any:
    """The type of what `shaped` returns for a value of type `kind`; `msgspec.json.schema` describes it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return shape_of(inner[0])
    if origin in (Union, types.UnionType):
        return Union[tuple(shape_of(one) for one in inner)]  # noqa: UP007 - of a list that is made here
    if origin in (list, tuple):
        return list[shape_of(inner[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[str, Any] if inner[1] is not int and get_origin(inner[1]) else dict[str, shape_of(inner[1])]  # type: ignore[misc]
    if kind is Outcome:
        return Literal[_WORDS]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    return kind


def _struct(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind)
    fields: list[tuple[str, Any]] = []
    for name in kind.__struct_fields__:
        if _dropped(kind, name):
            continue
        hint = hints[name]
        if pair := _looked_up(PAIRS, kind, name):
            members = zip(pair, get_args(get_args(hint)[0]), strict=True)
            of = msgspec.defstruct(f"{kind.__name__}{name.title()}", list(members), forbid_unknown_fields=True)
            fields.append((_name(kind, name), list[of]))  # type: ignore[valid-type]
        elif name in TOOL_ANSWERS and issubclass(kind, ItemView):
            fields.append((name, Any))
        elif name in TIMES and float in (hint, *get_args(hint)):
            fields.append((_name(kind, name), Time | None))
        else:
            fields.append((_name(kind, name), shape_of(hint)))
    return msgspec.defstruct(kind.__name__, fields, forbid_unknown_fields=True)


def _looked_up(table: Mapping[tuple[type, str], Any], kind: type, name: str) -> Any:
    return next((table[base, name] for base in kind.__mro__ if (base, name) in table), None)


def _name(kind: type, name: str) -> str:
    return str(_looked_up(JSON_NAMES, kind, name) or name)


def _dropped(kind: type, name: str) -> bool:
    return any((base, name) in DROPPED for base in kind.__mro__)
