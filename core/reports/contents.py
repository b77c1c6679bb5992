"""The contents of a report, before its pictures and its list of files: read once, for pages and for PDF.

All texts have passed `display`: they are safe to show.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo

import humanize
import msgspec

from core.catalog import differing, tile_rows, unopenable
from core.catalog.file_sets import FileSet
from core.catalog.tile_rows import Stretch
from core.database import Read
from core.media import left_out
from core.media.file_types import Kind
from core.models import Count, Outcome, Verdict
from core.paths import display
from core.receipts import checksum_lists
from core.receipts.files import DAMAGED, DATA_WORDS
from core.receipts.summary import Head, ReceiptHead, heading
from core.receipts.text import OUTCOME_WORDS, facts, proven, verdict_words
from core.receipts.timestamps import stamp

DAYS_DRAWN = 62
"""The most days of a timeline that are drawn hour by hour; with more, each day is one row of numbers."""

HOURS = tuple(f"{hour:02}" for hour in range(24))


VERIFIED = {
    "readback": "each copy read back and compared",
    "source": "each copy read back and compared, the source read twice",
    "end": "each copy read back and compared, and once more at the end",
    "none": "copies not read back",
}
KNOWN = {
    "read": "files imported before read again",
    "record": "files imported before taken from the record",
}
DUPLICATES = {
    "archive": "nothing stored twice in the archive",
    "location": "nothing stored twice in the location",
}
"""VERIFIED, KNOWN and DUPLICATES say what the values of these three options of an import mean."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of the report of one import. tone: safe, keep or open. meaning: what the verdict asks of
    people; empty while there is none. facts: (name, lines). outcomes and kinds: (word, count). unopenable: (path,
    reason). differing: (path, when it was imported before, where that content is). lists: a sentence about each
    checksum list on the source. not_as_listed: (path, how it differs). not_there: (path, the list that names
    it)."""

    heading: ReceiptHead
    title: str
    verdict: str
    tone: str
    meaning: str
    facts: list[tuple[str, list[str]]]
    proven: list[str]
    outcomes: list[tuple[str, Count]]
    kinds: list[tuple[str, Count]]
    unopenable: list[tuple[str, str]]
    differing: list[tuple[str, str, str]]
    lists: list[str]
    not_as_listed: list[tuple[str, str]]
    not_there: list[tuple[str, str]]

    @property
    def head(self) -> Head:
        """The import's head, as in its receipt."""
        return self.heading.head

    @property
    def zone(self) -> tzinfo:
        """The time zone of the import's times."""
        return self.heading.zone


async def contents(read: Read, name: str) -> Contents:
    """Read the contents of the report of the import `name`. Raises UsageError, DatabaseError."""
    found = await heading(read, name)
    head = found.head
    broken = await unopenable.of_import(read, found.import_id)
    others = await differing.of_import(read, found.import_id)
    lists = await checksum_lists.of_import(read, found.import_id)
    return Contents(
        heading=found,
        title=display(head.label or os.path.basename(head.single or head.source) or head.volume_name),
        verdict=verdict_words(head),
        tone={Verdict.SAFE: "safe", Verdict.KEEP: "keep"}.get(head.verdict, "open"),
        meaning=_meaning(head, unopenable=bool(broken)),
        facts=list(_join(_facts(head))),
        proven=[_with_moment(sentence, head.duplicates_oldest) for sentence in proven(head)],
        outcomes=_outcomes(head),
        kinds=[(display(kind) or "unknown", count) for kind, count in head.kinds.items()],
        unopenable=[(display(path), display(why)) for path, why in broken],
        differing=[(display(one.path), stamp(one.imported, found.zone), display(one.payload)) for one in others],
        lists=list(checksum_lists.sentences(lists)),
        not_as_listed=list(map(checksum_lists.difference, lists.differing)),
        not_there=[(display(path), display(of)) for path, of in lists.missing],
    )


def _meaning(head: Head, *, unopenable: bool) -> str:
    """What the verdict asks of people. The verdict is that of the import's end; damage that was found since is
    considered, too."""
    what = "source" if head.root or head.single else "card"
    if head.verdict is Verdict.KEEP:
        return f"Do not erase this {what} before that is settled."
    if head.verdict is not Verdict.SAFE:
        return ""
    levels = {one.level for one in head.proven}
    if DAMAGED in levels or head.duplicates_damaged:
        return f"Files in the archive were found damaged since: do not erase this {what}."
    if "" in levels or head.duplicates_unread:
        return f"A part of it was never read back: do not erase this {what}."
    excepted = " but what was excluded" if left_out.EXCLUDED in head.options.accept and head.verdict_reason else ""
    there = f"Every file of this {what}{excepted} is in the archive and was read back"
    if unopenable:
        return f"{there}; look at what cannot be opened before the {what} is erased."
    if excepted:
        return f"{there}: the {what} may be erased if the excluded files are not wanted."
    return f"{there}: the {what} may be erased."


