"""An import that follows another import of its group, the leader, so that the source is read only once.

Each file that the leader has settled is copied from the leader's archive, where it was verified, and compared with
the checksums that the leader computed when it read the source. So no other import waits for this one, and this one
continues after the source is removed. When the leader halts, or its archive is lost, this import reads the source
itself, and the former leader may follow it.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

from core.aio import to_the_end
from core.catalog import FailureRow, Item
from core.catalog.failures import LIST
from core.catalog.files import ATTRIBUTES_UNKEPT
from core.catalog.groups import HandedFile, ListedFile, metadata_of
from core.catalog.linking import link
from core.files import times
from core.importing import scan
from core.importing.batches import Batches
from core.importing.import_files import Settled, Todo
from core.importing.import_run import Run
from core.importing.leader import Leader
from core.importing.transfer import Transfer
from core.models import IN_ARCHIVE, Outcome, Side, State
from core.paths import join, relative
from core.workers.source_messages import Entry, Taken

PAGE = 1024
"""Rows per query of the catalog."""


class Following:
    """The following of one run."""

    def __init__(self, run: Run, transfer: Transfer, batches: Batches) -> None:
        self._run = run
        self._transfer = transfer
        self._batches = batches
        self._listed = 0
        """The id of the leader's last row that was entered for this import."""

    async def copy(self) -> bool:
        """Follow the leaders of the group, one after another. True: a leader is done, so the source is needed only
        for files that it could not hand on. False: this import has to read the source. Raises HaltError."""
        run = self._run
        while run.choose_leader is not None:
            async with AsyncExitStack() as stack:
                leader = await run.choose_leader(run, stack)
                if leader is None:
                    return False
                run.leader, run.source_wanted, self._listed = leader, False, 0
                # Files that an earlier leader has listed may have changed since.
                run.listing.begin_anew(run.catalog.last_file_id)
                run.listing.unkept = await run.catalog.unkept_files(run.row.volume_id)
                run.workers.read_elsewhere(leader.reading)
                try:
                    if await self._follow(leader):
                        run.judged_by = leader.row
                        return True
                except BaseException:
                    # Batches on their way must end first: once `run.leader` is None, they would read the source.
                    await self._batches.cancel()
                    raise
                finally:
                    leader.leave()
                    run.leader = None
                    run.workers.read_elsewhere(None)
        return False

    async def _follow(self, leader: Leader) -> bool:
        """Copy from the leader until it has ended and can hand on nothing more, or until it is lost. Whether it is
        done, and not lost."""
        after = 0
        begun: set[int] = set()
        while not leader.lost:
            leader.news.clear()
            # These are read before the queries: what the leader settles in between is found in the next round.
            ended, listed = leader.ended, leader.listed
            await self._list(leader)
            if listed and not self._run.listing.complete:
                await self._all_listed(leader)
            page = await self._run.catalog.handed_on(leader.row.id, self._run.row.id, after, PAGE)
            if page:
                after = page[-1].number
                # Entries that the leader has listed since are entered before their files are taken, so that no row
                # is entered again while its file is in a batch.
                await self._list(leader)
                await self._take(page, leader, begun)
                continue
            await self._batches.flush()
            if ended is None:
                await leader.news.wait()
                continue
            await self._batches.ended()
            await self._others_decided()
            if leader.lost or not await self._can_still_take(leader):
                break
            # Some files are to be retried.
            after = 0
            begun.clear()
        await self._batches.ended()
        if leader.lost:
            self._run.lost_leaders.add(leader.row.name)
        if leader.ended is not State.DONE or leader.lost:
            return False
        await self._settle_unread(leader)
        return True

    async def _others_decided(self) -> None:
        """Wait until no file is a pending duplicate any more: each is settled, or is to be tried again."""
        run = self._run
        while True:
            run.followed.clear()
            await self._transfer.pending.settle()
            if not run.following:
                return
            await run.followed.wait()

    async def _can_still_take(self, leader: Leader) -> bool:
        """Whether a file is still to do that can be copied from the leader's archive."""
        after = 0
        while page := await self._run.catalog.handed_on(leader.row.id, self._run.row.id, after, PAGE):
            after = page[-1].number
            if any(_to_take(file) and file.id not in leader.lacking for file in page):
                return True
        return False

    # Files

    async def _take(self, page: list[HandedFile], leader: Leader, begun: set[int]) -> None:
        run, unlike = self._run, self._transfer.previous.unlike
        items = await run.catalog.items({file.known for file in page if file.known}, run.archive.id)
        for file in page:
            if not _to_take(file) or file.id in begun or file.id in leader.lacking or file.id in run.following:
                continue
            begun.add(file.id)
            path = relative(run.row.root, file.path)
            if file.known and not ((item := items.get(file.known)) and _equal(file, item)):
                # The leader has read other content than an earlier import of the same name, size and time.
                unlike.add(file.id)
            known = None if file.id in unlike else file.known
            todo = Todo(file.id, path, file.size, file.kind, known, taken=_taken(file), taken_item=file.item)
            await self._batches.add(todo, alone=self._transfer.retries.tried(file.id))

    async def _settle_unread(self, leader: Leader) -> None:
        """Settle the files that the leader could not read from the source as failed for this import, too. This
        is final only once the leader is done, because a person can have them tried again until then."""
        run, after = self._run, 0
        while page := await run.catalog.handed_on(leader.row.id, run.row.id, after, PAGE):
            after = page[-1].number
            failed: dict[int, Settled] = {}
            for file in page:
                if file.outcome == Outcome.FAILED and file.side == Side.SOURCE:
                    failure = FailureRow(
                        file.id, file.stage or "", 1, Side.SOURCE, file.code or 0, file.detail or ""
                    )
                    todo = Todo(file.id, relative(run.row.root, file.path), file.size, file.kind)
                    failed[file.id] = Settled(
                        todo, Outcome.FAILED, None, file.reason, file.size, None, file.kind, failure
                    )
            if failed:
                await to_the_end(run.settle([], list(failed.values())))

    # The listing

    async def _list(self, leader: Leader) -> None:
        """Enter the entries that the leader has listed since the last call."""
        async with aclosing(self._entries(leader)) as pages:
            async for entries in pages:
                await scan.enter(self._run, entries)

    async def _entries(self, leader: Leader) -> AsyncGenerator[list[Entry], None]:
        run = self._run
        while page := await run.catalog.listed_files(leader.row.id, self._listed, PAGE):
            self._listed = page[-1].id
            paths = [relative(run.row.root, file.path) for file in page]
            far = await self._far(leader, [(p, f.mtime_ns) for p, f in zip(paths, page, strict=True)])
            yield [_entry(file, path, far.get(path, "")) for file, path in zip(page, paths, strict=True)]

    async def _far(self, leader: Leader, entries: list[tuple[bytes, int]]) -> dict[bytes, str]:
        paths = [path for path, mtime_ns in entries if times.is_far(mtime_ns)]
        return await self._run.catalog.far_times(leader.row.id, paths)

    async def _all_listed(self, leader: Leader) -> None:
        """Enter the leader's folders, and mark the listing as complete, because the leader's listing is."""
        run, last = self._run, b""
        while folders := await run.catalog.folders(leader.row.id, last, PAGE):
            last = folders[-1][0]
            far = await self._far(leader, folders)
            entries = [Entry(path, "folder", 0, ns, "", b"", "", far.get(path, "")) for path, ns in folders]
            await scan.enter(run, entries, await self._unlisted(leader, [path for path, _ in folders]))
        await scan.all_listed(run)
        await link(run.catalog, run.row.id, run.row.root)
        run.listing.linked = True

    async def _unlisted(self, leader: Leader, folders: list[bytes]) -> set[bytes]:
        """Those of these folders that the leader could not list."""
        row = self._run.row
        seen = await self._run.catalog.seen(row.volume_id, [join(row.root, path) for path in folders])
        return {
            relative(row.root, path)
            for path, found in seen.items()
            if any(one.import_id == leader.row.id and one.outcome == Outcome.FAILED for one in found)
        }


