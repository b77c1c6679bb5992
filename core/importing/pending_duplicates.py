"""Files whose content another file is just bringing in: duplicates once that is committed, else tried again."""

from collections.abc import Collection, Iterable

import msgspec

from core.aio import to_the_end
from core.archives.dedup import Follow
from core.catalog import Item
from core.importing.import_files import Settled, Todo
from core.importing.import_run import Run
from core.models import Outcome
from core.workers.source_messages import Digest


class PendingDuplicate(msgspec.Struct, eq=False):
    """One pending duplicate.

    batch_ended: its own batch has ended; it is not settled before, because the journal may lack it until then.
    again: it is tried again even if the content it waits for is archived.
    claim_ended: the claim that it follows is settled: the content was archived as `item`; None: it was not.
    """

    todo: Todo
    digest: Digest
    batch_ended: bool = False
    again: bool = False
    claim_ended: bool = False
    item: Item | None = None


class PendingDuplicates:
    """The pending duplicates of one run. `Run.following` has their ids until they are settled or to be tried
    again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: dict[int, PendingDuplicate] = {}

    def add(self, todo: Todo, digest: Digest) -> Follow:
        """Add a file. The returned callback may be called at any time from now on."""
        follower = self._waiting[todo.id] = PendingDuplicate(todo, digest)
        self._run.following.add(todo.id)

        def tell(item: Item | None) -> None:
            follower.claim_ended, follower.item = True, item
            self._run.followed.set()

        return tell

    def forget(self, numbers: Iterable[int]) -> None:
        """Remove these files; their callbacks have no effect any more."""
        for number in numbers:
            if self._waiting.pop(number, None) is not None:
                self._run.following.discard(number)

    def batch_ended(self, numbers: Iterable[int], again: Collection[int]) -> None:
        """The batch of these files has ended; those in `again` are tried again, whatever becomes of their
        claims."""
        for number in numbers:
            if (follower := self._waiting.get(number)) is not None:
                follower.batch_ended, follower.again = True, number in again

    async def settle(self) -> None:
        """Commit duplicates whose content was committed. A file whose content was not archived is to be tried
        again."""
        over = [one for one in self._waiting.values() if one.claim_ended and one.batch_ended]
        for one in over:
            del self._waiting[one.todo.id]
        settled = [
            Settled.of(one.todo, one.digest, Outcome.DUPLICATE, one.item)
            for one in over
            if one.item is not None and not one.again
        ]
        if settled:
            await to_the_end(self._run.settle([], settled))
        self._run.following.difference_update(one.todo.id for one in over)