def _facts(head: Head) -> Iterator[tuple[str, str]]:
    """The facts of the receipt, (name, value), in words for readers who do not know the program; without the
    label, which is the title of the page."""
    for name, value in facts(head):
        if name == "Started":
            yield name, moment(head.started)
        elif name == "Ended" and head.ended:
            yield name, moment(head.ended)
        elif name == "Options":
            yield name, VERIFIED.get(head.options.verify, "")
            yield "", KNOWN.get(head.options.known, "")
            yield "", DUPLICATES.get(head.options.duplicates, "")
        elif name != "Label" and (name, value) != ("Runs", "1"):
            yield name, value
    if head.accepted:
        yield "Accepted", f"{moment(head.accepted)} by {display(head.accepted_by)}: what differs may stay"


def _with_moment(sentence: str, stamped: str | None) -> str:
    return sentence.replace(stamped, moment(stamped)) if stamped else sentence


def _join(told: Iterator[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """(name, all its values) of consecutive pairs with the same name or without one."""
    name, lines = "", list[str]()
    for next_name, value in told:
        if next_name and lines:
            yield name, lines
            lines = []
        name = next_name or name
        lines += [value] if value else []
    if lines:
        yield name, lines


def _outcomes(head: Head) -> list[tuple[str, Count]]:
    shown = (*tuple(Outcome)[1:], Outcome.TODO)
    listed = [(OUTCOME_WORDS[outcome], getattr(head.totals, DATA_WORDS[outcome])) for outcome in shown]
    return [(word, count) for word, count in listed if count.files] + [("seen", head.totals.seen)]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Figures about a set of files. cameras: (name, tiles, bytes, seconds of films and recordings)."""

    days: "list[Day]"
    cameras: list[tuple[str, int, int, float]]
    photos: int
    films: int
    sounds: int
    seconds: float


async def overview(read: Read, files: FileSet) -> Overview:
    """Count a set of files by day, camera and kind."""
    stretches = await tile_rows.stretches(read, files)
    counts = Counter[str]()
    for one in stretches:
        counts[one.kind] += one.count
    return Overview(
        days=_days(stretches),
        cameras=_cameras(stretches),
        photos=counts[Kind.IMAGES],
        films=counts[Kind.VIDEOS],
        sounds=counts[Kind.AUDIO],
        seconds=sum(one.seconds for one in stretches),
    )


class Day(msgspec.Struct):
    """A row of the timeline. bars: (hour, height 0 to 24, tiles)."""

    name: str
    count: int
    first: str
    last: str
    bars: list[tuple[int, int, int]]


def _days(stretches: list[Stretch]) -> list[Day]:
    found: dict[str, Counter[str]] = {}
    for one in stretches:
        found.setdefault(one.day, Counter())[one.hour] += one.count
    most = max((count for hours in found.values() for hour, count in hours.items() if hour), default=1)
    drawn = len(found) <= DAYS_DRAWN
    made: list[Day] = []
    for day, hours in found.items():
        known = sorted(hour for hour in hours if hour in HOURS)
        bars = [(int(hour), max(1, round(24 * hours[hour] / most)), hours[hour]) for hour in known]
        span = (f"{known[0]}:00", f"{known[-1]}:59") if known else ("", "")
        made.append(Day(day or "no date", hours.total(), *span, bars if drawn else []))
    return made


def _cameras(stretches: list[Stretch]) -> list[tuple[str, int, int, float]]:
    """(name, tiles, bytes, seconds of films and recordings), most tiles first."""
    found: dict[str, list[float]] = {}
    for one in stretches:
        sums = found.setdefault(display(one.camera), [0, 0, 0.0])
        for at, value in enumerate((one.count, one.bytes, one.seconds)):
            sums[at] += value
    listed = [
        (name or "not known", int(count), int(size), length) for name, (count, size, length) in found.items()
    ]
    return sorted(listed, key=lambda one: (-one[1], one[0]))


# Numbers for a person


def size(count: float) -> str:
    """Bytes as text for a person."""
    return f"{count:.0f} B" if count < 999.5 else humanize.metric(count, "B", precision=3)


def moment(stamped: str) -> str:
    """A time in ISO 8601 with its offset, for a person: 2025-12-06 09:30:15 UTC+02:00."""
    return f"{stamped[:10]} {stamped[11:19]} UTC{'' if stamped[19:] == '+00:00' else stamped[19:]}"


def duration_words(seconds: float) -> str:
    """A sum of durations in words: 7 s, 12 min 30 s, 1 h 2 min. Unlike 12:30 it cannot be read as hours and
    minutes."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def length(seconds: float) -> str:
    """A duration as text: 0:07, 12:30, 1:02:03."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def clock(moment: str) -> str:
    """The time of day of a capture date, hh:mm:ss; the date where its time is not known."""
    return moment[11:19].replace("T", " ") or moment
