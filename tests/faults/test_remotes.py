"""Copies on remotes of rclone: upload, comparison, audit, fetch."""

import os
import shutil
import subprocess
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from core.errors import UsageError
from core.offsite.audit import audit
from core.offsite.fetch import FETCHING_MARK, Fetch
from core.offsite.rclone import Moved, OffsiteError, Rclone, RcloneResult, Remote
from core.offsite.upload import NOT_MADE, Upload
from core.results import OffsiteResult
from tests.rigs.remotes import NEW, OLD, Store, sealed, served

pytestmark = pytest.mark.process

KINDS = [("s3", NEW), ("s3", OLD), ("sftp", OLD), ("webdav", NEW)]
"""Kinds of remotes, and the version of rclone that accesses each."""

TWO = pytest.mark.parametrize("place", [("s3", NEW), ("webdav", OLD)], ids=["s3-new", "webdav-old"], indirect=True)
"""A remote that has checksums of its files, and one that has none."""


class Place:
    """An archive with one location, made by hand, and a remote for it."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self.store = store
        self.archive = root / "archive"
        self.bag = self.archive / "locations" / "basel-1ec6a5"
        self.there = store.folder / "archive"
        own = self.archive / ".lading"
        for name in ("imports/one.jsonl", "thumbnails/ab/x_400.jpg", "staging/x/y", "lock"):
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            (own / name).write_text(name)
        (own / "archive.toml").write_text('id = "a"\n')
        self.bag.mkdir(parents=True)
        (self.bag / "bagit.txt").write_text("BagIt-Version: 1.0\n")
        for number in range(6):
            self.add(number)
        sealed(self.bag)

    def add(self, number: int, size: int = 3000) -> Path:
        path = self.bag / "data" / "images" / f"{number:02}" / f"{number:032}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    async def up(self, rclone: Rclone | None = None) -> OffsiteResult:
        remote, rclone = Remote.of(self.store.name), rclone or Rclone()
        return await Upload(rclone, str(self.archive), remote, str(self.root / "state")).go()

    async def back(self, folder: Path) -> OffsiteResult:
        return await Fetch(Rclone(), Remote.of(self.store.name), str(folder)).go()

    def name(self, path: Path) -> str:
        """The path of a remote file below the archive's root."""
        return path.relative_to(self.there).as_posix()

    def payload_there(self) -> list[Path]:
        return sorted(self.there.glob("locations/*/data/*/*/*"))


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'new' if kind[1] == NEW else 'old'}")
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    kind, program = request.param
    with served(kind, tmp_path) as store:
        for name, value in store.environ(program).items():
            monkeypatch.setenv(name, value)
        yield Place(tmp_path, store)


def differing(one: Path, other: Path) -> str:
    return subprocess.run(["diff", "-r", one, other], capture_output=True, text=True, check=False).stdout


@pytest.mark.promise(52)
async def test_up_and_back(place: Place, tmp_path: Path) -> None:
    first = await place.up()
    assert (first.total, first.brought, first.lacking) == (6, 6, ())
    assert first.compared.startswith("by "), "it follows the word compared"
    again = await place.up()
    assert (again.total, again.brought, again.lacking, again.receipt) == (6, 0, (), "")
    listed = (place.there / first.receipt).read_text()
    assert sum(line.count("data/images") for line in listed.splitlines()) == 6
    # Only new payload is uploaded, followed by the bag's tag files.
    new = place.add(6)
    unlisted = await place.up()
    assert (unlisted.brought, [why for _, why in unlisted.lacking]) == (0, ["its bag does not name it yet"])
    sealed(place.bag)
    assert (await place.up()).brought == 1
    assert (place.there / new.relative_to(place.archive)).read_bytes() == new.read_bytes()
    found = await audit(Rclone(), Remote.of(place.store.name))
    assert (found.checked, found.well, found.damaged_count) == (9, 9, 0)
    back = await place.back(tmp_path / "back")
    assert (back.total, back.lacking) == (7, ())
    shutil.rmtree(place.archive / ".lading" / "staging")
    (place.archive / ".lading" / "lock").unlink()
    shutil.rmtree(tmp_path / "back" / ".lading" / "offsite")
    assert differing(place.archive, tmp_path / "back") == ""


