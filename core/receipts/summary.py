"""The head of a receipt: everything before its list of files."""

import json
from collections.abc import AsyncIterator
from datetime import tzinfo
from typing import Any, NamedTuple

import msgspec

from core.catalog.find_import import find
from core.database import Read
from core.import_choices import DuplicateScope, KnownFiles, Verification
from core.models import ENDED, Count, ImportRequest, Outcome, State, Value, Verdict
from core.receipts.files import DAMAGED, DATA_WORDS, LEVEL_SQL, contradiction
from core.receipts.timestamps import stamp, zone_of


class Options(Value, frozen=True, kw_only=True):
    """The options that the import was started with."""

    verify: Verification
    known: KnownFiles
    duplicates: DuplicateScope
    exclude: tuple[str, ...]
    libraries: bool
    icloud: bool
    accept: tuple[str, ...] = ()


class Totals(Value, frozen=True, kw_only=True):
    """Entries by outcome; `seen` is the sum of all others."""

    seen: Count = Count()
    archived: Count = Count()
    duplicate: Count = Count()
    skipped: Count = Count()
    litter: Count = Count()
    failed: Count = Count()
    todo: Count = Count()


class Proven(Value, frozen=True, kw_only=True):
    """How many archived files reached a verification level. An empty level: they were not read back; `damaged`:
    they were found damaged later."""

    level: str
    files: int
    bytes: int


class Head(Value, frozen=True, kw_only=True):
    """One import as its receipt describes it. Paths are raw bytes, times ISO 8601 with offset, digests hex. `root`
    is the source's root on its volume.

    `kinds` counts all entries but junk files. `source_reads` is how often each file of the source was to be read;
    where `options.known` is `record`, previously imported files were not read at all. `duplicates_oldest` is when
    the longest unread of the files that duplicates equal was last read back, `duplicates_unread` how many of them
    never were, `duplicates_damaged` how many were found damaged. Archived files that were found damaged have the
    level `damaged`. `far_times` counts files and folders whose time lies outside 1677 to 2262: they are listed
    with the nearest time inside. `way` is how files were given their names in the archive, a constant of
    `core.files.noreplace`; empty when it is not known. `previous` is the SHA-256 of the receipt before this one in
    its archive, `receipt_sha256` that of this receipt's text in the archive; empty where there is none.
    `accepted`: when a person accepted what differs from an earlier import; None: nobody did. `one_volume`: source
    and archive are on one volume, as far as is known. `lists` counts the checksum lists on the source,
    which are read once more.

    `core.receipts.parse` reads this struct back from receipts in the archive, so a new member needs a default:
    older receipts lack it.
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
    far_times: int
    duplicates_oldest: str | None
    duplicates_unread: int
    verdict: Verdict
    verdict_reason: str
    previous: str
    receipt_sha256: str = ""
    accepted: str | None = None
    accepted_by: str = ""
    duplicates_damaged: int = 0
    one_volume: bool = False
    lists: int = 0


class ReceiptHead(NamedTuple):
    """A head, and what is needed to read the files that it counted: those of `import_id` with ids up to `last`."""

    head: Head
    import_id: int
    root: bytes
    zone: tzinfo
    last: int


async def head(read: Read, name: str) -> Head:
    """The head of the receipt of import `name`, found as by `core.catalog.find_import.find`.

    Raises UsageError when there is no such import, DatabaseError when the catalog contradicts itself.
    """
    return (await heading(read, name)).head


_IMPORT = """
    SELECT i.name, i.state, i.reason, i.root, i.source, i.single, v.name, v.identity, v.capacity, v.filesystem,
           l.name, l.folder, a.uuid, a.path, i.options, i.machine, i.version, i.started, i.ended, i.zone, i.runs,
           i.listed, i.bytes_read, i.verdict, i.verdict_reason, i.previous, i.receipt, i.way,
           i.accepted, i.accepted_by, a.volume = v.identity,
           (SELECT count(*) FROM far_time WHERE import_id = i.id),
           (SELECT count(*) FROM checksum_list WHERE import_id = i.id)
    FROM import i JOIN volume v ON v.id = i.volume_id JOIN location l ON l.id = i.location_id
         JOIN archive a ON a.id = i.archive_id
    WHERE i.id = ?
