"""The list of an import in its location's folder (`ID.tsv`), read again as lines of a journal."""

from collections.abc import AsyncIterator
from datetime import datetime

from core.bagit.folder import BagFolder
from core.journal.journal_format import Line
from core.media import old_reasons

PAGE = 1000
"""Rows per page."""


async def pages(bag: BagFolder, path: str) -> AsyncIterator[list[dict[str, str]]]:
    """The rows of an import's list, page by page. Its first line names the columns; older lists have fewer."""
    page: list[dict[str, str]] = []
    columns: list[str] = []
    rest = b""
    async for data in bag.pieces(path):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            fields = line.decode().split("\t")
            if not columns:
                columns = fields
            elif len(fields) == len(columns):
                page.append(dict(zip(columns, fields, strict=True)))
        while len(page) >= PAGE:
            yield page[:PAGE]
            page = page[PAGE:]
    if page:
        yield page


def journal_line(row: dict[str, str]) -> Line:
    """A row of an import's list as a journal line."""
    line: Line = {
        "file": row["path"],
        "outcome": row["outcome"],
        "size": int(row["size"]),
        "mtime_ns": int(row["mtime_ns"]),
        "kind": row["kind"],
        "reason": row["reason"],
    }
    if row.get("side"):
        line |= {name: row[name] for name in ("stage", "side", "detail")} | {"code": int(row["code"] or 0)}
    if row["xxh128"]:
        line |= {"xxh128": row["xxh128"], "sha256": row["sha256"]}
    unkept = row["unkept"] if "unkept" in row else old_reasons.unkept(row["reason"])
    if unkept:
        line["xattrs_unkept"] = unkept
    if "sort" in row:
        line |= {name: row[name] for name in ("sort", "target") if row[name] or name == "sort"}
    if row["outcome"] == "archived":
        line["payload"] = row["payload"]
    return line


def moment(text: str) -> float | None:
    """Seconds since 1970 UTC of a time in ISO 8601; None for an empty text. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp() if text else None
