"""Checksum lists on the source in the journal of an import: writing their lines, and replaying them."""

from collections.abc import AsyncIterator

from core.catalog import ImportRow
from core.checksums.names import composed
from core.database import Read, Statement
from core.journal.journal_format import Line, sealed
from core.paths import decode, encode, join, relative

PAGE = 1000
"""Checksums per query and block of lines."""

LARGEST_COUNT = 1 << 40
"""The upper bound for counts in a journal, so that SQLite can hold them."""

_LIST = (
    "INSERT INTO checksum_list (import_id, path, fault, not_understood, outside, judged) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (import_id, path) DO UPDATE SET fault = excluded.fault, "
    "not_understood = excluded.not_understood, outside = excluded.outside, judged = excluded.judged"
)
_LISTED = (
    "INSERT OR REPLACE INTO listed (import_id, key, list_id, algorithm, digest, path, found, file_id, exact) "
    "SELECT c.import_id, ?, c.id, ?, ?, ?, ?, "
    "(SELECT id FROM file WHERE volume_id = ? AND path = ? AND import_id = c.import_id), ? "
    "FROM checksum_list c WHERE c.import_id = ? AND c.path = ?"
)
_ROWS = (
    "SELECT l.key, l.list_id, l.algorithm, l.digest, l.path, l.found, c.path, f.path FROM listed l "
    "JOIN checksum_list c ON c.id = l.list_id LEFT JOIN file f ON f.id = l.file_id WHERE l.import_id = ? "
    "AND (l.key, l.list_id, l.algorithm, l.digest) > (?, ?, ?, ?) "
    "ORDER BY l.key, l.list_id, l.algorithm, l.digest LIMIT ?"
)


async def list_lines(read: Read, row: ImportRow) -> AsyncIterator[bytes]:
    """The journal lines for an import's checksum lists, then for their checksums, some at a time."""
    lists = await read(
        "SELECT path, fault, not_understood, outside, judged FROM checksum_list WHERE import_id = ? ORDER BY path",
        (row.id,),
    )
    names = ("list", "fault", "not_understood", "outside", "judged")
    yield b"".join(sealed(dict(zip(names, (encode(path), *rest), strict=True))) for path, *rest in lists)
    after: tuple[object, ...] = (b"", 0, "", b"")
    while rows := await read(_ROWS, (row.id, *after, PAGE)):
        after = rows[-1][:4]
        yield b"".join(_listed(row, *found[2:]) for found in rows)


def _listed(
    row: ImportRow,
    algorithm: str,
    digest: bytes,
    path: bytes,
    found: bytes | None,
    of: bytes,
    file: bytes | None,
) -> bytes:
    line: dict[str, object] = {
        "listed": encode(path),
        "in": encode(of),
        "algorithm": algorithm,
        "digest": digest.hex(),
    }
    if found is not None:
        line["found"] = found.hex()
    if file is not None:
        line["read"] = encode(relative(row.root, file))
    return sealed(line)


def statements(row: ImportRow, lines: list[Line]) -> list[Statement]:
    """The statements that enter the checksum lists of journal lines into the catalog, which has the import's files
    already. Other lines, and malformed ones, are ignored."""
    lists: list[tuple[object, ...]] = []
    listed: list[tuple[object, ...]] = []
    for line in lines:
        try:
            if "list" in line:
                counts = [min(int(line[name]), LARGEST_COUNT) for name in ("not_understood", "outside", "judged")]
                lists.append((row.id, decode(line["list"]), str(line["fault"]), *counts))
            elif "listed" in line:
                path, read = decode(line["listed"]), decode(line["read"]) if "read" in line else None
                listed.append(
                    (
                        composed(path),
                        str(line["algorithm"]),
                        bytes.fromhex(line["digest"]),
                        path,
                        bytes.fromhex(line["found"]) if "found" in line else None,
                        row.volume_id,
                        None if read is None else join(row.root, read),
                        int(read == path),
                        row.id,
                        decode(line["in"]),
                    )
                )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            continue  # written by a newer program, or by none
    return [(sql, rows) for sql, rows in ((_LIST, lists), (_LISTED, listed)) if rows]