def _to_take(file: HandedFile) -> bool:
    """Whether the file's content is in the leader's archive, and what was read of its metadata is known."""
    return file.outcome in IN_ARCHIVE and file.facts is not None and file.payload is not None


def _equal(file: HandedFile, item: Item) -> bool:
    """Whether the file has the content of the item."""
    return (file.size, file.xxh128, file.sha256) == (item.size, item.xxh128, item.sha256)


def _taken(file: HandedFile) -> Taken:
    unkept = f"{ATTRIBUTES_UNKEPT}: "
    reason = file.reason or ""
    return Taken(
        (file.payload or "").encode(),
        file.mtime_ns,
        file.xxh128 or b"",
        file.sha256 or b"",
        reason.removeprefix(unkept) if reason.startswith(unkept) else "",
        metadata_of(file.facts or b""),
    )


def _entry(file: ListedFile, path: bytes, far: str) -> Entry:
    """The entry as the leader's listing found it."""
    outcome = Outcome(file.outcome)
    what, reason, code, sort, target = "file", "", 0, "", b""
    if outcome in (Outcome.SKIPPED, Outcome.LITTER):
        what, reason, sort, target = outcome.name.lower(), file.reason or "", file.sort, file.target or b""
    elif outcome is Outcome.FAILED and file.stage == LIST:
        what, reason, code = "failed", file.reason or "", file.code or 0
    return Entry(
        path, what, file.size, file.mtime_ns, file.kind, file.stem, reason, far, code, sort=sort, target=target
    )