class Busy(Rclone):
    """It accesses a remote while the engine adds `receipts` to a bag: one whenever its tag files are compared."""

    def __init__(self, bag: Path, receipts: int) -> None:
        super().__init__()
        self.bag = bag
        self.left = receipts

    async def compare(self, ended: RcloneResult, *arguments: str) -> AsyncGenerator[tuple[str, str], None]:
        if "--exclude=/data/**" in arguments and self.left:
            self.left -= 1
            (self.bag / f"one.added-{self.left}.txt").write_text("ADDED\n")
        async with aclosing(super().compare(ended, *arguments)) as compared:
            async for sign, name in compared:
                yield sign, name


@TWO
async def test_a_receipt_that_is_added_meanwhile_is_uploaded_too(place: Place) -> None:
    result = await place.up(Busy(place.bag, 1))
    assert (result.brought, result.lacking) == (6, ())
    assert [path.name for path in place.there.glob("locations/*/one.added-*")] == ["one.added-0.txt"]
    # A bag that never stands still is not called complete.
    result = await place.up(Busy(place.bag, 100))
    assert [why for _, why in result.lacking] == ["it did not arrive"]


class Meanwhile(Rclone):
    """It accesses a remote while the engine works: `change` is called before each of the first `times` commands
    that have the argument `when`."""

    def __init__(self, when: str, change: Callable[[], object], times: int = 1) -> None:
        super().__init__()
        self.when = when
        self.change = change
        self.left = times

    async def must(self, *arguments: str, moved: Moved | None = None) -> list[str]:
        if self.when in arguments and self.left:
            self.left -= 1
            self.change()
        return await super().must(*arguments, moved=moved)


TAGS = "--include=/tagmanifest-sha256.txt"


@TWO
async def test_what_is_imported_meanwhile_is_uploaded_with_its_bag(place: Place) -> None:
    def imported() -> None:
        place.add(len(list(place.bag.glob("data/*/*/*"))))
        sealed(place.bag)

    result = await place.up(Meanwhile(TAGS, imported))
    assert (result.total, result.brought, result.lacking) == (7, 7, ())
    assert (await audit(Rclone(), Remote.of(place.store.name))).damaged_count == 0
    # A bag that never stands still is not called complete.
    assert (await place.up(Meanwhile(TAGS, imported, 100))).lacking_count == 1


def kept(place: Place) -> list[str]:
    """What the state folder holds between runs."""
    return sorted(path.name for path in (place.root / "state").iterdir())


@TWO
async def test_a_bag_that_goes_between_two_attempts(place: Place) -> None:
    def emptied() -> None:
        place.add(6)
        (place.bag / "manifest-sha256.txt").write_text("")

    class Gone(Meanwhile):
        """The second time that the manifest is read it is gone."""

        async def must(self, *arguments: str, moved: Moved | None = None) -> list[str]:
            told = await super().must(*arguments, moved=moved)
            if arguments[0] == "copyto" and arguments[2].endswith("newer"):
                (place.bag / "manifest-sha256.txt").unlink()
            return told

    result = await place.up(Gone(TAGS, emptied))
    assert result.lacking == ((f"locations/{place.bag.name}", NOT_MADE),)
    assert kept(place) == []


