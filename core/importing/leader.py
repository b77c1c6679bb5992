"""The leader: the import of a group that another one follows. Files that it has settled are copied from its
archive."""

import asyncio
from collections.abc import Callable

from core.catalog import Catalog, ImportRow
from core.concurrency import Controller
from core.importing.import_run import Run
from core.models import Side, State
from core.paths import display
from core.workers.messages import Fault, Place, Source

OTHERS_SQL = "i.together = ? AND i.together != '' AND i.id != ?"
"""SQL condition: the imports of a group except one."""


async def able_to_lead(catalog: Catalog, row: ImportRow) -> list[ImportRow]:
    """The other imports of the group that are done, and can hand on files that this one has still to do."""
    if not row.together:
        return []
    others = await catalog.imports(f"{OTHERS_SQL} AND i.state = ?", (row.together, row.id, State.DONE))
    return [other for other in others if await catalog.is_handed_on(other.id, row.id)]


class Leader:
    """A leader as its follower sees it. `run`: None if the leader had ended before. `place`: the leader's archive.
    `copy`: which copy of that archive it is (core.archives.copies). `reading`: the limit at which readers of that
    archive's volume take places."""

    def __init__(self, row: ImportRow, place: Place, copy: int, reading: Controller, run: Run | None) -> None:
        self.row = row
        self.place = place
        self.copy = copy
        self.reading = reading
        self.news = asyncio.Event()
        """Set whenever the leader has settled more files, or has ended."""
        self.damaged = 0
        """How many files of the leader's archive were found damaged while it handed them on."""
        self.lost = False
        """Whether the leader's archive no longer answers."""
        self.lacking: set[int] = set()
        """Files that cannot be copied from the leader's archive, by the ids of the follower's rows."""
        self._run = run
        if run is not None:
            run.followers.add(self.news)

    @property
    def source(self) -> Source:
        """The leader's archive, as a source to read from."""
        return Source(self.place.root, self.place.device, self.place.inode)

    @property
    def path(self) -> str:
        """The path of the leader's archive, for display."""
        return display(self.place.root)

    @property
    def ended(self) -> State | None:
        """The state that the leader's run ended in; None while it runs."""
        return self._run.ended if self._run is not None else State(self.row.state)

    @property
    def listed(self) -> bool:
        """Whether the leader has listed the whole source."""
        return self._run is None or self._run.listing.complete

    def cannot_hand_on(self, faults: dict[int, Fault], may_take_again: Callable[[int], bool]) -> list[int]:
        """Remove from `faults` those of reading the leader's archive. These files stay to do: each is read from
        the source, unless its fault says `again` and `may_take_again` allows a retry. Returns the files of which
        the leader's archive may hold a damaged copy."""
        doubtful: list[int] = []
        for number, fault in list(faults.items()):
            if fault.side == Side.SOURCE:
                if not (fault.again and may_take_again(number)):
                    self.lacking.add(number)
                    self.lost = self.lost or fault.lost
                    if not fault.lost:
                        doubtful.append(number)
                del faults[number]
        return doubtful

    def leave(self) -> None:
        """Stop following: `news` is no longer set."""
        if self._run is not None:
            self._run.followers.discard(self.news)
