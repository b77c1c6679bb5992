"""All that a receipt says before its list of files."""

import json
from datetime import tzinfo
from typing import Literal, NamedTuple

import msgspec

from core.models import Count, ImportRequest, Outcome, State, Value, Verdict
from core.receipts.lookup import Read, find
from core.receipts.row import WORDS, contradiction
from core.receipts.times import stamp, zone_of

ENDED = (State.DONE, State.CANCELLED)


class Options(Value, frozen=True, kw_only=True):
    """How the import was asked to go about it."""

    verify: Literal["readback", "source", "none"]
    known: Literal["read", "record"]
    duplicates: Literal["archive", "location"]
    exclude: tuple[str, ...]
    libraries: bool
    icloud: bool


class Totals(Value, frozen=True, kw_only=True):
    """Entries by outcome: seen is the sum of all others."""

    seen: Count = Count()
    archived: Count = Count()
    duplicate: Count = Count()
    skipped: Count = Count()
    litter: Count = Count()
    failed: Count = Count()
    todo: Count = Count()


class Proven(Value, frozen=True, kw_only=True):
    """So many of the archived files reached this verification level; an empty level is none."""

    level: str
    files: int
    bytes: int


class Head(Value, frozen=True, kw_only=True):
    """One import as its receipt has it. Paths are raw bytes, times ISO 8601 with offset, digests hex. `root` is
    the source on its volume.

    `kinds` counts all entries but litter. `source_reads` is how often the source was to be read; where
    `options.known` is `record`, known files were not read at all. `duplicates_oldest` is when the longest
    unread of the files that the duplicates equal was last read back, `duplicates_unread` how many never were.
    `way` is how names were given in the archive, as `core.files.noreplace` has it; empty when it is not known.
    `previous` is the SHA-256 of the receipt before this one in its archive, `receipt_sha256` that of this one's
    text as it lies in the archive; empty where there is none.
    """

    id: str
    state: State
    state_reason: str
    label: str
    source: bytes
    root: bytes
    single: bytes
    volume_name: str
    volume_identity: str
    volume_capacity: int | None
    volume_filesystem: str
    location_name: str
    location_folder: str
    archive_uuid: str
    archive_path: bytes
    operator: str
    note: str
    machine: str
    version: str
    started: str
    ended: str | None
    zone: str
    runs: int
    listed: bool
    bytes_read: int
    options: Options
    totals: Totals
    kinds: dict[str, Count]
    proven: tuple[Proven, ...]
    way: str
    source_reads: int
    duplicates_oldest: str | None
    duplicates_unread: int
    verdict: Verdict
    verdict_reason: str
    previous: str
    receipt_sha256: str


class Heading(NamedTuple):
    """A head, and what is needed to read the files it counted."""

    head: Head
    import_id: int
    root: bytes
    zone: tzinfo
    last: int


async def head(read: Read, name: str) -> Head:
    """The head of the receipt of import `name`, an id or the beginning of only one.

    Raises UsageError when there is no such import, DatabaseError when the catalog contradicts itself.
    """
    return (await heading(read, name)).head


_IMPORT = """
    SELECT i.name, i.state, i.reason, i.root, i.source, i.single, v.name, v.identity, v.capacity, v.filesystem,
           l.name, l.folder, a.uuid, a.path, i.options, i.machine, i.version, i.started, i.ended, i.zone, i.runs,
           i.listed, i.bytes_read, i.verdict, i.verdict_reason, i.previous, i.receipt, i.way
    FROM import i JOIN volume v ON v.id = i.volume_id JOIN location l ON l.id = i.location_id
         JOIN archive a ON a.id = i.archive_id
    WHERE i.id = ?
"""