@TWO
async def test_a_run_that_breaks_off_leaves_the_list_of_what_was_compared(place: Place) -> None:
    """The next one brings it to the remote, and removes what a killed run has left, but nothing that is not its
    own."""

    class Broken(Rclone):
        async def must(self, *arguments: str, moved: Moved | None = None) -> list[str]:
            if TAGS in arguments:
                raise OffsiteError("the line is down.")
            return await super().must(*arguments, moved=moved)

    with pytest.raises(OffsiteError, match="the line is down"):
        await place.up(Broken())
    (listed,) = kept(place)
    told = (place.root / "state" / listed).read_bytes()
    for name in ("names.txt", "sums.txt", "basel-1ec6a5.manifest", "basel-1ec6a5.new", "basel-1ec6a5.noted"):
        (place.root / "state" / name).touch()
    (place.root / "state/working").mkdir()
    (place.root / "state/working/names.txt").touch()
    (place.root / "state/read me").touch()
    (place.root / "state/a folder.noted").mkdir()
    assert (await place.up()).lacking == ()
    assert kept(place) == ["a folder.noted", "read me"]
    assert (place.there / ".lading/offsite" / listed).read_bytes() == told


@TWO
async def test_a_report_that_its_bag_does_not_name_yet(place: Place) -> None:
    """The engine writes a report first, and makes the bag after that."""
    report = place.bag / "report.html"
    report.write_text("ONE")
    sealed(place.bag)
    result = await place.up(Meanwhile("--exclude=/data/**", lambda: report.write_text("TWO")))
    assert len(result.lacking) == 1
    result = await place.up(Meanwhile(TAGS, lambda: sealed(place.bag)))
    assert result.lacking == ()
    assert (await audit(Rclone(), Remote.of(place.store.name))).damaged_count == 0


class Uploading(Rclone):
    """It accesses a remote while an engine uploads a bag: `change` is called before the first comparison."""

    def __init__(self, change: Callable[[], None]) -> None:
        super().__init__()
        self.change = change
        self.done = False

    async def compare(self, ended: RcloneResult, *arguments: str) -> AsyncGenerator[tuple[str, str], None]:
        if not self.done:
            self.done = True
            self.change()
        async with aclosing(super().compare(ended, *arguments)) as compared:
            async for sign, name in compared:
                yield sign, name


@TWO
async def test_a_bag_that_is_uploaded_while_it_is_audited_or_fetched(place: Place, tmp_path: Path) -> None:
    await place.up()
    path = place.bag.relative_to(place.archive)

    def upload() -> None:
        (place.bag / "bagit.txt").write_text(f"BagIt-Version: 1.0\n{place.add(len(place.payload_there())).name}")
        sealed(place.bag)
        for file in sorted(place.bag.rglob("*")):
            if file.is_file():
                place.store.put(f"{path}/{file.relative_to(place.bag)}", file.read_bytes())

    found = await audit(Uploading(upload), Remote.of(place.store.name))
    assert (found.checked, found.damaged) == (9, ())
    # One that is fetched, and goes on after the next upload: the tag manifest has its size, and other content.
    assert (await place.back(tmp_path / "back")).lacking == ()
    (tmp_path / "back" / FETCHING_MARK).touch()
    upload()
    result = await place.back(tmp_path / "back")
    assert (result.total, result.lacking) == (8, ())


