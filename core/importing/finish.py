"""The end of an import: links between its files by the card rules, the rest of the journal, a second verification
of a sample, the verdict, the receipt.

The verdict is SAFE when a fresh listing shows nothing but what is archived, unchanged, and with its payload
present.
"""

from collections import Counter
from collections.abc import Container, Mapping
from contextlib import aclosing

from core.archives.copy_count import CopyCount
from core.archives.locate import Locate
from core.catalog import SeenRow, unopenable
from core.catalog.differing import Known, told
from core.catalog.linking import link
from core.importing import card_index, checksum_lists, followed_verdict
from core.importing.import_run import Run
from core.importing.journal_rest import journal_rest
from core.importing.same_source import Roll
from core.importing.sample_again import Sampling
from core.importing.scan import listing, same
from core.journal.end_import import Receipt
from core.journal.replay import JournalReplay
from core.media import left_out
from core.media.left_out import Sort
from core.models import IN_ARCHIVE, Outcome, State, Verdict
from core.paths import display, join, relative
from core.queue import frame_jobs
from core.workers import archive_messages
from core.workers.messages import Source
from core.workers.source_messages import Entry

PAGE = 2000
"""Rows per page."""

CANCELLED = "the import was cancelled"
NOT_READ_BACK = "the copies were not read back, as you chose"


async def close(run: Run, state: State, whole: Source, root: bytes, only: bytes) -> None:
    """End an import in `state`, with verdict and receipt. whole, root, only: as for `verdict`. Raises HaltError
    when source or archive are gone."""
    if state is State.CANCELLED:
        # The catalog may lack what was published just before the workers were stopped.
        await JournalReplay(run.archive, run.catalog, run.workers.pool).adopt(run.row, run.dedup, run)
        await run.recount()
    if not run.listing.linked:
        await link(run.catalog, run.row.id, run.row.root)
        run.listing.linked = True
    await frame_jobs.add(run.catalog, run.row)
    if state is not State.CANCELLED and run.judged_by is None:
        await checksum_lists.judge(run)
    await journal_rest(run)
    if state is State.CANCELLED:
        word, why, awaited = Verdict.KEEP, CANCELLED, 0
    else:
        differ = await Sampling(run).read_again()
        if run.judged_by is not None:
            word, why = await followed_verdict.verdict(run, run.judged_by)
        else:
            word, why = await verdict(run, whole, root, only)
        waits = run.verdict.copies_only and not differ and run.request.verify != "none"
        awaited = run.request.copies if waits else 0
        if word is Verdict.SAFE and run.request.verify == "none":
            word, why, run.verdict.by_choice = Verdict.KEEP, NOT_READ_BACK, True
        if run.verdict.otherwise and run.verdict.otherwise[0] is Verdict.SAFE and run.request.verify == "none":
            run.verdict.otherwise = Verdict.KEEP, NOT_READ_BACK
        if differ:
            word, why, run.verdict.by_choice = Verdict.KEEP, f"{differ}; {why}" if why else differ, False
            if run.verdict.otherwise:
                reasons = (differ, run.verdict.otherwise[1])
                run.verdict.otherwise = Verdict.KEEP, "; ".join(reason for reason in reasons if reason)
        # One that has followed another import to its end has what that one found in its verdict already.
        found = run.judged_by is None
        notes = (await card_index.compared(run), (await checksum_lists.result(run))[1]) if found else ()
        for note in notes:
            why = "; ".join(reason for reason in (why, note) if reason)
            if run.verdict.otherwise:
                reasons = (run.verdict.otherwise[1], note)
                run.verdict.otherwise = run.verdict.otherwise[0], "; ".join(reason for reason in reasons if reason)
    await run.record_read()
    receipt = Receipt(run.archive, run.catalog, run.workers.pool)
    # A pause has no effect from here on, because the next import's receipt waits for this one.
    async with run.archive.closing:
        await receipt.end(run.row, state, word, why, run.verdict.otherwise, awaited)
    run.verdict.unopenable = (await unopenable.of_imports(run.catalog.database.read, [run.row.id])).get(
        run.row.id, run.verdict.unopenable
    )


