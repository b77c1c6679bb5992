"""The receipt as text for people: `lading/ID.txt` of a bag, and the output of `lading receipt ID`.

Every name and every text by a person is made safe to display and kept on one line, so that none can pass for a
line of the receipt.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import tzinfo

from core.catalog import differing, unopenable
from core.database import Read
from core.files import noreplace
from core.models import Count, Outcome, State, Verdict
from core.paths import display, encode
from core.receipts import checksum_lists
from core.receipts.files import DAMAGED, DATA_WORDS, ReceiptRow, pages
from core.receipts.formats import Out, checked_pages
from core.receipts.summary import Head, ReceiptHead, heading
from core.receipts.timestamps import stamp, stamp_ns
from core.words import count_clause, counted

LEVELS = {
    "medium": "read back from the medium",
    "server": "read back from the server",
    "cache not excluded": "read back, but perhaps from memory",
    "": "not read back",
    DAMAGED: "found damaged when it was read again: not to be relied on",
}
"""The meaning of each verification level."""

WAYS = {
    noreplace.RENAME: "No file was replaced: the file system itself refuses to replace a name.",
    noreplace.LINK: "No file was replaced: the file system itself refuses to replace a name.",
    noreplace.LOOK: "No file that was seen was replaced; this file system cannot refuse that to a program that "
    "writes there at the same moment.",
}
"""The meaning of each method of publishing (core.files.noreplace)."""

ONE_VOLUME = "on one volume with the source: one fault can take both"

OUTCOME_WORDS = {**DATA_WORDS, Outcome.TODO: "to do"}
_STATES = {
    State.RUNNING: "running",
    State.PAUSED: "paused",
    State.DONE: "done",
    State.CANCELLED: "cancelled",
}


async def write_text(read: Read, name: str, out: Out, tsv_sha256: str = "", json_sha256: str = "") -> None:
    """Pass the text to `out`, piece by piece. The digests are those of the import's `ID.tsv` and `ID.json`; empty:
    not listed.

    The SHA-256 of the text in UTF-8 is stored in `import.receipt`, and as `previous` in the next receipt.
    Raises as `core.receipts.write`.
    """
    found = await heading(read, name)
    head, totals = found.head, found.head.totals
    out("".join(f"{line.rstrip()}\n" for line in _before(head, tsv_sha256, json_sha256)))
    for outcome, count in ((Outcome.FAILED, totals.failed), (Outcome.SKIPPED, totals.skipped)):
        if count.files:
            out(f"\n{outcome.name.capitalize()} files ({count.files:,})\n")
            await _list(pages(read, found.import_id, found.root, found.last, (outcome,)), found.zone, out)
    await _noteworthy(read, found, out)
    out(f"\nAll entries seen ({totals.seen.files:,})\n")
    await _list(checked_pages(read, found), found.zone, out)
    out(f"\nEnd of the receipt of {display(head.id)}: {counted(totals.seen.files, 'entry', 'entries')}.\n")


async def _noteworthy(read: Read, found: ReceiptHead, out: Out) -> None:
    """What is archived, but may need a person's attention."""
    if broken := await unopenable.of_import(read, found.import_id):
        out(f"\nPhotos and films that cannot be opened, found so far ({len(broken):,})\n")
        out("".join(f"  {display(path)}  ({display(why)})\n" for path, why in broken))
    if others := await differing.of_import(read, found.import_id):
        out(f"\nFiles that differ from what was imported before under the same size and time ({len(others):,})\n")
        for one in others:
            when = stamp(one.imported, found.zone)
            out(f"  {display(one.path)}  (imported {when}: {display(one.payload)})\n")
    for piece in checksum_lists.text(await checksum_lists.of_import(read, found.import_id)):
        out(piece)


async def _list(files: AsyncIterator[list[ReceiptRow]], zone: tzinfo, out: Out) -> None:
    async for page in files:
        out("".join(f"{_line(row, zone)}\n" for row in page))


def _line(row: ReceiptRow, zone: tzinfo) -> str:
    word = OUTCOME_WORDS[row.outcome]
    text = f"  {word:<9}  {stamp_ns(row.mtime_ns, zone):<25}  {row.size:>17,}  {display(row.path)}"
    if row.payload and row.outcome == Outcome.DUPLICATE:
        when = "never read back" if row.read_back is None else f"last read back {stamp(row.read_back, zone)}"
        text += f"  = {display(row.payload)}, {when}"
    elif row.payload:
        text += f"  -> {display(row.payload)}, {meaning(row.level)}"
    if row.sha256:
        text += f"  XXH3-128 {row.xxh128}  SHA-256 {row.sha256}"
    if row.lists:
        text += f"  [checksum lists: {row.lists}]"
    return text + (f"  ({display(f'{row.reason} {row.detail}'.rstrip())})" if row.reason else "")


def data_line(name: str, sha256: str) -> str:
    """The line of the text that lists `ID.json` of import `name`."""
    return f"{'Data':<12}{display(name)}.json, SHA-256 {sha256}"