@TWO
async def test_journals_and_notes_that_change(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal of an import that runs grows while it is uploaded. An access note may keep its length."""
    journal, note = (
        place.archive / ".lading/imports/one.jsonl",
        place.archive / ".lading/access-notes/basel-1ec6a5.txt",
    )
    journal.write_bytes(os.urandom(4 << 20))
    note.parent.mkdir()
    note.write_text("key 1234")
    over = threading.Event()

    def grow() -> None:
        while not over.wait(0.001):
            with journal.open("ab") as file:
                file.write(b"line\n")

    growing = threading.Thread(target=grow)
    monkeypatch.setenv("RCLONE_BWLIMIT", "4M")
    try:
        result = await place.up(Meanwhile("--include=/imports/**", growing.start))
    finally:
        over.set()
        growing.join()
    assert result.lacking == ()
    monkeypatch.delenv("RCLONE_BWLIMIT")
    there = (place.there / ".lading/imports/one.jsonl").read_bytes()
    assert journal.read_bytes().startswith(there)
    assert len(there) >= 4 << 20
    note.write_text("key 4321")
    await place.up()
    assert (place.there / ".lading/access-notes/basel-1ec6a5.txt").read_text() == "key 4321"
    assert (place.there / ".lading/imports/one.jsonl").read_bytes() == journal.read_bytes()


@TWO
@pytest.mark.control(52)
async def test_what_is_damaged_is_named(place: Place, tmp_path: Path) -> None:
    rotten = sorted(place.bag.glob("data/*/*/*"))[0]
    whole = rotten.read_bytes()
    rotten.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = await place.up()
    assert (result.brought, [why for _, why in result.lacking]) == (
        5,
        ["it is not what was archived: lading audit"],
    )
    assert len(place.payload_there()) == 5
    rotten.write_bytes(whole)
    assert (await place.up()).lacking == ()
    # On the remote, one file gets another content of the same size, and one is removed.
    first, second, *_ = place.payload_there()
    place.store.put(place.name(first), bytes(len(whole)))
    place.store.remove(place.name(second))
    found = await audit(Rclone(), Remote.of(place.store.name))
    assert {os.path.basename(path) for path, _ in found.damaged} == {first.name, second.name}
    back = await place.back(tmp_path / "back")
    assert {os.path.basename(path) for path, _ in back.lacking} == {first.name, second.name}
    assert (tmp_path / "back" / FETCHING_MARK).exists()
    # A file that was removed from the remote is uploaded again; one that differs is never replaced.
    assert (await place.up()).brought == 1
    place.store.put(place.name(second), b"short")
    result = await place.up()
    assert (result.brought, result.lacking_count) == (0, 1)
    assert second.read_bytes() == b"short"
    # What the archive has lost is not lacking there, as long as it is there.
    third = place.name(place.payload_there()[2])
    (place.archive / third).unlink()
    assert (await place.up()).lacking_count == 1
    place.store.remove(third)
    assert (third, "it is not there, and the archive has it no more") in (await place.up()).lacking
    # A tag manifest that names nothing vouches for nothing.
    tags = "tagmanifest-sha256.txt"
    there = place.name(place.there / "locations" / place.bag.name / tags)
    place.store.put(there, b"")
    found = await audit(Rclone(), Remote.of(place.store.name))
    assert [why for path, why in found.damaged if path.endswith(tags)] == [
        "it names no file, so nothing was compared"
    ]
    # So does one that was cut off before the manifest's line.
    kept = [
        line for line in (place.bag / tags).read_text().splitlines() if not line.endswith(" manifest-sha256.txt")
    ]
    place.store.put(there, "".join(f"{line}\n" for line in kept).encode())
    found = await audit(Rclone(), Remote.of(place.store.name))
    assert [why for path, why in found.damaged if path.endswith(tags)] == [
        "it does not name manifest-sha256.txt, which may be cut off"
    ]


@TWO
async def test_an_interrupted_one_is_compared_all_the_same(place: Place) -> None:
    """Files that were uploaded but not compared can be truncated. They are noted, so they are replaced and
    compared."""
    await place.up()
    first, second, *_ = place.payload_there()
    whole = first.read_bytes()
    place.store.put(place.name(first), whole[:100])
    noted = place.root / "state" / "basel-1ec6a5.noted"
    noted.write_text(
        "".join(f"{path.relative_to(place.there / 'locations/basel-1ec6a5')}\n" for path in (first, second))
    )
    result = await place.up()
    assert (result.brought, result.lacking, first.read_bytes()) == (2, (), whole)
    assert not noted.exists()


@TWO
async def test_another_archive_is_not_mixed_in(place: Place, tmp_path: Path) -> None:
    await place.up()
    (place.archive / ".lading" / "archive.toml").write_text('id = "b"\n')
    with pytest.raises(UsageError, match="another archive"):
        await place.up()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        await place.back(tmp_path / "full")
    with pytest.raises(OffsiteError):
        await audit(Rclone(), Remote.of(f"{place.store.name}/nothing"))
