"""Bags: valid for the Library of Congress's validator after whatever happened, and never wrongly so."""

import os
from pathlib import Path

import pytest

from core.config import Config
from core.errors import ArchiveError
from core.models import State
from tests.core.bagit.bagrig import FOLDER, InterruptedRunError, info, rig, sha256

pytestmark = pytest.mark.process

PUBLISHED = ["manifest-sha256.txt", "bag-info.txt", "bagit.txt", "tagmanifest-sha256.txt"]


async def test_first_bag_is_valid(tmp_path: Path) -> None:
    settings = Config(
        home=str(tmp_path), organization="Alpine Club", contact_name="Ada", contact_email="ada@example.org"
    )
    async with rig(tmp_path, settings=settings) as here:
        paths = await here.archive(b"one", b"two" * 100, b"")
        here.receipt(b"20240506-070809-abcd.tsv")
        here.receipt(b"20240506-070809-abcd.txt", b"BILL OF LADING\n")
        await here.seal()
        assert here.invalid() == ""
        assert here.context.published == PUBLISHED
        assert set(here.manifest()) == {path.removeprefix(f"locations/{FOLDER}/") for path in paths}
        tags = (here.bag / "tagmanifest-sha256.txt").read_text()
        assert "lading/20240506-070809-abcd.tsv" in tags
        assert "lading/20240506-070809-abcd.txt" in tags
        row = await here.row()
        assert (row["files"], row["bytes"], row["added"], row["missing"], row["note"]) == (3, 303, 0, 0, "")
        assert row["sealed"] > 0
        assert row["manifest"] == sha256((here.bag / "manifest-sha256.txt").read_bytes())
        said = info(here)
        assert said["Source-Organization"] == "Alpine Club"
        assert (said["Contact-Name"], said["Contact-Email"]) == ("Ada", "ada@example.org")
        assert said["Payload-Oxum"] == "303.3"
        assert said["Internal-Sender-Identifier"] == FOLDER
        assert said["Internal-Sender-Description"] == "Dolomites"
        assert {"Bagging-Date", "Bag-Software-Agent", "Bag-Size"} <= set(said)


async def test_payload_is_not_read(tmp_path: Path) -> None:
    """What the catalog knows is listed, not opened: damage is the validator's to find."""
    async with rig(tmp_path) as here:
        (path,) = await here.archive(b"one")
        (here.context.root / path).write_bytes(b"two")
        await here.seal()
        assert here.manifest()[path.removeprefix(f"locations/{FOLDER}/")] == sha256(b"one")
        assert here.invalid()


async def test_bag_grows_and_a_second_run_writes_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        await here.seal()
        here.context.published.clear()
        await here.seal()
        assert here.context.published == []
        await here.archive(b"two", ending=".mov", kind="videos")
        here.receipt(b"b.tsv")
        assert here.invalid()
        await here.seal()
        assert here.invalid() == ""
        assert here.context.published == ["manifest-sha256.txt", "bag-info.txt", "tagmanifest-sha256.txt"]
        assert len(here.manifest()) == 2


