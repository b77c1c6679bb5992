"""Two engines on two state folders use one archive in turn, and a third one knows it from the archive alone."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.details import Changes
from core.models import Verdict
from tests.core.importing.rig import Rig, at_work, digest, random_bytes, write
from tests.core.maintenance.test_rebuild import rows
from tests.rigs.making import corners

pytestmark = pytest.mark.process

KNOWN = (
    "SELECT d.role, d.path, d.width, d.height, d.size FROM derivative d JOIN item i ON i.id = d.item_id ORDER BY 2"
)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine with all its background."""
    async with at_work(tmp_path) as rig:
        yield rig


def card(folder: Path, first: int) -> Path:
    """Two pictures and a document, of which the next card has one, too."""
    for number in (first, first + 1):
        folder.mkdir(exist_ok=True)
        corners(300 + 10 * number, 200).save(folder / f"IMG_{number}.JPG")
        write(folder / f"{number}.txt", random_bytes(3000, number))
    return folder


def made(rig: Rig) -> dict[str, tuple[int, int]]:
    """The small copies in the archive, each with what changes when it is written again."""
    found = {}
    for path in rig.archive.glob(".lading/thumbnails/*/*"):
        facts = os.stat(path)
        found[str(path.relative_to(rig.archive))] = facts.st_ino, facts.st_mtime_ns
    return found


READ_BACK = 6
"""The column of `rows`' items that tells when each was read back last."""


async def known(rig: Rig) -> tuple[object, ...]:
    """What the catalog says, but for when an item was read back last: each home reads again, before it says SAFE,
    what it does not know to have been read back."""
    tables = await rows(rig)
    assert all(item[READ_BACK] for item in tables["item"])
    tables["item"] = [(*item[:READ_BACK], *item[READ_BACK + 1 :]) for item in tables["item"]]
    return tables, await rig.engine.database.read(KNOWN)


async def test_two_engines_use_one_archive_in_turn(rig: Rig) -> None:
    first, second = card(rig.root / "one", 1), card(rig.root / "two", 2)
    one = await rig.imported(first, location="Basel")
    await rig.still()
    assert rig.invalid() == []
    before = made(rig)
    assert len(before) == 6

    await rig.restarted("second home")
    two = await rig.imported(second, location="basel")
    again = await rig.imported(first, location="Bern")
    assert (two.archived.files, two.duplicate.files, again.archived.files) == (2, 2, 0)
    await rig.still()
    assert rig.invalid() == []
    assert {path: facts for path, facts in made(rig).items() if path in before} == before
    assert [row.name for row in await rig.engine.catalog.imports()] == [one.id, two.id, again.id]
    await rig.engine.queries.describe(
        str(rig.archive), "Basel", Changes(name="Basle", description="By the Rhine", access_note="Key at no. 7")
    )
    await rig.still()
    assert rig.invalid() == []

    await rig.restarted()
    third = await rig.imported(second, location="Basle")
    assert (third.archived.files, third.duplicate.files, third.verdict) == (0, 4, Verdict.SAFE)
    await rig.still()
    assert rig.invalid() == []
    assert len(list((rig.archive / "locations").iterdir())) == 2
    assert len(rig.contents()) == 6
    assert {digest(path) for path in (*first.iterdir(), *second.iterdir())} == rig.contents()
    # Journals tell what there is, receipts what was proven of it.
    await rig.engine.maintenance.rebuild(str(rig.archive))
    await rig.still()
    mine = await known(rig)
    assert ("Basle", "By the Rhine", "Key at no. 7") in [
        row[1:4] for row in (await rows(rig, "location"))["location"]
    ]

    for home in ("third home", "second home"):
        await rig.restarted(home)
        found = await rig.engine.maintenance.rebuild(str(rig.archive))
        assert (found.locations, found.imports, found.items, found.problems) == (2, 4, 6, ())
        await rig.still()
        assert await known(rig) == mine
    assert {path: facts for path, facts in made(rig).items() if path in before} == before
    assert len(made(rig)) == 9
    assert rig.invalid() == []


async def test_the_newest_word_on_a_location_counts(rig: Rig) -> None:
    """Both engines were told something of it: what was said last stays."""
    archive = str(rig.archive)
    await rig.imported(card(rig.root / "one", 1), location="Basel")
    await rig.engine.queries.describe(archive, "Basel", Changes(description="first"))
    await rig.still()
    await rig.restarted("second home")
    await rig.engine.maintenance.rebuild(archive)
    await rig.engine.queries.describe(archive, "Basel", Changes(name="Basle", description="second"))
    await rig.still()
    await rig.restarted()
    await rig.imported(card(rig.root / "two", 2), location="Basle")
    await rig.still()
    (location,) = await rig.engine.queries.locations(archive)
    assert (location.name, location.description) == ("Basle", "second")
    assert b"Internal-Sender-Description: Basle" in next(rig.archive.glob("locations/*/bag-info.txt")).read_bytes()
    assert rig.invalid() == []
