"""The end of an import: links between its files by the card rules, the rest of the journal, a second verification
of a sample, the verdict, the receipt."""

from core.catalog import unopenable
from core.catalog.linking import link
from core.importing import card_index, checksum_lists, followed_verdict, verdict
from core.importing.import_run import Run
from core.importing.journal_rest import journal_rest
from core.importing.reverify_sample import Sampling
from core.journal.end_import import ReceiptWriter
from core.journal.replay import JournalReplay
from core.models import State, Verdict
from core.queue import frame_jobs
from core.workers.messages import Source

PAGE = 2000
"""Rows per page."""

CANCELLED = "the import was cancelled"
NOT_READ_BACK = "the copies were not read back, as you chose"


async def close(run: Run, state: State, whole: Source, root: bytes, only: bytes) -> None:
    """End an import in `state`, with verdict and receipt. whole, root, only: as for `verdict.verdict`. Raises
    HaltError when source or archive are gone."""
    if state is State.CANCELLED:
        # The catalog may lack what was published just before the workers were stopped.
        await JournalReplay(run.archive, run.catalog, run.workers.pool).replay_import(run.row, run.dedup, run)
        await run.recount()
    if not run.listing.linked:
        await link(run.catalog, run.row.id, run.row.root)
        run.listing.linked = True
    await frame_jobs.add(run.catalog, run.row)
    if state is not State.CANCELLED:
        if run.judged_by is None:
            await checksum_lists.judge(run)
        else:
            await run.catalog.take_over_lists(run.row.id, run.judged_by.id)
    await journal_rest(run)
    if state is State.CANCELLED:
        word, why, awaited, then = Verdict.KEEP, CANCELLED, 0, ""
    else:
        differ = await Sampling(run).read_again()
        word, why, awaited, then = await _judged(run, whole, root, only, differ)
    await run.record_read()
    receipt = ReceiptWriter(run.archive, run.catalog, run.workers.pool)
    # A pause has no effect from here on, because the next import's receipt waits for this one.
    async with run.archive.closing:
        await receipt.end(run.row, state, word, why, run.verdict.otherwise, awaited, then)
    run.verdict.unopenable = (await unopenable.of_imports(run.catalog.database.read, [run.row.id])).get(
        run.row.id, run.verdict.unopenable
    )


async def _judged(run: Run, whole: Source, root: bytes, only: bytes, differ: str) -> tuple[Verdict, str, int, str]:
    """The verdict, with the reason; the number of copies that it waits for; and what is said beside SAFE.
    `differ`: what the second verification found. Other parameters and errors as for `close`."""
    while True:
        noted, resumes = run.catalog.damage_noted, run.resumes
        run.verdict.otherwise = None
        if run.judged_by is not None:
            word, why = await followed_verdict.verdict(run, run.judged_by)
        else:
            word, why = await verdict.verdict(run, whole, root, only)
        found = await _with_notes(run, word, why, differ)
        # During a pause the source may have been removed and used. What an audit or a mirror has found since may
        # be about a file that was judged before.
        if run.resumes == resumes and (word is not Verdict.SAFE or run.catalog.damage_noted == noted):
            return found


async def _with_notes(run: Run, word: Verdict, why: str, differ: str) -> tuple[Verdict, str, int, str]:
    """What `_judged` returns, for this verdict with this reason."""
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
    then = "; ".join(note for note in (run.verdict.note, *notes) if note)
    for note in notes:
        why = "; ".join(reason for reason in (why, note) if reason)
        if run.verdict.otherwise:
            reasons = (run.verdict.otherwise[1], note)
            run.verdict.otherwise = run.verdict.otherwise[0], "; ".join(reason for reason in reasons if reason)
    return word, why, awaited, then
