"""Lines of JSON whose damage can be seen: the last member, `check`, is the XXH3-64 of all bytes before it in the
line."""

from typing import Any

import msgspec
import xxhash

_MARK = b',"check":"'


def sealed(row: dict[str, object]) -> bytes:
    """Encode `row`, which is not empty, as one line with its checksum."""
    text = msgspec.json.encode(row)[:-1]
    return text + _MARK + xxhash.xxh3_64_hexdigest(text).encode() + b'"}\n'


def unsealed(line: bytes) -> dict[str, Any] | None:
    """Decode a line; None when it is torn or damaged."""
    text, mark, check = line.rpartition(_MARK)
    if not mark or check.rstrip(b"\n") != xxhash.xxh3_64_hexdigest(text).encode() + b'"}':
        return None
    try:
        row = msgspec.json.decode(text + b"}")
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
