"""Previously imported files have the name, size and time of an earlier import; this compares their content."""

from functools import partial

from core.archives.presence import present
from core.catalog import Item
from core.importing.import_files import Todo
from core.importing.import_run import Run
from core.workers.pool import Worker
from core.workers.read_source import ARENA
from core.workers.source_messages import Digest


class PreviouslyImported:
    """The previously imported files of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.unlike: set[int] = set()
        """Ids of files whose content is not that of the earlier import: they are copied like new ones."""

    def only_hashed(self, batch: list[Todo]) -> bool:
        """Whether the batch is one large previously imported file, which is only hashed until it is found to
        differ."""
        first = batch[0]
        return first.known and first.size > ARENA and first.id not in self.unlike

    async def still_there(self, todo: Todo, worker: Worker) -> bool:
        """Whether the item of a previously imported file is not known to be damaged, and its payload is present at
        its size."""
        run = self._run
        items = await run.catalog.items([todo.item_id] if todo.item_id else [], run.archive.id)
        sound = [item for item in items.values() if item.damage is None]
        return bool(await present(partial(run.workers.ask, worker), run.archive.place, sound))

    async def compare(self, todos: dict[int, Todo], well: dict[int, Digest], known: dict[int, Item]) -> None:
        """Find the files whose content differs from what an earlier import read, although size and time are the
        same."""
        doubtful = [
            number
            for number in well
            if (todos[number].known or number in self.unlike)
            and not (number in known and known[number].id == todos[number].item_id)
        ]
        found = await self._run.catalog.earlier_contents(doubtful) if doubtful else {}
        for number, before in found.items():
            digest = well[number]
            listed = (digest.size, digest.mtime_ns) == (before.size, before.mtime_ns)
            if listed and (digest.xxh128, digest.sha256) != (before.xxh128, before.sha256):
                todos[number].before = before
