"""The verdict on the source of an import: SAFE when a fresh listing shows nothing but what is archived, unchanged,
and with its payload present; else KEEP, with the reason."""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from core.archives.copy_count import CopyCount
from core.archives.item_batches import not_read
from core.archives.locate import Locate
from core.archives.presence import present
from core.catalog.differing import sentence
from core.importing import archive_reading, checksum_lists
from core.importing.import_run import Run
from core.importing.keep_reasons import ACCEPTED, ALL_EXCLUDED, KEEP_REASONS, NOTHING, said
from core.importing.same_content import Sample
from core.importing.same_source import SeenFiles
from core.importing.scan import listing, same
from core.importing.source_record import Judged, SourceRecord
from core.media import left_out
from core.models import IN_ARCHIVE, Outcome, Verdict
from core.paths import display, relative
from core.workers.messages import Source
from core.workers.source_messages import Entry


async def verdict(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
    """SAFE or KEEP, with the reason, for everything below `whole`, which is at `root` on its volume; `only`: a
    single file, or empty. OPEN, with the reason, where this import has seen nothing and nothing is wrong.

    `run.verdict.by_choice` is set when only what a person excluded stands in the way of SAFE,
    `run.verdict.otherwise` when files differ from an earlier import and nobody has accepted that,
    `run.verdict.copies_only` when only copies are lacking, once what differs is accepted, `run.verdict.note` to
    what is said beside SAFE.

    Entries that another import of the same volume archived count as archived. Of files that this import has not
    read itself, parts of some are compared with the archive. Raises HaltError when the source is
    gone, and what asking a worker raises.
    """
    row = run.row
    record = await SourceRecord.of(run.catalog, row.archive_id, row.volume_id, root)
    seen = await SeenFiles.of(run.catalog, row.id)
    others = await run.catalog.archives_together(row.together)
    pool, copies = run.workers.pool, run.request.copies
    counts = await CopyCount.of(run.archive.id, copies, run.catalog, pool, Locate(run.catalog), others)
    await run.catalog.forget_elsewhere(row.id)
    found = _ListingFindings(run, seen, counts)
    async with aclosing(listing(run, whole, only)) as pages:
        async for entries in pages:
            await found.add(
                await record.judge([entry for entry in entries if entry.what not in ("folder", "litter")])
            )
    compared = await found.by_record.compare(run, whole, paused=False)
    for reason, paths in ("unlike", compared.unlike), ("unread", compared.unread), ("refused", compared.refused):
        for path in paths:
            found.wrong(reason, path)
    if run.resumed or not found.shown:
        # The source may not be the one that the import began with.
        gone, path = await seen.absent(IN_ARCHIVE)
        if gone:
            found.wrong("gone", relative(root, path), gone)
    # A failed file may have disappeared from the source, and so be missing in the listing.
    failed = run.counters.counted(Outcome.FAILED).files - found.count("unlisted") - found.count("failed")
    if failed > 0:
        reasons = await run.catalog.reasons(row.id)
        found.wrong("failed", next((relative(row.root, path) for _, _, path, *_ in reasons), b""), failed)
    return found.verdict((await checksum_lists.result(run))[0])


class _ListingFindings:
    """What a listing has shown so far: how many entries, and what of them stands in the way of SAFE."""

    def __init__(self, run: Run, seen: SeenFiles, counts: CopyCount) -> None:
        self.shown = 0
        self.by_record = Sample()
        """Some of the files that this import took from the record, or that only another one has archived."""
        self._run = run
        self._seen = seen
        self._counts = counts
        self._wrong: Counter[str] = Counter()
        self._example: dict[str, bytes] = {}
        self._accepted: Counter[str] = Counter()
        self._archived = 0
        self._fewer: Counter[int] = Counter()
        """Files with too few copies, by the number of copies that they have."""
        self._differing: list[tuple[bytes, float]] = []

    def wrong(self, reason: str, path: bytes, files: int = 1) -> None:
        """Count files that stand in the way of SAFE for this reason; `path`, below the source's root, is one of
        them."""
        self._wrong[reason] += files
        self._example.setdefault(reason, path)

    def count(self, reason: str) -> int:
        """How many files stand in the way of SAFE for this reason."""
        return self._wrong[reason]

    async def add(self, judged: Sequence[Judged]) -> None:
        """Take in some entries. Raises what asking a worker raises."""
        run = self._run
        self.shown += len(judged)
        archived, by_record = list[tuple[Entry, int]](), list[tuple[Entry, int]]()
        for entry, rows, reason, item, imported, accepted in judged:
            if accepted == left_out.EXCLUDED:
                self._example.setdefault(ALL_EXCLUDED, entry.path)
            if accepted:
                self._accepted[accepted] += 1
            if reason:
                self.wrong(reason, entry.path)
            elif item is not None:
                archived.append((entry, item))
                mine = [row for row in rows if row.import_id == run.row.id and row.sort != left_out.Sort.RECORD]
                # What this import has read there may have changed since, back to what an earlier one read.
                if not any(same(row, entry) for row in mine):
                    by_record.append((entry, item))
            for row in rows:
                if row.import_id == run.row.id and (reason or same(row, entry)):
                    self._seen.mark(row.id)
            if imported is not None:
                self._differing.append((entry.path, imported))
        own = {row.item_id for one in judged for row in one.rows if row.import_id == run.row.id}
        if elsewhere := {item for _, item in archived} - own:
            await run.catalog.saw_elsewhere(run.row.id, elsewhere)
        self._archived += len(archived)
        missing = set[bytes]()
        for entry, reason in await _lacking(run, archived):
            self.wrong(reason, entry.path)
            missing.add(entry.path)
        self.by_record.add((entry, item) for entry, item in by_record if entry.path not in missing)
        lacking = await self._counts.lacking({item for _, item in archived})
        self._fewer.update(
            lacking[item] for entry, item in archived if item in lacking and entry.path not in missing
        )

    def verdict(self, unlike_lists: str) -> tuple[Verdict, str]:
        """The verdict, with the reason; sets `run.verdict` as the function `verdict` says. `unlike_lists`: what
        differs from checksum lists of the source; empty if nothing does."""
        told_of = self._run.verdict
        if not self._archived and (excluded := self._accepted.pop(left_out.EXCLUDED, 0)):
            # A pattern may match more than was meant.
            self._wrong[ALL_EXCLUDED] = excluded
        wrong = +self._wrong
        told_of.by_choice = (
            set(wrong) in ({left_out.EXCLUDED}, {ALL_EXCLUDED}) and not self._differing and not self._fewer
        )
        parts = [
            f"{said(count, KEEP_REASONS[why])} (such as {display(self._example[why])})"
            for why, count in wrong.most_common()
        ]
        parts += [unlike_lists] if unlike_lists else []
        told_of.copies_only = bool(self._fewer) and not parts
        parts += [
            said(files, f"are in {self._counts.said(count)}") for count, files in sorted(self._fewer.items())
        ]
        if self._differing:
            told_of.otherwise = Verdict.KEEP if parts else Verdict.SAFE, "; ".join(parts)
            parts.insert(0, sentence(self._differing))
        told_of.note = "; ".join(said(count, ACCEPTED[kind]) for kind, count in self._accepted.most_common())
        if parts:
            return Verdict.KEEP, "; ".join(parts)
        seen = self._run.counters.counted(*(outcome for outcome in Outcome if outcome is not Outcome.LITTER))
        return (Verdict.SAFE, told_of.note) if seen.files else (Verdict.OPEN, NOTHING)


async def _lacking(run: Run, entries: list[tuple[Entry, int]]) -> list[tuple[Entry, str]]:
    """Entries whose payload is not in this archive, or not at its size, or damaged, or may not be read, each with
    the reason. What was never read back is read now."""
    items = await run.catalog.items({item for _, item in entries}, run.archive.id)
    wanted = [item for item in items.values() if item.damage is None]
    async with run.workers.worker([]) as worker:
        paths = await present(partial(run.workers.ask, worker), run.archive.place, wanted)
    there = [item for item in wanted if item.path in paths]
    faults = await archive_reading.read_unread(run, there)
    reasons = {item.id: "" for item in there}
    reasons |= {id: "refused" if not_read(fault) else "missing" for id, fault in faults.items()}
    return [(entry, reason) for entry, item in entries if (reason := reasons.get(item, "missing"))]
