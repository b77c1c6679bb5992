"""What a hook is told of the end of an import: as JSON for programs, in words for people."""

from core import archive_layout
from core.catalog import Catalog, import_list
from core.models import Value, Verdict
from core.receipts.text import LEVELS
from core.receipts.timestamps import stamp


class Ending(Value, frozen=True, kw_only=True):
    """The JSON that a hook receives. Counts are files; times are ISO 8601.

    location_folder: as in ImportRecord. levels: archived files by verification level. copies: how many contents of
    the import were verified in another copy of the archive, by that copy's path. receipt: the receipt's path below
    the archive, without its extension (.txt, .json, .tsv). receipt_sha256: of its text; empty without a receipt.
    """

    event: str = "ended"
    id: str
    label: str
    source: str
    archive: str
    location: str
    location_folder: str
    state: str
    verdict: Verdict
    reason: str
    seen: int
    archived: int
    duplicate: int
    skipped: int
    junk: int
    failed: int
    levels: dict[str, int]
    copies: dict[str, int]
    receipt: str
    receipt_sha256: str
    started: str
    ended: str

    @property
    def title(self) -> str:
        """`Lading: SAFE A001 EOS R5`, one line."""
        word = str(self.verdict) or ("EMPTY" if self.state == "done" else self.state.upper())
        return f"Lading: {word} {self.label or self.source}"

    @property
    def text(self) -> str:
        """The facts for a person, a line each."""
        levels = ", ".join(f"{count:,} {LEVELS.get(level, level)}" for level, count in self.levels.items())
        lines = [
            f"{self.verdict or self.state}: {self.reason}" if self.reason else str(self.verdict or self.state),
            f"{self.source} to {self.location} in {self.archive}",
            f"{self.seen:,} seen = {self.archived:,} archived + {self.duplicate:,} duplicate + "
            f"{self.skipped:,} skipped + {self.junk:,} junk + {self.failed:,} failed",
            f"Verified: {levels or 'nothing'}",
            *(f"Also in {path}: {count:,} verified" for path, count in self.copies.items()),
            f"Receipt: {self.receipt}.txt, SHA-256 {self.receipt_sha256 or 'not known'}",
            f"{self.started} to {self.ended}, import {self.id}",
        ]
        return "\n".join(lines) + "\n"


async def ending(catalog: Catalog, name: str) -> Ending:
    """The message about the import `name`. Raises UsageError where there is none."""
    record = await import_list.find(catalog.database.read, (), name)
    row = await catalog.import_named(name)
    return Ending(
        id=name,
        label=record.label,
        source=record.source,
        archive=record.archive,
        location=record.location,
        location_folder=record.location_folder,
        state=record.state,
        verdict=record.verdict,
        reason=record.verdict_reason,
        seen=record.seen,
        archived=record.archived,
        duplicate=record.duplicate,
        skipped=record.skipped,
        junk=record.junk,
        failed=record.failed,
        levels=dict(record.proven),
        copies={path: count for path, count, _ in record.copies},
        receipt=archive_layout.receipt(row.location_folder, name) if row else "",
        receipt_sha256=row.receipt if row else "",
        started=stamp(record.started),
        ended=stamp(record.ended or record.started),
    )
