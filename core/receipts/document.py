"""The receipt to read: `lading/ID.txt` of a bag, and what `lading receipt ID` prints.

Every name and every word of a person is made safe to show and kept on its line, so that none can pass for a
line of the receipt.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import tzinfo

from core.files import noreplace
from core.models import Count, Outcome, State, Verdict
from core.paths import display, encode
from core.receipts.heading import Head, heading
from core.receipts.lookup import Read
from core.receipts.machine import Out, checked
from core.receipts.row import WORDS, FileRow, pages
from core.receipts.times import stamp, stamp_ns

LEVELS = {
    "medium": "read back from the medium",
    "server": "read back from the server",
    "cache not excluded": "read back, but perhaps from memory",
    "": "not read back",
}
"""What a verification level means."""

WAYS = {
    noreplace.RENAME: "No file was replaced: the file system itself refuses to replace a name.",
    noreplace.LINK: "No file was replaced: the file system itself refuses to replace a name.",
    noreplace.LOOK: "No file that was seen was replaced; this file system cannot refuse that to a program that "
    "writes there at the same moment.",
}
"""What the way of giving names means."""

_WORDS = {**WORDS, Outcome.TODO: "to do"}
_STATES = {
    State.RUNNING: "running",
    State.PAUSED: "paused",
    State.DONE: "done",
    State.CANCELLED: "cancelled",
}


async def write_text(read: Read, name: str, out: Out, tsv_sha256: str = "") -> None:
    """Give the document to `out`, piece by piece; `tsv_sha256` is the SHA-256 of the import's list `ID.tsv`.

    The SHA-256 of the text in UTF-8 is what `import.receipt` holds, and `previous` of the next receipt.
    Raises as `core.receipts.write`.
    """
    found = await heading(read, name)
    head, totals = found.head, found.head.totals
    out("".join(f"{line.rstrip()}\n" for line in _before(head, tsv_sha256)))
    for outcome, count in ((Outcome.FAILED, totals.failed), (Outcome.SKIPPED, totals.skipped)):
        if count.files:
            out(f"\n{outcome.name.capitalize()} files ({count.files:,})\n")
            await _list(pages(read, found.import_id, found.root, found.last, (outcome,)), found.zone, out)
    out(f"\nAll entries seen ({totals.seen.files:,})\n")
    await _list(checked(read, found), found.zone, out)
    out(f"\nEnd of the receipt of {display(head.id)}: {totals.seen.files:,} entries.\n")


async def _list(files: AsyncIterator[list[FileRow]], zone: tzinfo, out: Out) -> None:
    async for page in files:
        out("".join(f"{_line(row, zone)}\n" for row in page))


def _line(row: FileRow, zone: tzinfo) -> str:
    word = _WORDS[row.outcome]
    text = f"  {word:<9}  {stamp_ns(row.mtime_ns, zone):<25}  {row.size:>17,}  {display(row.path)}"
    if row.payload and row.outcome == Outcome.DUPLICATE:
        when = "never read back" if row.read_back is None else f"last read back {stamp(row.read_back, zone)}"
        text += f"  = {display(row.payload)}, {when}"
    elif row.payload:
        text += f"  -> {display(row.payload)}, {_meaning(row.level)}"
    if row.sha256:
        text += f"  XXH3-128 {row.xxh128}  SHA-256 {row.sha256}"
    return text + (f"  ({display(row.reason)})" if row.reason else "")


def _before(head: Head, tsv_sha256: str) -> Iterator[str]:
    title = f"BILL OF LADING  {display(head.id)}"
    yield from (title, "=" * len(title), "")
    for name, value in _facts(head):
        if value:
            yield f"{name:<12}{value}"
    yield from ("", *_totals(head), "", "What was proven")
    yield from (f"  {line}" for line in _proven(head))
    yield ""
    yield f"{'Verdict':<12}{_verdict(head)}"
    yield ""
    previous = f"receipt, SHA-256 {display(head.previous)}" if head.previous else "none"
    yield f"{'Previous':<12}{previous}"
    if tsv_sha256:
        yield f"{'List':<12}{display(head.id)}.tsv, SHA-256 {tsv_sha256}"


def _facts(head: Head) -> Iterator[tuple[str, str]]:
    options, todo = head.options, head.totals.todo.files
    state = _STATES[head.state] + (f": {display(head.state_reason)}" if head.state_reason else "")
    if todo or not head.listed:
        state += f" (to do: {todo:,}{'' if head.listed else ', and what was not yet listed'})"
    yield "Label", display(head.label)
    yield "State", state
    yield "Note", display(head.note)
    yield "Operator", display(head.operator)
    yield "Machine", f"{display(head.machine)}, Lading {display(head.version)}"
    yield "Started", f"{head.started} ({display(head.zone)})"
    yield "Ended", head.ended or "not yet"
    yield "Runs", f"{head.runs:,}"
    yield "From", display(head.source) + (f" (only {display(head.single)})" if head.single else "")
    capacity = "" if head.volume_capacity is None else f", {head.volume_capacity:,} bytes"
    yield "Volume", f"{display(head.volume_name)}, {display(head.volume_filesystem)}{capacity}"
    yield "", f"identity {display(head.volume_identity)}"
    yield "", f"folder {encode(head.root)}" if head.root else ""
    yield "To", f"{display(head.location_name)}, in locations/{display(head.location_folder)}"
    yield "Archive", f"{display(head.archive_path)}, {display(head.archive_uuid)}"
    yield "Options", f"verify {options.verify}, known {options.known}, duplicates {options.duplicates}"
    yield "", "excluding " + ", ".join(map(display, options.exclude)) if options.exclude else ""
    yield "", "photo libraries included" if options.libraries else ""
    yield "", "iCloud files fetched" if options.icloud else ""


def _totals(head: Head) -> Iterator[str]:
    totals = head.totals
    yield f"{'Totals':<14}{'files':>14}{'bytes':>24}"
    for outcome in (*tuple(Outcome)[1:], Outcome.TODO):
        yield _sum(_WORDS[outcome], getattr(totals, WORDS[outcome]))
    yield _sum("seen", totals.seen)
    if head.kinds:
        yield from ("", "By kind, without litter")
        yield from (_sum(display(kind) or "unknown", count) for kind, count in head.kinds.items())


def _sum(name: str, count: Count) -> str:
    return f"  {name:<12}{count.files:>14,}{count.bytes:>24,}"


def _proven(head: Head) -> Iterator[str]:
    for proven in head.proven:
        yield f"{_files(proven.files, 'archived file')}, {proven.bytes:,} bytes: {_meaning(proven.level)}."
    if not head.proven:
        yield "No file was archived."
    elif head.way in WAYS:
        yield WAYS[head.way]
    if head.totals.duplicate.files:
        yield f"{_files(head.totals.duplicate.files, 'duplicate')}: {_last_read(head)}."
    often = "twice, the second time to compare" if head.source_reads == 2 else "once"
    known = "; known files were not read, but taken from the record" if head.options.known == "record" else ""
    yield f"The source was read {often}{known} ({head.bytes_read:,} bytes)."


def _last_read(head: Head) -> str:
    oldest, unread = head.duplicates_oldest, head.duplicates_unread
    if oldest is None:
        return "the files they equal were never read back"
    but = f"; those of {unread:,} never" if unread else ""
    return f"the files they equal were last read back at {oldest} or later{but}"


def _verdict(head: Head) -> str:
    if head.verdict == Verdict.OPEN:
        return "none yet" + (f" (to do: {head.totals.todo.files:,})" if head.totals.todo.files else "")
    return head.verdict.value + (f": {display(head.verdict_reason)}" if head.verdict_reason else "")


def _files(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _meaning(level: str) -> str:
    return LEVELS.get(level, display(level))
