"""What the catalog and a running engine know of cards and archives, for commands that only look."""

import time
from typing import TYPE_CHECKING

from core import VERSION
from core.models import Value
from core.protocol.archive_requests import ListArchives
from core.protocol.import_requests import ListCards, ListInUse
from core.results import ArchivePlace, CardView, InUse
from core.snapshot import Snapshot
from tui.console.import_selection import any_yet
from tui.console.one_shot import once

if TYPE_CHECKING:
    from core.client.api import EngineCalls
    from core.config import Config


class KnownCards(Value, frozen=True, kw_only=True):
    """Newest imports first; `snapshot` is that of the engine that runs, else of the catalog."""

    cards: tuple[CardView, ...] = ()
    archives: tuple[ArchivePlace, ...] = ()
    in_use: InUse = InUse()
    snapshot: Snapshot


def known_cards(settings: "Config") -> KnownCards:
    """What is known; starts no engine. Raises DatabaseError, EngineError."""
    if not any_yet(settings.home):
        return KnownCards(snapshot=Snapshot(time=time.time(), version=VERSION))

    async def ask(engine: "EngineCalls") -> KnownCards:
        return KnownCards(
            cards=tuple(await engine.call(ListCards())),
            archives=tuple(await engine.call(ListArchives())),
            in_use=await engine.call(ListInUse()),
            snapshot=await engine.look(),
        )

    return once(settings, ask, looking=True)