"""


async def heading(read: Read, name: str) -> ReceiptHead:
    """`head`, with what is needed to read its files. Raises as `head`."""
    import_id = await find(read, name)
    # Read before its files: the files of an import that is done do not change any more
    first = (await read(_IMPORT, (import_id,)))[0]
    counted = await _count(read, import_id)
    id, state, reason, root, source, single, volume, identity, capacity, filesystem, *row = first
    location, folder, uuid, path, options, machine, version, started, ended, zone, *last = row
    runs, listed, bytes_read, verdict, verdict_reason, previous, receipt, way, accepted, by, *counts = last
    one_volume, far, lists = counts
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
        options=_options(asked),
        totals=totals,
        kinds=counted.kinds,
        proven=counted.proven,
        way=way,
        source_reads=2 if asked.verify == "source" else 1,
        far_times=far,
        duplicates_oldest=None if counted.oldest is None else stamp(counted.oldest, here),
        duplicates_unread=counted.unread,
        verdict=Verdict(verdict),
        verdict_reason=verdict_reason,
        previous=previous,
        receipt_sha256=receipt,
        accepted=None if accepted is None else stamp(accepted, here),
        accepted_by=by,
        duplicates_damaged=counted.damaged,
        one_volume=bool(one_volume),
        lists=lists,
    )
    return ReceiptHead(made, import_id, root, here, counted.last)


def _options(asked: ImportRequest) -> Options:
    return Options(
        verify=asked.verify,
        known=asked.known,
        duplicates=asked.duplicates,
        exclude=asked.exclude,
        libraries=asked.libraries,
        icloud=asked.icloud,
        accept=asked.accept,
    )


class _Counted(NamedTuple):
    totals: Totals
    kinds: dict[str, Count]
    proven: tuple[Proven, ...]
    oldest: float | None
    unread: int
    damaged: int
    last: int


FILES_GROUPED = 50_000
"""Files that are grouped at a time, because SQLite sorts them in memory."""

_GROUPS = f"""
    SELECT f.outcome, f.kind, {LEVEL_SQL}, i.id IS NULL, count(*), sum(f.size), min(i.read_back),
           count(*) - count(i.read_back), max(f.id)
    FROM (SELECT * FROM file WHERE import_id = ? AND id > ? ORDER BY id LIMIT ?) f
         LEFT JOIN item i ON i.id = f.item_id
    GROUP BY 1, 2, 3, 4
"""  # noqa: S608


async def _groups(read: Read, import_id: int) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of _GROUPS for all files. While an import runs they change meanwhile, but each is in one row."""
    last, full = 0, True
    while full:
        rows = await read(_GROUPS, (import_id, last, FILES_GROUPED))
        for row in rows:
            yield row
        last = max((row[-1] for row in rows), default=last)
        full = sum(row[4] for row in rows) == FILES_GROUPED


async def _count(read: Read, import_id: int) -> _Counted:
    outcomes = {outcome: Count() for outcome in Outcome}
    kinds: dict[str, Count] = {}
    levels: dict[str, Count] = {}
    oldest: list[float] = []
    unread = damaged = last = seen = size = 0
    async for code, kind, level, lost, files, bytes_, read_back, never, newest in _groups(read, import_id):
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
        if outcome == Outcome.DUPLICATE and level == DAMAGED:
            damaged += files
        elif outcome == Outcome.DUPLICATE:
            unread += never
            oldest += [] if read_back is None else [read_back]
    totals = Totals(
        seen=Count(files=seen, bytes=size),
        **{DATA_WORDS[outcome]: count for outcome, count in outcomes.items()},
    )
    proven = (Proven(level=level, files=count.files, bytes=count.bytes) for level, count in levels.items())
    ordered = tuple(sorted(proven, key=lambda each: (-each.files, each.level)))
    return _Counted(totals, dict(sorted(kinds.items())), ordered, min(oldest, default=None), unread, damaged, last)


def _plus(count: Count, files: int, bytes_: int) -> Count:
    return Count(files=count.files + files, bytes=count.bytes + bytes_)
