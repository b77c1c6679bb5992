"""Bags with names, payload and tag files that Lading did not make."""

import os
import sys
from pathlib import Path

import pytest

from core.catalog import locations
from core.config import Config
from core.details import Changes
from tests.core.bagit.bagrig import FOLDER, Rig, info, rig, sha256
from tests.rigs import junk

pytestmark = pytest.mark.process

HOSTILE = (
    b"line\nbreak.tsv",
    b"carriage\rreturn.txt",
    b"three\n\n\nbreaks.txt",
    b"100%.tsv",
    b"%0A.txt",
    b"latin1-\xe9.tsv",
    "next\u0085line \u2028.txt".encode(),
    b"trailing ",
    b" leading",
    b"*star",
    b"#hash.txt",
    b"-rf",
    b"tab\there",
    b"esc\x1b[31m",
    "Caf\u00e9.txt".encode(),
    "Cafe\u0301.tsv".encode(),
    b"~root",
    b".DS_Store",
    b"._appledouble.tsv",
    "\u202egpj.tsv".encode(),
)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses some of these names")
async def test_hostile_names_of_tag_files(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        for name in HOSTILE:
            here.receipt(name, name)
        (here.bag / "~root").write_bytes(b"x")
        (here.bag / "lading" / "deeper").mkdir()
        (here.bag / "lading" / "deeper" / "tag.txt").write_bytes(b"x")
        await here.seal()
        assert here.invalid() == ""
        lines = (here.bag / "tagmanifest-sha256.txt").read_bytes().split(b"\n")
        listed = {line.partition(b"  ")[2] for line in lines}
        assert b"lading/line%0Abreak.tsv" in listed
        assert b"lading/carriage%0Dreturn.txt" in listed
        assert "lading/Caf\u00e9.txt".encode() in listed
        assert b"lading/deeper/tag.txt" in listed
        assert not any(b"%25" in line or b"DS_Store" in line for line in listed)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses some of these names")
async def test_hostile_names_of_payload(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        data = here.bag / "data"
        data.mkdir(parents=True)
        (data / "line\nbreak\r.txt").write_bytes(b"x")
        await here.seal()
        assert here.invalid() == ""
        (data / "100%25.txt").write_bytes(b"y")
        (data / os.fsdecode(b"latin1-\xe9")).write_bytes(b"")
        (data / "link").symlink_to("/etc/passwd")
        await here.seal()
        assert here.manifest()["data/100%2525.txt"] == sha256(b"y")
        row = await here.row()
        assert row["sealed"] is None
        assert "data/link is neither file nor folder" in row["note"]
        assert "latin1-\\xe9 is not UTF-8" in row["note"]
        before = here.manifest()
        await here.seal()
        assert here.manifest() == before
        assert (await here.row())["added"] == 0


async def test_manifests_of_other_programs_are_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        here.bag.joinpath("manifest-md5.txt").write_bytes(b"")
        await here.seal()
        row = await here.row()
        assert row["sealed"] is None
        assert "manifest-md5.txt" in row["note"]


async def test_bag_of_another_program_is_taken_over(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        data = here.bag / "data"
        data.mkdir(parents=True)
        (data / "a.txt").write_bytes(b"a")
        (data / "b.txt").write_bytes(b"b")
        (here.bag / "manifest-sha256.txt").write_bytes(
            b"\xef\xbb\xbf%s *./data/a.txt\r\nnonsense\r\n\r\n%s  data/b.txt"
            % (sha256(b"a").upper().encode(), sha256(b"B was this").encode())
        )
        (here.bag / "bagit.txt").write_bytes(b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")
        (here.bag / "bag-info.txt").write_bytes(
            b"Bag-Group-Identifier: hut\n tour\npayload-oxum: 1.1\nBagging-Date: 1999-01-01\n"
            b"External-Description: Three\n  peaks\nLocation-Latitude: 46.62\nLocation-Longitude: 12.3\n"
        )
        await here.seal()
        assert (await here.row())["added"] == 0
        assert here.manifest() == {"data/a.txt": sha256(b"a"), "data/b.txt": sha256(b"B was this")}
        said = info(here)
        assert said["Bag-Group-Identifier"] == "hut tour"
        assert said["Payload-Oxum"] == "2.2"
        assert "payload-oxum" not in said
        assert said["Bagging-Date"] != "1999-01-01"
        assert said["External-Description"] == "Three peaks"
        location = await locations.by_id(here.database.read, here.location_id)
        assert location is not None
        assert (location.description, location.latitude, location.longitude) == ("Three peaks", 46.62, 12.3)


async def test_what_is_said_of_a_location_goes_into_the_bag(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        await here.seal()
        changes = Changes(
            name="Three Peaks\u2028",
            description="Auronzo\r\nPayload-Oxum: 9.9\n\x1b[31mred \u202e and\u0085 more",
            access_note="Key at the hut",
            external_identifier="ark:/1/2",
            position=(46.6187, 12.3027),
        )
        await locations.change(here.database, here.location_id, changes)
        await here.seal()
        assert here.invalid() == ""
        said = info(here)
        assert said["External-Description"] == "Auronzo Payload-Oxum: 9.9 [31mred and more"
        assert said["Payload-Oxum"] == "3.1"
        assert "Access-Note" not in said
        assert (here.context.root / f".lading/access-notes/{FOLDER}.txt").read_text() == "Key at the hut\n"
        assert said["External-Identifier"] == "ark:/1/2"
        assert (said["Location-Latitude"], said["Location-Longitude"]) == ("46.6187", "12.3027")
        assert said["Internal-Sender-Identifier"] == FOLDER
        await locations.change(here.database, here.location_id, Changes(description="", position=()))
        await here.seal()
        assert not {"External-Description", "Location-Latitude"} & set(info(here))


async def test_an_access_note_travels_only_when_it_may_and_outlives_the_database(tmp_path: Path) -> None:
    async with rig(tmp_path, settings=Config(home=str(tmp_path / "home"), share_access_note=True)) as here:
        await here.archive(b"one")
        await locations.change(here.database, here.location_id, Changes(access_note="Key at the hut"))
        await here.seal()
        assert info(here)["Access-Note"] == "Key at the hut"
    async with rig(tmp_path, home="another") as here:
        await here.seal()
        assert "Access-Note" not in info(here)
        location = await locations.by_id(here.database.read, here.location_id)
        assert location is not None
        assert location.access_note == "Key at the hut"
        await locations.change(here.database, here.location_id, Changes(access_note=""))
        await here.seal()
        assert here.invalid() == ""
        assert (here.context.root / f".lading/access-notes/{FOLDER}.txt").read_text() == ""


def removed(here: Rig, left: set[str]) -> None:
    """Do by hand what tidying does."""
    for path in left:
        target = here.bag / path
        target.rmdir() if path.endswith("/") else target.unlink()
    for folder in sorted(here.bag.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()) and folder.name != "data":
            folder.rmdir()


@pytest.mark.promise(38)
async def test_junk_is_in_no_manifest_and_the_bag_says_so(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one", b"two")
        here.receipt(b"a.tsv")
        await here.seal()
        clean = {path: path.read_bytes() for path in here.bag.glob("*.txt")}
        left = junk.strew(here.bag)
        await here.seal()
        assert {path: path.read_bytes() for path in clean} == clean
        row = await here.row()
        assert (row["sealed"], row["files"], row["added"], row["missing"]) == (None, 2, 0, 0)
        assert row["junk"] > 20
        removed(here, left)
        await here.seal()
        assert here.invalid() == ""
        row = await here.row()
        assert row["sealed"] is not None
        assert row["junk"] == 0


async def test_junk_beside_the_payload_leaves_a_bag_valid_and_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        (here.bag / ".DS_Store").write_bytes(b"Bud1")
        await here.seal()
        (here.bag / ".DS_Store").write_bytes(b"Bud1 moved")
        assert here.invalid() == ""
        row = await here.row()
        assert row["sealed"] is not None
        assert (row["note"], row["junk"]) == ("", 1)


@pytest.mark.parametrize("gone", [False, True])
async def test_junk_in_a_manifest_of_an_earlier_version_goes_out_of_it(tmp_path: Path, *, gone: bool) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one", b"two")
        await here.seal()
        left = junk.strew(here.bag / "data")
        manifest = here.bag / "manifest-sha256.txt"
        lines = [
            f"{sha256((here.bag / 'data' / one).read_bytes())}  data/{one}\n" for one in left if one[-1] != "/"
        ]
        manifest.write_text(manifest.read_text() + "".join(lines))
        if gone:
            removed(here, {f"data/{one}" for one in left})
        await here.seal()
        row = await here.row()
        assert (row["files"], row["missing"], len(here.manifest())) == (2, 0, 2)
        assert (row["sealed"] is None) != gone
        removed(here, set() if gone else {f"data/{one}" for one in left})
        await here.seal()
        assert here.invalid() == ""


async def test_a_file_that_only_looks_like_junk_is_payload_and_missed(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.archive(b"one")
        odd = here.bag / "data/._holiday.jpg"
        odd.write_bytes(b"\xff\xd8 a picture")
        await here.seal()
        assert here.manifest()["data/._holiday.jpg"] == sha256(b"\xff\xd8 a picture")
        assert here.invalid() == ""
        odd.unlink()
        await here.seal()
        assert (await here.row())["missing"] == 1
