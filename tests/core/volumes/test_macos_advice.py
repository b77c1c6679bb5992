"""What a person at a Mac is told where a volume does not answer, or is kept from the program."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from core import subprocesses
from core.archives import liveness
from core.archives.archive import Archive
from core.archives.copies import Copy
from core.archives.readonly import FoundArchive
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow, Item
from core.concurrency import Controller, Limit
from core.engine import import_target, mirror_pair
from core.errors import ArchiveAwayError, LadingError, SourceAwayError, WorkerDiedError
from core.importing.sources import Picked, PickedSources
from core.maintenance.archive_reader import ArchiveReader
from core.maintenance.lacking_now import refuse_if_lacking
from core.maintenance.source_reader import SourceReader
from core.models import Side, State
from core.offsite import lists
from core.volumes import disks, macos_permissions
from core.volumes.macos_permissions import LOCAL, ON_SCREEN
from core.workers.messages import Fault, Place, Source
from core.workers.pool import Pool, TaskFailedError
from core.workers.source_messages import Entry

NOBODY = cast(Any, None)
PLACE = Place(b"/Volumes/NAS/archive", 1, 2, "rename", "medium")
ITEM = Item(1, 1, b"x" * 16, b"s" * 32, 3, "image", "data/a.jpg", "medium", None)
FILE = Entry(b"a.jpg", "file", 3, 0, "image", b"a", "")


class Failing:
    """A pool each of whose requests fails with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @asynccontextmanager
    async def worker(self, *_: object) -> AsyncIterator[None]:
        raise self.error
        yield

    @property
    def pool(self) -> Pool:
        return cast(Pool, self)


class Free:
    """A limit that lets everything begin."""

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(self, *_: object) -> None:
        """End."""


@pytest.fixture(autouse=True)
def a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    switch, unanswered = macos_permissions.permission_advice, macos_permissions.no_answer_advice
    monkeypatch.setattr(macos_permissions, "permission_advice", lambda code, environ: switch(code, {}, "darwin"))
    monkeypatch.setattr(macos_permissions, "no_answer_advice", lambda advice, *_: unanswered(advice, "darwin"))


def refused() -> TaskFailedError:
    return TaskFailedError(Fault(Side.UNKNOWN, "Operation not permitted", errno.EPERM, lost=True))


SILENT: dict[str, Callable[[Pool], Awaitable[object]]] = {
    "import": lambda pool: import_target.look_at("/Volumes/NAS/archive", pool, NOBODY),
    "mirror": lambda pool: mirror_pair.apart(pool, cast(Archive, FakeArchive()), "/Volumes/NAS/archive"),
    "use": lambda pool: Archives(pool, NOBODY, NOBODY)._identity_at("/Volumes/NAS/archive"),
}


class FakeArchive:
    path = "/Volumes/NAS/archive"
    place = PLACE
    id = 1


@pytest.mark.parametrize("what", SILENT)
async def test_an_archive_that_does_not_answer_may_wait_for_a_click(what: str) -> None:
    with pytest.raises(LadingError, match="does not answer") as found:
        await SILENT[what](Failing(TimeoutError()).pool)
    assert ON_SCREEN in found.value.advice


async def test_a_folder_of_lists_that_does_not_answer_may_wait_for_a_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(lists, "aside", late)
    with pytest.raises(LadingError, match="does not answer") as found:
        await lists.call_with_timeout("/Volumes/NAS", lambda: None)
    assert ON_SCREEN in found.value.advice


def test_a_card_that_does_not_answer_may_wait_for_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocesses, "ask", lambda *_, **__: None)
    with pytest.raises(LadingError, match="does not answer") as found:
        disks.volume_uuid("/dev/disk4s1", "/Volumes/EOS", platform="darwin")
    assert ON_SCREEN in found.value.advice


class FakeCatalog:
    async def seen_items(self, *_: object) -> list[int]:
        return [1]

    async def items(self, ids: Collection[int], archive: int) -> dict[int, Item]:
        return {1: ITEM}


def source(pool: Pool) -> SourceReader:
    class Card:
        source = Source(b"/Volumes/EOS", 1, 2)
        only = b""

    free = cast(Controller, Free()), cast(Limit, Free())
    return SourceReader(pool, cast(Picked, Card()), PLACE, *free)


def archive(pool: Pool) -> ArchiveReader:
    class Held:
        id = 1
        place = PLACE
        copy = Copy(archive_id=1)

    return ArchiveReader(cast(Catalog, FakeCatalog()), pool, cast(FoundArchive, Held()), cast(Limit, Free()))


REFUSED: dict[str, Callable[[Pool], Awaitable[object]]] = {
    "list a source": lambda pool: source(pool).count(),
    "read a source": lambda pool: source(pool).digests([FILE]),
    "compare a source": lambda pool: source(pool).blocks([(b"a.jpg", 0, 3)]),
    "look for archived files": lambda pool: archive(pool).present([ITEM]),
    "read archived files": lambda pool: archive(pool).verify([ITEM]),
    "compare archived files": lambda pool: archive(pool).blocks([(ITEM, 0, 3)]),
    "accept": lambda pool: refuse_if_lacking(
        cast(Archive, FakeArchive()), cast(ImportRow, FakeArchive()), cast(Catalog, FakeCatalog()), pool
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_macos_refuses_names_what_to_switch_on(what: str) -> None:
    with pytest.raises(LadingError) as found:
        await REFUSED[what](Failing(refused()).pool)
    assert found.value.advice == LOCAL


@pytest.mark.parametrize("what", REFUSED)
async def test_a_worker_that_died_was_refused_nothing(what: str) -> None:
    with pytest.raises(LadingError) as found:
        await REFUSED[what](Failing(WorkerDiedError("it was killed")).pool)
    assert "Full Disk Access" not in found.value.advice
    assert found.value.advice


@pytest.mark.parametrize(("error", "told"), [(refused(), LOCAL), (TimeoutError(), ON_SCREEN)])
async def test_an_archive_that_stops_answering_while_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    monkeypatch.setattr(liveness, "STILL", 0)
    with pytest.raises(ArchiveAwayError) as found:
        await liveness.while_answering(Failing(error).pool, PLACE, asyncio.Event().wait())
    assert told in found.value.advice


@pytest.mark.parametrize(
    ("identity", "told"),
    [("net://nas/photos", "Mount its share again."), ("uuid:a1b2", "Plug it in or mount it.")],
)
@pytest.mark.parametrize(
    ("now", "close"), [(State.PAUSED, " If it never comes back: lading cancel 20261130-1"), (State.DONE, "")]
)
async def test_a_share_cannot_be_plugged_in_nor_what_has_ended_be_closed(
    monkeypatch: pytest.MonkeyPatch, identity: str, told: str, now: State, close: str
) -> None:
    class Row:
        state = now
        name = "20261130-1"
        volume_name = "photos"
        volume_identity = identity
        source = root = os.fsencode("/Volumes/photos")
        single = b""

    async def nowhere(*_: object) -> list[bytes]:
        return []

    sources = PickedSources(Failing(refused()).pool)
    monkeypatch.setattr(sources, "places", nowhere)
    with pytest.raises(SourceAwayError) as found:
        await sources.pick_again(cast(ImportRow, Row()))
    assert found.value.advice == told + close
