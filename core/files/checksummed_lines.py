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


def intact(line: bytes) -> bool:
    """Whether a line is as it was sealed: neither torn nor damaged."""
    text, mark, check = line.rpartition(_MARK)
    return bool(mark) and check.rstrip(b"\n") == xxhash.xxh3_64_hexdigest(text).encode() + b'"}'


def unsealed(line: bytes) -> dict[str, Any] | None:
    """Decode a line; None when it is torn or damaged."""
    if not intact(line):
        return None
    text, _, _ = line.rpartition(_MARK)
    try:
        row = msgspec.json.decode(text + b"}")
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
