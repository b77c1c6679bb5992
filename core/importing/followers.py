"""Files that follow another of the same content: duplicates, once that has arrived."""

from collections.abc import Collection, Iterable

import msgspec

from core.catalog import Item
from core.importing.gate import Follow
from core.importing.run import Run, Settled, Todo
from core.models import Outcome
from core.unbroken import to_the_end
from core.workers.messages import Digest


class Follower(msgspec.Struct, eq=False):
    """One of them.

    through: its own batch has ended; before that nothing is settled, as the journal may not have it yet.
    again: it stays to do even when what it follows arrives.
    told: what it follows has arrived as `item`, or, when that is None, has not.
    """

    todo: Todo
    digest: Digest
    through: bool = False
    again: bool = False
    told: bool = False
    item: Item | None = None


class Followers:
    """Those of one run, whose `following` has their numbers until they are settled, or to do again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: dict[int, Follower] = {}

    def add(self, todo: Todo, digest: Digest) -> Follow:
        """A file follows from now on: at any moment it may be told, by what this returns."""
        follower = self._waiting[todo.id] = Follower(todo, digest)
        self._run.following.add(todo.id)

        def tell(item: Item | None) -> None:
            follower.told, follower.item = True, item
            self._run.followed.set()

        return tell

    def forget(self, numbers: Iterable[int]) -> None:
        """These do not follow after all, and are told nothing."""
        for number in numbers:
            if self._waiting.pop(number, None) is not None:
                self._run.following.discard(number)

    def through(self, numbers: Iterable[int], again: Collection[int]) -> None:
        """The batch of these files has ended; those in `again` are done again, whatever they follow."""
        for number in numbers:
            if (follower := self._waiting.get(number)) is not None:
                follower.through, follower.again = True, number in again

    async def settle(self) -> None:
        """Commit those whose forerunner has arrived; without it a file is to do again."""
        over = [one for one in self._waiting.values() if one.told and one.through]
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