async def heading(read: Read, name: str) -> Heading:
    """`head`, with what its files are found by."""
    import_id = await find(read, name)
    first = (await read(_IMPORT, (import_id,)))[0]  # before its files: what is done then stays so
    counted = await _count(read, import_id)
    id, state, reason, root, source, single, volume, identity, capacity, filesystem, *row = first
    location, folder, uuid, path, options, machine, version, started, ended, zone, *last = row
    runs, listed, bytes_read, verdict, verdict_reason, previous, receipt, way = last
    asked = msgspec.convert(json.loads(options), ImportRequest)
    totals = counted.totals
    if verdict == Verdict.SAFE and (totals.failed.files or totals.todo.files):
        raise contradiction(
            f"{totals.failed.files} files failed and {totals.todo.files} are to do, yet it says SAFE"
        )
    here = zone_of(zone)
    made = Head(
        id=id,
        state=State(state),
        state_reason=reason,
        label=asked.label,
        source=source,
        root=root,
        single=single,
        volume_name=volume,
        volume_identity=identity,
        volume_capacity=capacity,
        volume_filesystem=filesystem,
        location_name=location,
        location_folder=folder,
        archive_uuid=uuid,
        archive_path=path,
        operator=asked.operator,
        note=asked.note,
        machine=machine,
        version=version,
        started=stamp(started, here),
        ended=None if ended is None or state not in ENDED else stamp(ended, here),
        zone=zone,
        runs=runs,
        listed=bool(listed),
        bytes_read=bytes_read,
        options=Options(
            verify=asked.verify,
            known=asked.known,
            duplicates=asked.duplicates,
            exclude=asked.exclude,
            libraries=asked.libraries,
            icloud=asked.icloud,
        ),
        totals=totals,
        kinds=counted.kinds,
        proven=counted.proven,
        way=way,
        source_reads=2 if asked.verify == "source" else 1,
        duplicates_oldest=None if counted.oldest is None else stamp(counted.oldest, here),
        duplicates_unread=counted.unread,
        verdict=Verdict(verdict),
        verdict_reason=verdict_reason,
        previous=previous,
        receipt_sha256=receipt,
    )
    return Heading(made, import_id, root, here, counted.last)


class _Counted(NamedTuple):
    totals: Totals
    kinds: dict[str, Count]
    proven: tuple[Proven, ...]
    oldest: float | None
    unread: int
    last: int


_GROUPS = """
    SELECT f.outcome, f.kind, i.level, i.id IS NULL, count(*), sum(f.size), min(i.read_back),
           count(*) - count(i.read_back), max(f.id)
    FROM file f LEFT JOIN item i ON i.id = f.item_id WHERE f.import_id = ? GROUP BY 1, 2, 3, 4
"""


async def _count(read: Read, import_id: int) -> _Counted:
    # All sums come from one statement: a running import changes between two.
    outcomes = {outcome: Count() for outcome in Outcome}
    kinds: dict[str, Count] = {}
    levels: dict[str, Count] = {}
    oldest: list[float] = []
    unread = last = seen = size = 0
    for code, kind, level, lost, files, bytes_, read_back, never, newest in await read(_GROUPS, (import_id,)):
        if code not in outcomes:
            raise contradiction(f"{files} files have the unknown outcome {code}")
        outcome, last = Outcome(code), max(last, newest)
        seen, size = seen + files, size + bytes_
        outcomes[outcome] = _plus(outcomes[outcome], files, bytes_)
        if outcome != Outcome.LITTER:
            kinds[kind] = _plus(kinds.get(kind, Count()), files, bytes_)
        if lost and outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE):
            raise contradiction(
                f"{files} files are said to be in the archive, but the catalog does not know where"
            )
        if outcome == Outcome.ARCHIVED:
            levels[level] = _plus(levels.get(level, Count()), files, bytes_)
        if outcome == Outcome.DUPLICATE:
            unread += never
            oldest += [] if read_back is None else [read_back]
    totals = Totals(
        seen=Count(files=seen, bytes=size),
        **{WORDS[outcome]: count for outcome, count in outcomes.items()},
    )
    proven = (Proven(level=level, files=count.files, bytes=count.bytes) for level, count in levels.items())
    ordered = tuple(sorted(proven, key=lambda each: (-each.files, each.level)))
    return _Counted(totals, dict(sorted(kinds.items())), ordered, min(oldest, default=None), unread, last)


def _plus(count: Count, files: int, bytes_: int) -> Count:
    return Count(files=count.files + files, bytes=count.bytes + bytes_)
