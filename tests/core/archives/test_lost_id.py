"""An archive that has lost its archive.toml, or never had `.lading` in a backup."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.archives import recover_id
from core.errors import ArchiveError, ArchiveIdLostError
from core.models import Verdict
from tests.core.archives.test_copies import checked, filled, silent
from tests.core.importing.rig import Rig, random_bytes, write

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("numbered")]


def toml(archive: Path) -> Path:
    """What holds the id."""
    return archive / ".lading/archive.toml"


async def backed_up(rig: Rig) -> Path:
    """A backup without what begins with a point."""
    await filled(rig)
    write(rig.source / "again.jpg", random_bytes(3000, 1))
    await rig.imported()
    return Path(shutil.copytree(rig.archive, rig.root / "backup", ignore=shutil.ignore_patterns(".lading")))


@pytest.mark.promise(40)
@pytest.mark.parametrize("state", ["gone", "empty", "damaged", "invented"])
async def test_rebuild_brings_it_back_from_the_journals(rig: Rig, state: str) -> None:
    await filled(rig)
    before = toml(rig.archive).read_text()
    if state == "gone":
        toml(rig.archive).unlink()
    else:
        text = {"empty": "", "damaged": "id = \0", "invented": f'id = "{"0" * 8}-0000-4000-8000-{"0" * 12}"\n'}
        toml(rig.archive).write_text(text[state])
    if state != "invented":
        with pytest.raises(ArchiveIdLostError, match="lading rebuild"):
            await rig.begun()
        with pytest.raises(ArchiveIdLostError, match="lading rebuild"):
            await checked(rig, rig.archive)
        assert not toml(rig.archive).exists() or toml(rig.archive).read_text() == text[state]
    await rig.restarted("fresh home")
    found = await rig.engine.maintenance.rebuild(str(rig.archive))
    assert (found.imports, found.items, found.problems) == (1, 4, ())
    assert toml(rig.archive).read_text() == before
    assert f'id = "{found.id}"\n' == before
    assert (await checked(rig, rig.archive)).verdict is Verdict.SAFE
    assert (await rig.imported()).duplicate.files == 4


async def same_from_bags(rig: Rig) -> bool:
    """Whether the id is there again when only the bags are left."""
    backup = await backed_up(rig)
    before = toml(rig.archive).read_text()
    await rig.restarted("fresh home")
    await rig.engine.maintenance.rebuild(str(backup))
    return toml(backup).read_text() == before


@pytest.mark.promise(40)
async def test_a_backup_of_the_bags_alone_is_taken_up(rig: Rig) -> None:
    assert await same_from_bags(rig)
    backup = rig.root / "backup"
    names = {name for (name,) in await rig.engine.database.read("SELECT name FROM import")}
    assert len(names) == 2
    assert (await rig.engine.maintenance.audit(str(backup), silent)).damaged_count == 0
    for name in names:
        out = rig.root / f"out {name}"
        assert (await rig.engine.restore_check.restore(name, str(out), silent)).failed_count == 0
        for path in out.rglob("*.jpg"):
            original = rig.source / path.relative_to(out)
            assert (path.read_bytes(), path.stat().st_mtime_ns) == (
                original.read_bytes(),
                original.stat().st_mtime_ns,
            )
    assert (await checked(rig, backup, read=True)).verdict is Verdict.SAFE


@pytest.mark.control(40)
async def test_without_journals_and_receipts_it_is_another_id(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> AsyncIterator[str]:
        for one in tuple[str, ...]():
            yield one

    monkeypatch.setattr(recover_id, "ids_of_journals", nothing)
    monkeypatch.setattr(recover_id, "ids_of_receipts", nothing)
    assert not await same_from_bags(rig)


async def test_import_makes_no_new_id_over_old_locations(rig: Rig) -> None:
    backup = await backed_up(rig)
    with pytest.raises(ArchiveIdLostError, match="lading rebuild"):
        await rig.begun(archive=str(backup))
    assert os.listdir(backup) == ["locations"]


async def test_the_catalog_knows_one_whose_journals_say_nothing(rig: Rig) -> None:
    await filled(rig)
    before = toml(rig.archive).read_text()
    toml(rig.archive).write_text("")
    for path in (*rig.archive.glob(".lading/imports/*"), *rig.archive.glob("locations/*/lading/*")):
        path.unlink()
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert toml(rig.archive).read_text() == before


async def test_a_folder_that_is_no_archive_stays_as_it_is(rig: Rig) -> None:
    write(rig.root / "photos/a.jpg", b"picture")
    with pytest.raises(ArchiveError, match="there is no archive"):
        await rig.engine.maintenance.rebuild(str(rig.root / "photos"))
    assert os.listdir(rig.root / "photos") == ["a.jpg"]
