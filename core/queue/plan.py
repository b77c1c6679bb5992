"""What an import leaves to be done: the jobs of its items, and those that need all of it."""

from collections.abc import Iterable

from core.catalog import Item
from core.queue import barriers
from core.queue.kinds import QUEUES, Queue
from core.queue.work import ADD, Parameters, Work
from core.tasks.task import Statement

_OF_KIND: dict[str, tuple[Queue, ...]] = {
    str(kind): tuple(queue for queue in QUEUES if queue.subject == "item" and kind in queue.kinds)
    for kind in {kind for queue in QUEUES for kind in queue.kinds}
}


BEHIND = tuple(queue for queue in QUEUES if queue.subject != "item")
"""The queues whose jobs wait behind an import's barrier."""


def of_items(items: Iterable[tuple[int, Item]], origin: int) -> list[Statement]:
    """The statement that adds the jobs of (archive, item), which the import `origin` has brought; to be written
    in one unit with the items."""
    rows: list[Parameters] = [
        (queue.name, queue.priority, archive, item.id, 0, 0, origin, 0, 0, queue.follows, queue.required)
        for archive, item in items
        for queue in _OF_KIND.get(item.kind, ())
    ]
    return [(ADD, rows)] if rows else []


def of_import(archive_id: int, import_id: int, location_id: int) -> list[Statement]:
    """The statements that set up an import's barrier and what waits behind it; again when it is resumed."""
    works = [
        behind(queue, archive_id, import_id, import_id=import_id)
        if queue.subject == "import"
        else behind(queue, archive_id, import_id, location_id=location_id)
        for queue in BEHIND
    ]
    return barriers.close(import_id, works)


def behind(queue: Queue, archive_id: int, barrier: int, *, import_id: int = 0, location_id: int = 0) -> Work:
    """A job of a queue on an import or a location, behind a barrier."""
    return Work(
        queue=queue.name,
        priority=queue.priority,
        archive_id=archive_id,
        import_id=import_id,
        location_id=location_id,
        origin=barrier,
        barrier=barrier,
        understood=queue.understood,
    )
