"""What is said of a location, and what cannot be said."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from core.archives import bag_info
from core.catalog import Catalog, locations
from core.catalog.locations import Location
from core.config import Config, profile
from core.database import Database, Unit
from core.details import Changes
from core.engine.job_service import JobService
from core.engine.queries import Queries
from core.errors import DatabaseError, UsageError
from core.hardware import detect


class Here:
    """An archive with two locations."""

    def __init__(self, database: Database, catalog: Catalog, archive: int) -> None:
        self.database = database
        self.catalog = catalog
        self.archive = archive

    async def find(self, name: str) -> Location:
        return await locations.find(self.database.read, self.archive, name)

    async def change(self, which: str, /, **values: object) -> Location:
        location = await self.find(which)
        return await locations.change(self.database, location.id, Changes(**values))  # type: ignore[arg-type]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    database = await Database.open(str(tmp_path))
    catalog = await Catalog.open(database)
    archive = await catalog.archive("uuid", b"/archive")
    await catalog.location(archive, "alps-1", "Alps")
    await catalog.location(archive, "bergen-2", "Bergen")
    await catalog.location(await catalog.archive("other", b"/other"), "cadiz-3", "Cadiz")
    yield Here(database, catalog, archive)
    await database.close()


async def test_found_by_folder_or_name(here: Here) -> None:
    assert (await here.find(" ALPS ")).folder == "alps-1"
    assert (await here.find("bergen-2")).name == "Bergen"
    with pytest.raises(UsageError, match="'Bergen'"):
        await here.find("Berge")
    with pytest.raises(UsageError):
        await here.find("Cadiz")
    with pytest.raises(UsageError, match="none yet"):
        await locations.find(here.database.read, 99, "x")
    assert [one.name for one in await locations.of_archive(here.database.read, here.archive)] == ["Alps", "Bergen"]


async def test_a_change_and_the_job_that_brings_it_into_the_bag_are_one(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that is killed after any commit leaves both or none."""
    settings, nothing = Config(home=here.database.home), cast("Any", None)
    jobs = JobService(settings, profile(settings, detect()), here.database, nothing, nothing)
    write = here.database.write

    async def once(unit: Unit[Any]) -> Any:
        monkeypatch.setattr(here.database, "write", killed)
        return await write(unit)

    async def killed(unit: Unit[Any]) -> Any:
        raise DatabaseError("the engine was killed.")

    monkeypatch.setattr(here.database, "write", once)
    with suppress(DatabaseError):
        await Queries(here.catalog, jobs).describe("/archive", "Alps", Changes(name="Oberland"))
    found = await here.find("Oberland")
    rows = await here.database.read("SELECT location_id, state FROM job WHERE queue = 'bagit'")
    assert rows == [(found.id, "ready")]


async def test_each_value_changes_alone(here: Here) -> None:
    assert (await here.find("Alps")).described is None
    await here.change("Alps", description=" High up ", position=(46.5, -11.25))
    found = await here.change("Alps", access_note="Ask the keeper", external_identifier="ark:/1")
    assert (found.description, found.access_note, found.external_identifier) == (
        "High up",
        "Ask the keeper",
        "ark:/1",
    )
    assert (found.latitude, found.longitude) == (46.5, -11.25)
    assert found.described
    found = await here.change("Alps", description="", position=())
    assert (found.description, found.latitude, found.longitude) == ("", None, None)
    assert found.access_note == "Ask the keeper"
    assert (await here.find("Bergen")).described is None


@pytest.mark.parametrize("set_back", [0.0, 365 * 86_400.0])
async def test_what_is_said_last_is_the_latest_whatever_the_clock_says(
    here: Here, monkeypatch: pytest.MonkeyPatch, set_back: float
) -> None:
    """Another catalog believes the latest description."""
    clock = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    first = await here.change("Alps", description="at first")
    clock[0] -= set_back
    then = await here.change("Alps", description="then")
    assert bag_info.believed(first, bag_info.parse(_described(then)), "").description == "then"
    assert bag_info.believed(then, bag_info.parse(_described(first)), "").description == "then"


def _described(location: Location) -> bytes:
    return bag_info.compose(Config(), location, [], 0, 0, date(2027, 1, 15))


async def test_nothing_to_change(here: Here) -> None:
    assert await here.change("Alps") == await here.find("Alps")
    assert (await here.find("Alps")).described is None


async def test_name_changes_and_folder_does_not(here: Here) -> None:
    await here.change("Alps", name="Dolomites")
    found = await here.find("dolomites")
    assert found.folder == "alps-1"
    await here.change("dolomites", name="DOLOMITES")  # its own name in another case
    with pytest.raises(UsageError, match="Bergen"):
        await here.change("Dolomites", name="bergen")
    # A journal that was written before it was renamed.
    assert await here.catalog.location(here.archive, "alps-1", "Alps") == found.id
    assert (await here.find("alps-1")).name == "DOLOMITES"


@pytest.mark.parametrize(
    "values",
    [
        {"name": "  "},
        {"name": "\udcff"},
        {"description": "x" * 10_001},
        {"position": (90.1, 0.0)},
        {"position": (0.0, -180.5)},
        {"position": (float("nan"), 0.0)},
    ],
)
async def test_refused_and_unchanged(here: Here, values: dict[str, object]) -> None:
    before = await here.find("Alps")
    with pytest.raises(UsageError):
        await here.change("Alps", **{"access_note": "x", **values})
    assert await here.find("alps-1") == before


async def test_no_such_location(here: Here) -> None:
    with pytest.raises(UsageError):
        await locations.change(here.database, 99, Changes(description="x"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("46.41,11.84", (46.41, 11.84)),
        (" -46.41 ; +11 ", (-46.41, 11.0)),
        ("46.41 11.84", (46.41, 11.84)),
        ("", ()),
    ],
)
def test_position(text: str, wanted: tuple[float, ...]) -> None:
    assert locations.position(text) == wanted


@pytest.mark.parametrize("text", ["46.41", "46,41,11,84", "north", "1e5,0", "\x1b[31m"])
def test_no_position(text: str) -> None:
    with pytest.raises(UsageError):
        locations.position(text)
