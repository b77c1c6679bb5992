"""Looks at an archive only to read it: it is neither locked nor written to, may be read-only, or in use by another
engine."""

import msgspec

from core import archive_layout
from core.archives.archive import reading_place
from core.archives.copies import Copy, examine, recognised, uuid_of
from core.catalog import Catalog
from core.errors import ArchiveError, WorkerDiedError
from core.paths import display
from core.workers import archive_messages, text_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError


class FoundArchive(msgspec.Struct, frozen=True):
    """An archive as found now, and which copy of it. `id` is 0 for an archive that the catalog does not know.
    `news`: it has journals of imports that the catalog does not know."""

    id: int
    uuid: str
    copy: Copy
    place: Place
    news: bool


async def reading(path: str, pool: Pool, catalog: Catalog) -> FoundArchive:
    """Look at the archive at `path`. Raises ArchiveError."""
    facts = await examine(path, pool, look=True)
    copy = await recognised(facts, pool, catalog)
    place = reading_place(facts)
    try:
        async with pool.worker("look") as worker:
            journals = await worker.ask(
                text_messages.JournalNames(place, archive_layout.JOURNALS), archive_messages.NamesCounted
            )
    except (TaskFailedError, WorkerDiedError, OSError) as error:
        raise ArchiveError(
            f"{display(path)} cannot be read: {error}.", "Check that you may read there."
        ) from error
    known = await catalog.import_names(copy.archive_id)
    # A copy that is not in use does not update the catalog.
    news = not copy.number and any(name.removesuffix(".jsonl") not in known for name, _ in journals.names)
    return FoundArchive(copy.archive_id, uuid_of(facts), copy, place, news)
