"""The cards, drives and folders that were imported, and what the newest import of each has proven."""

import os

from core.catalog.import_list import damaged_counts
from core.database import Read
from core.models import ENDED, State, Verdict
from core.paths import display
from core.results import CardView

MOST_CARDS = 1000
"""The most rows that are returned."""

_CARDS = f"""
    SELECT i.id, v.identity, v.name, i.options ->> 'label', i.source, i.root, i.single,
        i.name, a.path, l.name, l.folder,
        i.state, i.verdict, i.verdict_reason, i.started, i.ended, n.many
    FROM (SELECT max(id) AS id, count(*) AS many FROM import GROUP BY volume_id, root, single, archive_id) n
    JOIN import i ON i.id = n.id JOIN volume v ON v.id = i.volume_id JOIN archive a ON a.id = i.archive_id
    JOIN location l ON l.id = i.location_id ORDER BY i.id DESC LIMIT {MOST_CARDS}
"""  # noqa: S608 - a number of our own


async def cards(read: Read, under_way: frozenset[str]) -> list[CardView]:
    """The newest import of each source into each archive, newest first. `under_way`: ids of those in progress."""
    found = []
    ruined = await damaged_counts(read)
    for row in await read(_CARDS, ()):
        key, identity, name, label, source, root, single, id, *more = row
        archive, location, folder, state, verdict, why, started, ended, many = more
        path = display(source + (b"/" + single if single else b""))
        if state == State.RUNNING and id not in under_way:
            state = "interrupted"
        found.append(
            CardView(
                identity=display(identity),
                label=display(label or name) or path,
                source=path,
                archive=display(archive),
                location=display(location),
                location_folder=folder,
                import_id=id,
                state=state,
                verdict=Verdict(verdict) if state in ENDED else Verdict.OPEN,
                reason=display(why),
                started=started,
                ended=ended if state in ENDED else None,
                imports=many,
                damaged=ruined.get(key, 0),
                below=display(os.path.join(root, single) if single else root),
            )
        )
    return found