def _before(head: Head, tsv_sha256: str, json_sha256: str) -> Iterator[str]:
    title = f"BILL OF LADING  {display(head.id)}"
    yield from (title, "=" * len(title), "")
    for name, value in facts(head):
        if value:
            yield f"{name:<12}{value}"
    yield from ("", *_totals(head), "", "What was proven")
    yield from (f"  {line}" for line in proven(head))
    yield ""
    yield f"{'Verdict':<12}{verdict_words(head)}"
    if head.accepted:
        yield f"{'Accepted':<12}{head.accepted} by {display(head.accepted_by)}"
    yield ""
    previous = f"receipt, SHA-256 {display(head.previous)}" if head.previous else "none"
    yield f"{'Previous':<12}{previous}"
    if tsv_sha256:
        yield f"{'List':<12}{display(head.id)}.tsv, SHA-256 {tsv_sha256}"
    if json_sha256:
        yield data_line(head.id, json_sha256)


def facts(head: Head) -> Iterator[tuple[str, str]]:
    """(name, value) of the head. An empty name continues the fact before; a fact with an empty value is not
    shown."""
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
    capacity = "" if head.volume_capacity is None else f", {counted(head.volume_capacity, 'byte')}"
    yield "Volume", f"{display(head.volume_name)}, {display(head.volume_filesystem)}{capacity}"
    yield "", f"identity {display(head.volume_identity)}"
    yield "", f"folder {encode(head.root)}" if head.root else ""
    yield "To", f"{display(head.location_name)}, in locations/{display(head.location_folder)}"
    yield "Archive", f"{display(head.archive_path)}, {display(head.archive_uuid)}"
    yield "", ONE_VOLUME if head.one_volume else ""
    yield "Options", f"verify {options.verify}, known {options.known}, duplicates {options.duplicates}"
    yield "", "excluding " + ", ".join(map(display, options.exclude)) if options.exclude else ""
    yield "", "accepting " + ", ".join(map(display, options.accept)) if options.accept else ""
    yield "", "photo libraries included" if options.libraries else ""
    yield "", "iCloud files fetched" if options.icloud else ""


def _totals(head: Head) -> Iterator[str]:
    totals = head.totals
    yield f"{'Totals':<14}{'files':>14}{'bytes':>24}"
    for outcome in (*tuple(Outcome)[1:], Outcome.TODO):
        yield _sum(OUTCOME_WORDS[outcome], getattr(totals, DATA_WORDS[outcome]))
    yield _sum("seen", totals.seen)
    if head.kinds:
        yield from ("", "By kind, without junk files")
        yield from (_sum(display(kind) or "unknown", count) for kind, count in head.kinds.items())


def _sum(name: str, count: Count) -> str:
    return f"  {name:<12}{count.files:>14,}{count.bytes:>24,}"


def proven(head: Head) -> Iterator[str]:
    """Sentences on what was verified."""
    for one in head.proven:
        yield f"{counted(one.files, 'archived file')}, {counted(one.bytes, 'byte')}: {meaning(one.level)}."
    if not head.proven:
        yield "No file was archived."
    elif head.way in WAYS:
        yield WAYS[head.way]
    if head.totals.duplicate.files:
        yield f"{counted(head.totals.duplicate.files, 'duplicate')}: {_last_read(head)}."
    if head.far_times:
        yield (
            f"Times outside the years 1677 to 2262: {head.far_times:,}. The list has the nearest ones, the "
            "journal the exact ones."
        )
    often = "twice, the second time to compare" if head.source_reads == 2 else "once"
    known = (
        "; known files were not read, but taken from the record, and parts of some compared"
        if head.options.known == "record"
        else ""
    )
    lists = f", and {counted(head.lists, 'checksum list')} once more before" if head.lists else ""
    yield f"The source was read {often}{lists}{known} ({counted(head.bytes_read, 'byte')})."


def _last_read(head: Head) -> str:
    oldest, unread = head.duplicates_oldest, head.duplicates_unread
    if oldest is None and head.duplicates_damaged:
        damaged = count_clause(head.duplicates_damaged, "were found damaged")
        return f"of the files they equal {damaged}, no other was read back"
    if oldest is None:
        return "the files they equal were never read back"
    but = f"; those of {unread:,} never" if unread else ""
    but += (
        f"; those of {count_clause(head.duplicates_damaged, 'were found damaged')}"
        if head.duplicates_damaged
        else ""
    )
    return f"the files they equal were last read back at {oldest} or later{but}"


def verdict_words(head: Head) -> str:
    """The verdict and its reason, in words."""
    if head.verdict == Verdict.OPEN and head.verdict_reason:
        return f"none: {display(head.verdict_reason)}"
    if head.verdict == Verdict.OPEN:
        return "none yet" + (f" (to do: {head.totals.todo.files:,})" if head.totals.todo.files else "")
    return head.verdict.value + (f": {display(head.verdict_reason)}" if head.verdict_reason else "")


def meaning(level: str) -> str:
    """A verification level in words."""
    return LEVELS.get(level, display(level))