KEEP_REASONS = {
    "failed": "could not be archived",
    left_out.EXCLUDED: "excluded by your choice",
    left_out.LINKS: "symbolic links: recorded with their targets, but not copied (--accept links)",
    left_out.SPECIAL: "neither file, folder nor link, but pipes, sockets or devices (--accept special)",
    left_out.LEFT_OUT: "left out",
    "new": "are not in the archive",
    "changed": "changed since they were archived",
    "gone": "were archived and are gone, or differ by now",
    "missing": "are no longer in the archive, or damaged there",
    "refused": "may not be read in the archive, so it is not known whether they are whole",
    "unlisted": "could not be listed",
    "unverified": "were never read back from the archive",
    "unread": "could not be read",
    "unkept": "have extended attributes that could not be kept",
    "unlike": "have other content than is archived under their name and time",
    "unsure": "are known by name, size and time only, and the volume has no serial number to know it by",
    "differs": "differ from what was imported before, although size and time are the same",
}


ACCEPTED = {
    left_out.LINKS: "symbolic links recorded with their targets, not copied, as you chose",
    left_out.SPECIAL: "pipes, sockets or devices recorded, as you chose",
}
"""Notes on accepted entries, for the verdict."""

NOTHING = "nothing was found there: check that it is mounted, and that it is the right folder"
"""The reason for no verdict, where nothing was found, or only junk files."""


