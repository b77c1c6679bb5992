"""Copies on remotes of rclone: upload, comparison, audit, fetch."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.errors import UsageError
from core.offsite import rclone
from core.offsite.audit import audit
from core.offsite.fetch import MARK, Fetch
from core.offsite.rclone import OffsiteError, Rclone, Remote
from core.offsite.upload import Upload
from core.results import OffsiteResult
from tests.rigs.remotes import NEW, OLD, Store, served

pytestmark = pytest.mark.process

KINDS = [("s3", NEW), ("s3", OLD), ("sftp", OLD), ("webdav", NEW)]
"""Kinds of remotes, and the version of rclone that accesses each."""

TWO = pytest.mark.parametrize("place", [("s3", NEW), ("webdav", OLD)], ids=["s3-new", "webdav-old"], indirect=True)
"""A remote that has checksums of its files, and one that has none."""


def sums(folder: Path, names: list[str]) -> str:
    return "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names)
    )


def sealed(bag: Path) -> None:
    """Make a bag's manifests."""
    payload = [path.relative_to(bag).as_posix() for path in bag.rglob("data/**/*") if path.is_file()]
    (bag / "manifest-sha256.txt").write_text(sums(bag, payload))
    tags = [path.name for path in bag.iterdir() if path.is_file() and not path.name.startswith("tagmanifest")]
    (bag / "tagmanifest-sha256.txt").write_text(sums(bag, tags))


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

    async def up(self) -> OffsiteResult:
        remote = Remote.of(self.store.name)
        return await Upload(Rclone(), str(self.archive), remote, str(self.root / "state"), lambda line: None).go()

    async def back(self, folder: Path) -> OffsiteResult:
        return await Fetch(Rclone(), Remote.of(self.store.name), str(folder), lambda line: None).go()

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


@TWO
@pytest.mark.control(52)
async def test_what_is_damaged_is_named(place: Place, tmp_path: Path) -> None:
    rotten = sorted(place.bag.glob("data/*/*/*"))[0]
    whole = rotten.read_bytes()
    rotten.write_bytes(whole[:-1] + b"X")
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
    assert (tmp_path / "back" / MARK).exists()
    # A file that was removed from the remote is uploaded again; one that differs is never replaced.
    assert (await place.up()).brought == 1
    place.store.put(place.name(second), b"short")
    result = await place.up()
    assert (result.brought, result.lacking_count) == (0, 1)
    assert second.read_bytes() == b"short"


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
    assert noted.read_text() == ""


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


def test_what_names_a_remote() -> None:
    assert Remote.of("rclone:b2:bucket/path/").at("x") == "b2:bucket/path/x"
    assert Remote.of("rclone:b2:").at("x") == "b2:x"
    for text in ("rclone:", "rclone:path", "rclone:-v:x"):
        with pytest.raises(UsageError, match="names no remote"):
            Remote.of(text)


async def test_what_is_cancelled_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(NEW.parent), os.environ["PATH"]]))
    running = asyncio.create_task(Rclone().run("serve", "webdav", str(tmp_path), "--addr", "127.0.0.1:0"))

    def serving() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [one for one in children if one.name() == "rclone" and one.status() != psutil.STATUS_ZOMBIE]

    while not serving():  # noqa: ASYNC110 - nothing tells that a process has begun
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert serving() == []


@pytest.mark.parametrize(
    "line",
    [
        # rclone 1.60
        '{"level":"warning","msg":"\\nTransferred: ...","source":"stats.go:482","stats":{"bytes":1077248,'
        '"eta":1,"totalBytes":3000000,"transferring":[{"bytes":1077248,"group":"global_stats","name":"x"}]}}',
        # rclone 1.75
        '{"time":"2026-11-29T17:54:43Z","level":"notice","msg":"\\nTransferred: ...","stats":{"bytes":1077248,'
        '"eta":null,"listed":1,"transferring":[{"bytes":1077248,"dstFs":"b","name":"x"}]},"source":"stats.go:549"}',
    ],
    ids=["old", "new"],
)
def test_the_progress_of_a_transfer(line: str) -> None:
    told: list[tuple[int, str]] = []
    assert rclone._logged(line, lambda size, name: told.append((size, name))) == ""
    assert told == [(1077248, "x")]
    error = '{"level":"error","msg":"directory not found","object":"Local file system at /a","source":"march.go"}'
    for text, said in ((error, "Local file system at /a: directory not found"), ("{not JSON", "{not JSON")):
        assert rclone._logged(text, lambda size, name: told.append((size, name))) == said
    assert len(told) == 1


def test_without_rclone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("core.tools.HOMEBREW", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="rclone is not installed") as caught:
        Rclone()
    assert caught.value.advice.startswith("Install it: ")


async def test_no_manifest_of_a_remote_leads_out_of_the_folder(tmp_path: Path) -> None:
    """A manifest there names a file that is not below the bag: that file here stays as it is."""
    bag = tmp_path / "remote/locations/basel-1ec6a5"
    (bag / "data").mkdir(parents=True)
    (bag / "data/a.jpg").write_bytes(b"a")
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\n")
    (tmp_path / "remote/.lading").mkdir()
    (tmp_path / "remote/.lading/archive.toml").write_text('id = "a"\n')
    sealed(bag)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    digest = hashlib.sha256(b"another").hexdigest()
    with (bag / "manifest-sha256.txt").open("a") as manifest:
        manifest.write(f"{digest}  ../../../mine.txt\n{digest}  {mine}\n")
    back = tmp_path / "back"
    result = await Fetch(Rclone(), Remote.of(f"rclone::local:{tmp_path}/remote"), str(back), lambda _: None).go()
    assert mine.read_text() == "mine"
    assert (back / MARK).exists()
    assert result.lacking_count >= 1
    assert (back / "locations/basel-1ec6a5/data/a.jpg").read_bytes() == b"a"
