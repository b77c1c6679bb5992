"""The verdict: SAFE when a fresh listing shows nothing but what is archived, unchanged, with its payload there."""

from collections import Counter
from contextlib import aclosing

from core.catalog import SeenRow, below, beside
from core.importing.intake import FINAL, listing
from core.importing.run import Run
from core.models import Outcome, Verdict
from core.paths import display
from core.workers import messages
from core.workers.messages import Entry, Source

WHY = {
    "failed": "could not be archived",
    "left out": "left out",
    "new": "are not in the archive",
    "changed": "changed since they were archived",
    "missing": "are no longer in the archive, or damaged there",
    "unlisted": "could not be listed",
    "unverified": "were never read back from the archive",
    "unread": "could not be read",
}


async def verdict(run: Run, whole: Source, root: bytes, only: bytes) -> tuple[Verdict, str]:
    """SAFE or KEEP with the reason, for all that lies below `whole`, which is `root` on its volume.

    `run.by_choice` is set when nothing but entries left out on purpose stands in the way of SAFE.

    Entries outside this import count as archived when another import of the same volume brought them in.
    Raises HaltError when the source is gone, and what asking a worker raises.
    """
    wrong: Counter[str] = Counter()
    example: dict[str, bytes] = {}
    async with aclosing(listing(run, whole, only)) as pages:
        async for entries in pages:
            files = [entry for entry in entries if entry.what not in ("folder", "litter")]
            paths = [beside(root, entry.path) for entry in files]
            seen = await run.catalog.seen(run.row.volume_id, paths, run.row.archive_id)
            archived: list[tuple[Entry, int]] = []
            for entry, path in zip(files, paths, strict=True):
                why, item = judge(entry, seen.get(path, []))
                if why:
                    wrong[why] += 1
                    example.setdefault(why, entry.path)
                elif item is not None:
                    archived.append((entry, item))
            for entry in await _missing(run, archived):
                wrong["missing"] += 1
                example.setdefault("missing", entry.path)
    # What failed may be gone from the source by now.
    failed = run.counted(Outcome.FAILED).files - wrong["unlisted"]
    if failed > wrong["failed"]:
        wrong["failed"] = failed
        for _, _, path in await run.catalog.reasons(run.row.id):
            example.setdefault("failed", below(run.row.root, path))
    wrong = +wrong
    if not wrong:
        return Verdict.SAFE, ""
    run.by_choice = set(wrong) == {"left out"}
    parts = [f"{count:,} {WHY[why]} (such as {display(example[why])})" for why, count in wrong.most_common()]
    return Verdict.KEEP, "; ".join(parts)


def judge(entry: Entry, rows: list[SeenRow]) -> tuple[str, int | None]:
    """What stands in the way of SAFE, a key of WHY; or the item that the record has for an entry."""
    if entry.what == "failed":
        return "unlisted", None
    if entry.what == "skipped":
        return "left out", None
    done = [row for row in rows if Outcome(row.outcome) in FINAL and row.item_id is not None]
    for row in reversed(done):
        if (row.size, row.mtime_ns) == (entry.size, entry.mtime_ns):
            return "", row.item_id
    if done:
        return "changed", None
    outcomes = {row.outcome for row in rows}
    return ("failed" if Outcome.FAILED in outcomes else "left out" if Outcome.SKIPPED in outcomes else "new"), None


async def _missing(run: Run, entries: list[tuple[Entry, int]]) -> list[Entry]:
    """Entries whose payload is not in this archive, or not at its size, or known to be damaged."""
    items = await run.catalog.items({item for _, item in entries}, run.archive.id)
    wanted = [item for item in items.values() if item.damage is None]
    request = messages.Presence(run.archive.place, [(item.path, item.size) for item in wanted])
    async with run.worker([]) as worker:
        present = (await run.ask(worker, request, messages.Present)).there
    there = {item.id for item, is_there in zip(wanted, present, strict=True) if is_there}
    return [entry for entry, item in entries if item not in there]