async def verdict(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
    """SAFE or KEEP, with the reason, for everything below `whole`, which is at `root` on its volume; `only`: a
    single file, or empty. OPEN, with the reason, where this import has seen nothing and nothing is wrong.

    `run.verdict.by_choice` is set when only what a person excluded stands in the way of SAFE,
    `run.verdict.otherwise` when files differ from an earlier import and nobody has accepted that,
    `run.verdict.copies_only` when only copies are lacking.

    Entries that another import of the same volume archived count as archived. Raises HaltError when the source is
    gone, and what asking a worker raises.
    """
    wrong: Counter[str] = Counter()
    example: dict[str, bytes] = {}
    shown = 0
    roll = await Roll.of(run.catalog, run.row.id)
    unkept = await run.catalog.unkept_files(run.row.volume_id)
    accepting = await run.catalog.accepting(run.row.volume_id, run.row.archive_id)
    accepted: Counter[str] = Counter()
    unaccepted = await run.catalog.unaccepted(run.row.volume_id, run.row.archive_id)
    differing: list[tuple[bytes, float]] = []
    archive, pool = run.archive, run.workers.pool
    together = run.row.together
    others = await run.catalog.archives_together(together)
    counts = await CopyCount.of(archive.id, run.request.copies, run.catalog, pool, Locate(run.catalog), others)
    if together:
        await run.catalog.forget_elsewhere(run.row.id)
    fewer: Counter[int] = Counter()
    async with aclosing(listing(run, whole, only)) as pages:
        async for entries in pages:
            files = [entry for entry in entries if entry.what not in ("folder", "litter")]
            paths = [join(root, entry.path) for entry in files]
            seen = await run.catalog.seen(run.row.volume_id, paths, run.row.archive_id)
            archived: list[tuple[Entry, int]] = []
            shown += len(files)
            for entry, path in zip(files, paths, strict=True):
                rows = seen.get(path, [])
                why, item = judge(entry, rows, unkept, accepting)
                if why:
                    wrong[why] += 1
                    example.setdefault(why, entry.path)
                elif item is not None:
                    archived.append((entry, item))
                else:
                    accepted[left_out.group(entry.sort, entry.target)] += 1
                for row in rows:
                    if row.import_id == run.row.id and (why or same(row, entry)):
                        roll.tick(row.id)
                if (imported := differs(entry, unaccepted.get(path))) is not None:
                    differing.append((entry.path, imported))
            if together:
                mine = {row.item_id for rows in seen.values() for row in rows if row.import_id == run.row.id}
                await run.catalog.saw_elsewhere(run.row.id, {item for _, item in archived} - mine)
            missing = await _missing(run, archived)
            for entry in missing:
                wrong["missing"] += 1
                example.setdefault("missing", entry.path)
            lacking = await counts.lacking({item for _, item in archived})
            fewer.update(lacking[item] for entry, item in archived if item in lacking and entry not in missing)
    if run.resumed or not shown:
        # The source may not be the one that the import began with.
        gone, path = await roll.absent(IN_ARCHIVE)
        if gone:
            wrong["gone"] = gone
            example["gone"] = relative(root, path)
    # A failed file may have disappeared from the source, and so be missing in the listing.
    failed = run.counters.counted(Outcome.FAILED).files - wrong["unlisted"]
    if failed > wrong["failed"]:
        wrong["failed"] = failed
        for _, _, path, *_ in await run.catalog.reasons(run.row.id):
            example.setdefault("failed", relative(run.row.root, path))
    wrong = +wrong
    run.verdict.by_choice = set(wrong) == {left_out.EXCLUDED} and not differing and not fewer
    parts = [
        f"{count:,} {KEEP_REASONS[why]} (such as {display(example[why])})" for why, count in wrong.most_common()
    ]
    parts += filter(None, [(await checksum_lists.result(run))[0]])
    run.verdict.copies_only = bool(fewer) and not parts and not differing
    parts += [f"{files:,} are in {counts.said(count)}" for count, files in sorted(fewer.items())]
    if differing:
        run.verdict.otherwise = Verdict.KEEP if parts else Verdict.SAFE, "; ".join(parts)
        parts.insert(0, told(differing))
    if parts:
        return Verdict.KEEP, "; ".join(parts)
    found = run.counters.counted(*(outcome for outcome in Outcome if outcome is not Outcome.LITTER))
    note = "; ".join(f"{count:,} {ACCEPTED[sort]}" for sort, count in accepted.most_common())
    return (Verdict.SAFE, note) if found.files else (Verdict.OPEN, NOTHING)


def differs(entry: Entry, known: Known | None) -> float | None:
    """When the import began that read other content under the same name, size and time; None: there is none."""
    return known[2] if known and known[:2] == (entry.size, entry.mtime_ns) else None


def judge(
    entry: Entry,
    rows: list[SeenRow],
    unkept: Container[int] = (),
    accepting: Mapping[int, Container[str]] | None = None,
) -> tuple[str, int | None]:
    """(reason, item): the reason, a key of KEEP_REASONS, that stands in the way of SAFE, else the item that the
    catalog has for the entry. ("", None) for an entry that cannot be copied, but is accepted, and recorded as it
    is now.

    `unkept`: files some of whose extended attributes could not be archived. `accepting`: what imports accept.
    """
    if entry.what == "failed":
        return "unlisted", None
    if entry.what == "skipped":
        group, now = left_out.group(entry.sort, entry.target), (entry.sort, entry.target or None)
        recorded = (row for row in rows if row.outcome == Outcome.SKIPPED and (row.sort, row.target) == now)
        accepted = any(group in (accepting or {}).get(row.import_id, ()) for row in recorded)
        return "" if accepted else group, None
    done = [row for row in rows if Outcome(row.outcome) in IN_ARCHIVE and row.item_id is not None]
    for row in reversed(done):
        if same(row, entry):
            return "unkept" if row.id in unkept else "", row.item_id
    if done:
        return "changed", None
    if any(row.outcome == Outcome.FAILED for row in rows):
        return "failed", None
    skipped = [row.sort for row in rows if row.outcome == Outcome.SKIPPED]
    if not skipped:
        return "new", None
    return left_out.EXCLUDED if skipped[-1] == Sort.EXCLUDED else left_out.LEFT_OUT, None


async def _missing(run: Run, entries: list[tuple[Entry, int]]) -> list[Entry]:
    """Entries whose payload is not in this archive, or not at its size, or is known to be damaged."""
    items = await run.catalog.items({item for _, item in entries}, run.archive.id)
    wanted = [item for item in items.values() if item.damage is None]
    request = archive_messages.Presence(run.archive.place, [(item.path, item.size) for item in wanted])
    async with run.workers.worker([]) as worker:
        present = (await run.workers.ask(worker, request, archive_messages.Present)).there
    there = {item.id for item, is_there in zip(wanted, present, strict=True) if is_there}
    return [entry for entry, item in entries if item not in there]
