"""The end of an import: links between its files by the card rules, the rest of the journal, a second verification
of a sample, the verdict, the receipt."""

from typing import NamedTuple

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
    differ = "" if state is State.CANCELLED else await Sampling(run).read_again()
    receipt = ReceiptWriter(run.archive, run.catalog, run.workers.pool, importing=True)
    while True:
        noted, resumes, told = run.catalog.damage_noted, run.resumes, _FinalVerdict(Verdict.KEEP, CANCELLED)
        if state is not State.CANCELLED:
            told = await _final_verdict(run, differ, whole, root, only)
        await run.record_read()
        # A pause has no effect from here on, because the next import's receipt waits for this one.
        async with run.archive.closing:
            # The verdict holds only if nothing happened since it was reached, for instance while this waited for
            # another import's receipt: during a pause the source may have been removed and used, and an audit or a
            # mirror may have found damage in a file that was judged as sound.
            if run.resumes == resumes and (told.word is not Verdict.SAFE or run.catalog.damage_noted == noted):
                otherwise = run.verdict.otherwise
                await receipt.end(run.row, state, told.word, told.why, otherwise, told.awaited, told.then)
                break
    run.verdict.unopenable = (await unopenable.of_imports(run.catalog.database.read, [run.row.id])).get(
        run.row.id, run.verdict.unopenable
    )


class _FinalVerdict(NamedTuple):
    """What the receipt says of an import: the verdict `word` with its reason `why`; `awaited`, the number of
    copies that the import waits for (0: none); and `then`, the reason that goes with SAFE once there are as
    many."""

    word: Verdict
    why: str
    awaited: int = 0
    then: str = ""


async def _final_verdict(run: Run, differ: str, whole: Source, root: bytes, only: bytes) -> _FinalVerdict:
    """The verdict, with the notes on card indexes and checksum lists. `differ`: the sentence of the second
    verification, empty if nothing differs. Other parameters and errors as for `close`."""
    word, why = await _judged(run, whole, root, only)
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
    # A verdict that is taken over from a leader contains the leader's notes already.
    own_verdict = run.judged_by is None
    notes = (await card_index.compared(run), (await checksum_lists.result(run))[1]) if own_verdict else ()
    then = "; ".join(note for note in (run.verdict.note, *notes) if note)
    for note in notes:
        why = "; ".join(reason for reason in (why, note) if reason)
        if run.verdict.otherwise:
            reasons = (run.verdict.otherwise[1], note)
            run.verdict.otherwise = run.verdict.otherwise[0], "; ".join(reason for reason in reasons if reason)
    return _FinalVerdict(word, why, awaited, then)


async def _judged(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
    """The verdict, with the reason. Parameters and errors as for `close`."""
    run.verdict.otherwise, run.verdict.by_choice = None, False
    if run.judged_by is not None:
        return await followed_verdict.verdict(run, run.judged_by)
    return await verdict.verdict(run, whole, root, only)