async def test_payload_that_is_gone_is_left_out_and_said(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        paths = await here.archive(b"one", b"two", b"three")
        foreign = here.bag / "data" / "notes.md"
        foreign.write_bytes(b"known by the manifest alone")
        await here.seal()
        os.unlink(here.context.root / paths[1])
        os.unlink(foreign)
        assert here.invalid()
        for _ in range(2):  # the second time no manifest knows of it any more
            await here.seal()
            assert here.invalid() == ""
            assert len(here.manifest()) == 2
            assert (await here.row())["missing"] == 2
            missing = await here.database.read("SELECT path FROM bag_missing ORDER BY path")
            assert missing == [(paths[1].removeprefix(f"locations/{FOLDER}/").encode(),), (b"data/notes.md",)]
        here.payload(b"two")
        foreign.write_bytes(b"back")
        await here.seal()
        assert here.invalid() == ""
        assert (await here.row())["missing"] == 0
        assert await here.database.read("SELECT path FROM bag_missing") == []


async def test_manifest_stays_when_everything_is_gone(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        (path,) = await here.archive(b"one")
        await here.seal()
        before = here.manifest()
        os.unlink(here.context.root / path)
        with pytest.raises(ArchiveError, match="nothing of 1 file "):
            await here.seal()
        assert here.manifest() == before


async def test_empty_location_is_a_valid_bag(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.seal()
        assert here.invalid() == ""
        assert (here.bag / "data").is_dir()
        assert info(here)["Payload-Oxum"] == "0.0"


async def test_unknown_files_are_hashed_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        data = here.bag / "data"
        (data / "deep" / "er").mkdir(parents=True)
        (data / "deep" / "er" / "README").write_bytes(b"put here by hand")
        (data / "café.txt").write_bytes(b"x")
        await here.seal()
        assert here.invalid() == ""
        assert (await here.row())["added"] == 2
        (data / "café.txt").write_bytes(b"y")
        await here.seal()
        assert (await here.row())["added"] == 0
        assert here.manifest()["data/café.txt"] == sha256(b"x")


async def test_two_databases_merge(tmp_path: Path) -> None:
    async with rig(tmp_path, "first", Config(home=str(tmp_path), organization="Alpine Club")) as here:
        first = await here.archive(b"one", b"both")
        await here.seal()
    async with rig(tmp_path, "second") as here:
        second = await here.archive(b"both", b"two")
        await here.seal()
        assert here.invalid() == ""
        names = {path.removeprefix(f"locations/{FOLDER}/") for path in first + second}
        assert set(here.manifest()) == names
        assert (await here.row())["added"] == 0
        assert info(here)["Source-Organization"] == "Alpine Club"
    async with rig(tmp_path, "first") as here:
        await here.archive(b"three")
        await here.seal()
        assert here.invalid() == ""
        assert len(here.manifest()) == 4
        assert (await here.row())["files"] == 4


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("target", "first"),
    [(name, True) for name in PUBLISHED] + [(name, False) for name in PUBLISHED if name != "bagit.txt"],
)
async def test_interrupted_anywhere_then_repaired(tmp_path: Path, target: str, when: str, first: bool) -> None:
    """Killed at any publish: valid only when all that the manifest says is true, and the next run repairs it."""

    def stop(at: str, name: str) -> None:
        if (at, name) == (when, target):
            raise InterruptedRunError

    async with rig(tmp_path) as here:
        gone, _ = await here.archive(b"one", b"two")
        if not first:
            await here.seal()
            os.unlink(here.context.root / gone)
        await here.archive(b"three")
        here.receipt(b"a.tsv")
        here.context.stop = stop
        with pytest.raises(InterruptedRunError):
            await here.seal()
        tags = here.bag / "tagmanifest-sha256.txt"
        current = not tags.exists() or sha256((here.bag / "manifest-sha256.txt").read_bytes()) in tags.read_text()
        complete = when == "after" and target in ("bagit.txt", "tagmanifest-sha256.txt")
        complete = complete or (first and target == "tagmanifest-sha256.txt")
        assert bool(here.invalid()) is not complete
        assert current or here.invalid()
        here.context.stop = lambda at, name: None
        await here.seal()
        assert here.invalid() == ""
        assert len(here.manifest()) == (3 if first else 2)


@pytest.mark.parametrize(("state", "runs"), [(State.RUNNING, 1), (State.PAUSED, 1), (State.PAUSED, 0)])
async def test_open_while_an_import_is(tmp_path: Path, state: State, runs: int) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        await here.begin("20240101-000000-aaaa")
        await here.begin("20240506-070809-abcd", state=state, runs=runs)
        elsewhere = await here.location("alps-1", "Alps")
        await here.begin("20240506-070809-eeee", elsewhere, state=State.RUNNING)
        result = await here.seal()
        assert result.error == ""
        row = await here.row()
        if runs:
            assert here.context.published == []
            assert (row["sealed"], row["note"]) == (None, f"import 20240506-070809-abcd is {state}")
            await here.database.run(("UPDATE import SET state = 'cancelled'", [()]))
            await here.seal()
            row = await here.row()
        assert row["sealed"] > 0
        assert row["note"] == ""
        assert here.invalid() == ""


async def test_import_that_begins_meanwhile_leaves_it_open(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        number = await here.begin("20240506-070809-abcd")

        publish = here.context.publish

        async def slow(archive_id: int, local: str, target: str) -> None:
            await publish(archive_id, local, target)
            await here.database.run(("UPDATE import SET state = 'running' WHERE id = ?", [(number,)]))

        here.context.publish = slow  # type: ignore[method-assign]
        await here.seal()
        row = await here.row()
        assert (row["sealed"], row["note"]) == (None, "import 20240506-070809-abcd is running")


async def test_unreadable_folder_is_an_error_that_changes_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        here.bag.mkdir(parents=True)
        (here.bag / "data").symlink_to(tmp_path)
        with pytest.raises(ArchiveError):
            await here.seal()
        assert here.context.published == []


async def test_location_that_is_not_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        result = await here.seal(99)
        assert result.final
        assert result.error
